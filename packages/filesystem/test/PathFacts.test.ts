import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Fact, FileState, HostLayout, HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import fs from "node:fs"
import { Confinement } from "../src/Confinement.ts"
import * as PathFacts from "../src/PathFacts.ts"
import { portOver, sampleHost } from "./SampleHost.ts"

const at = HostPath.make

describe("facts about paths", () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it("what is mounted on this machine is a mount point, what lies in it is none", () => {
    if (process.platform !== "linux") return
    const machine = new Confinement(HostLayout.wholeRoot("/"))
    assert.deepStrictEqual(PathFacts.isMountPoint(machine, at("/proc")), Fact.known(true))
    assert.deepStrictEqual(PathFacts.isMountPoint(machine, at("/proc/sys")), Fact.known(false))
    assert.deepStrictEqual(PathFacts.isMountPoint(machine, at("/proc/modules")), Fact.known(false))
  })

  it.effect("a filesystem that is read-only may not be written, and a missing permission is a no", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({ tree: { "/etc/f": "x", "/etc/d": FileState.directory() } })
      const port = portOver(host)
      for (const code of ["EROFS", "EACCES"]) {
        vi.spyOn(fs, "accessSync").mockImplementation(() => {
          throw Object.assign(new Error(code), { code })
        })
        for (const path of ["/etc/f", "/etc/d", "/etc/new", "/new/deep/down"]) {
          assert.deepStrictEqual(yield* port.mayWrite(at(path)), Fact.known(false))
        }
      }
    }),
  )

  it.effect("free bytes are those of the filesystem below the nearest directory", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({})
      vi.spyOn(fs, "statfsSync").mockReturnValue({ bavail: 10, bsize: 4096 } as fs.StatsFs)
      assert.deepStrictEqual(yield* portOver(host).freeBytes(at("/opt/kata/deep")), Fact.known(40_960))
    }),
  )
})
