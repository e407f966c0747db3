import { assert, describe, it } from "@effect/vitest"
import { HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import fs from "node:fs"
import { join } from "node:path"
import { afterEach, vi } from "vitest"
import { whole } from "../src/ArchiveReader.ts"
import { alone } from "../src/Crew.ts"
import { pack } from "../src/Packing.ts"
import { Allowance, type UnpackJob } from "../src/Parts.ts"
import { temporaryDirectory } from "./SampleHost.ts"

const mebibyte = 1024 * 1024

/** An archive with one file that is large enough to be synced by itself. */
const archiveWith = (directory: string, component: string) =>
  Effect.promise(async (): Promise<UnpackJob> => {
    const tree = join(directory, component)
    const archive = join(directory, `${component}.tar.zst`)
    const root = join(directory, `${component}-unpacked`)
    fs.mkdirSync(tree)
    fs.mkdirSync(root)
    fs.writeFileSync(join(tree, component), Buffer.alloc(2 * mebibyte, component))
    await pack({ tree, component, archive, level: 1 })
    const into = HostPath.make("/opt/kata")
    const except = new Set<string>()
    return {
      ...whole,
      path: archive,
      archive,
      component,
      root,
      directory: "0",
      into,
      except,
      reserved: undefined,
      isDigested: false,
    }
  })

afterEach(() => void vi.restoreAllMocks())

describe("a thread that unpacks", () => {
  it.effect(
    "begins with the next part while the disk still takes the last one, and answers only after it",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const jobs = [yield* archiveWith(directory, "one"), yield* archiveWith(directory, "two")]
        const waiting: Array<() => void> = []
        const bothWait = new Promise<void>((resolve) => {
          vi.spyOn(fs, "fsync").mockImplementation(((_: number, done: (error: null) => void) => {
            waiting.push(() => done(null))
            if (waiting.length === jobs.length) resolve()
          }) as typeof fs.fsync)
        })
        const crew = alone()
        const { shared } = Allowance.of(Number.POSITIVE_INFINITY)
        const answered: Array<string> = []
        const all = jobs.map((job) =>
          crew.run({ _tag: "Unpack", job, allowance: shared }).then(() => answered.push(job.component)),
        )
        yield* Effect.promise(() => bothWait)
        assert.deepStrictEqual(answered, [])
        for (const synced of waiting) synced()
        yield* Effect.promise(() => Promise.all(all))
        assert.deepStrictEqual(answered, ["one", "two"])
      }),
  )
})
