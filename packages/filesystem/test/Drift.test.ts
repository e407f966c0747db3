import { assert, describe, it } from "@effect/vitest"
import { HostPath, type Ledger } from "@kata-deploy/core"
import { SampleArchive } from "@kata-deploy/core/testing"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import fs from "node:fs"
import { join } from "node:path"
import { portOver, sampleHost } from "./SampleHost.ts"

const into = HostPath.make("/opt/kata")

/** A host on which a program was unpacked, and what is recorded of it. */
const unpacked = Effect.gen(function* () {
  const archives = { kernel: [SampleArchive.file("bin/shim", "program", 0o755)] }
  const host = yield* sampleHost({ archives })
  const port = portOver(host)
  const id = { sha256: "", size: 0, modifiedMs: 0 }
  const done = yield* port.extract(
    {
      _tag: "Extract",
      into,
      staging: HostPath.make("/opt/kata/.kata-deploy/staging"),
      components: [{ name: "kernel", archive: "kernel", id, replaces: [] }],
      except: [],
      owned: [],
    },
    () => Effect.void,
    () => Effect.void,
  )
  yield* done.commit
  const entries = done.entries.get("kernel") ?? []
  return { port, entries, shim: join(host.root, "opt/kata/bin/shim") }
})

/** Writes into a file as nobody should: at its place, with the old time of modification put back. */
const writeInPlace = (at: string, text: string): void => {
  const { atimeMs, ctimeMs, mtimeMs } = fs.statSync(at)
  // A filesystem's clock ticks every few milliseconds.
  while (fs.statSync(at).ctimeMs === ctimeMs) {
    fs.writeFileSync(at, text, { flag: "r+" })
    fs.utimesSync(at, atimeMs / 1000, mtimeMs / 1000)
  }
}

const recorded = (entries: ReadonlyArray<Ledger.OwnedEntry>) =>
  JSON.parse(JSON.stringify(entries)) as ReadonlyArray<Ledger.OwnedEntry>

describe("drift", () => {
  it.effect("times survive being written down, and the archive's own time is among them", () =>
    Effect.gen(function* () {
      const { entries, port, shim } = yield* unpacked
      const { ctimeMs } = fs.statSync(shim)
      const entry = entries.find(({ path }) => path === "bin/shim")
      assert.deepInclude(entry, { modifiedMs: 1_700_000_000_000, changedMs: ctimeMs })
      const nothing = { drifted: [], renewed: [] }
      assert.deepStrictEqual(yield* port.drift(into, recorded(entries), "metadata"), nothing)
    }),
  )

  it.effect("bytes that were changed in place are noticed although size, mode and mtime are as before", () =>
    Effect.gen(function* () {
      const { entries, port, shim } = yield* unpacked
      writeInPlace(shim, "PROGRAM")
      const stat = fs.statSync(shim)
      assert.deepStrictEqual([stat.size, stat.mtimeMs, stat.mode & 0o777], [7, 1_700_000_000_000, 0o755])
      const { drifted, renewed } = yield* port.drift(into, entries, "metadata")
      assert.deepStrictEqual(
        drifted.map(({ entry }) => entry.path),
        ["bin/shim"],
      )
      assert.deepStrictEqual(renewed, [])
    }),
  )

  it.effect("what a backup brought back is the same, and is known by its new times from then on", () =>
    Effect.gen(function* () {
      const { entries, port, shim } = yield* unpacked
      execFileSync("cp", ["-a", shim, `${shim}.backup`])
      fs.renameSync(`${shim}.backup`, shim)
      const first = yield* port.drift(into, entries, "metadata")
      assert.deepStrictEqual(first.drifted, [])
      assert.deepStrictEqual(
        first.renewed.map(({ path }) => path),
        ["bin/shim"],
      )
      assert.deepStrictEqual(yield* port.drift(into, first.renewed, "metadata"), { drifted: [], renewed: [] })
    }),
  )

  it.effect("without the install directory everything is gone", () =>
    Effect.gen(function* () {
      const { entries, port } = yield* unpacked
      const { drifted } = yield* port.drift(HostPath.make("/opt/other"), entries, "metadata")
      assert.deepStrictEqual(
        drifted.map(({ found }) => found._tag),
        entries.map(() => "Absent"),
      )
    }),
  )
})
