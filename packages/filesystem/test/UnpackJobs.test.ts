import { assert, describe, it } from "@effect/vitest"
import { HostPath } from "@kata-deploy/core"
import { SampleArchive } from "@kata-deploy/core/testing"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import fs from "node:fs"
import { join } from "node:path"
import { type Crew, crews, threads } from "../src/Crew.ts"
import { openBest } from "../src/DirectoryHandle.ts"
import { archiveOf, portOver, sampleHost } from "./SampleHost.ts"

const archives: Readonly<Record<string, SampleArchive.SampleArchive>> = {
  one: [SampleArchive.file("bin/one", "1".repeat(3_000_000)), SampleArchive.file("share/a", "a")],
  two: [SampleArchive.file("bin/two", "2")],
}

/** Unpacks archives with so many threads; answers what they were asked for, and what came of it. */
const unpacked = (names: ReadonlyArray<string>, size: number) =>
  Effect.gen(function* () {
    const host = yield* sampleHost({ archives })
    const many = yield* Effect.acquireRelease(
      Effect.sync(() => threads(size)),
      (made) => Effect.promise(() => made.close()),
    )
    const tasks: Array<string> = []
    const seen: Crew = {
      ...many,
      run: (task, tell) => {
        tasks.push(task._tag)
        return many.run(task, tell)
      },
    }
    const port = portOver(host, openBest, crews(seen, seen))
    const read: Array<number> = []
    const extraction = yield* port.extract(
      {
        _tag: "Extract",
        into: HostPath.make("/opt/kata"),
        staging: HostPath.make("/opt/kata/.kata-deploy/staging"),
        components: names.map((name) => ({
          name,
          archive: name,
          id: { sha256: null, size: fs.statSync(join(host.artifacts, name)).size, modifiedMs: 0 },
          replaces: [],
        })),
        except: [],
        owned: [],
      },
      ({ bytes }) => Effect.sync(() => void read.push(bytes)),
      () => Effect.void,
    )
    return { tasks, extraction, read, root: host.root }
  })

const digestOf = (name: string) =>
  Effect.map(
    Effect.promise(() => archiveOf(archives[name]!)),
    (bytes) => createHash("sha256").update(bytes).digest("hex"),
  )

describe("unpacking", () => {
  it.effect("two threads share the only archive, and tell its digest and their progress as one does", () =>
    Effect.gen(function* () {
      const { extraction, read, root, tasks } = yield* unpacked(["one"], 2)
      assert.deepStrictEqual(tasks, ["Decompress", "Unpack"])
      assert.deepStrictEqual(extraction.digests, new Map([["one", yield* digestOf("one")]]))
      assert.strictEqual(fs.readFileSync(join(root, "opt/kata/bin/one"), "utf8"), "1".repeat(3_000_000))
      assert.strictEqual(read.at(-1), (yield* Effect.promise(() => archiveOf(archives["one"]!))).length)
    }),
  )

  it.effect("each thread has an archive of its own where there are enough of them", () =>
    Effect.gen(function* () {
      const { extraction, tasks } = yield* unpacked(["one", "two"], 2)
      assert.deepStrictEqual(tasks, ["Unpack", "Unpack"])
      assert.deepStrictEqual(
        extraction.digests,
        new Map([
          ["one", yield* digestOf("one")],
          ["two", yield* digestOf("two")],
        ]),
      )
    }),
  )

  it.effect("a thread that is alone does all of it", () =>
    Effect.gen(function* () {
      const { extraction, tasks } = yield* unpacked(["one"], 1)
      assert.deepStrictEqual(tasks, ["Unpack"])
      assert.deepStrictEqual(extraction.digests, new Map([["one", yield* digestOf("one")]]))
    }),
  )
})
