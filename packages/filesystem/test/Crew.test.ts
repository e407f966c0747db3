import { assert, describe, it } from "@effect/vitest"
import { HostPath } from "@kata-deploy/core"
import { SampleArchive } from "@kata-deploy/core/testing"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import fs from "node:fs"
import { join } from "node:path"
import { afterEach, vi } from "vitest"
import { whole } from "../src/ArchiveReader.ts"
import { alone, crews, threads } from "../src/Crew.ts"
import { openBest } from "../src/DirectoryHandle.ts"
import { pack } from "../src/Packing.ts"
import { Allowance, type UnpackJob } from "../src/Parts.ts"
import { portOver, sampleHost, temporaryDirectory } from "./SampleHost.ts"

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

describe("threads that rest", () => {
  const crew = Effect.acquireRelease(
    Effect.sync(() => threads(2)),
    (made) => Effect.promise(() => made.close()),
  )
  const archive = Effect.map(temporaryDirectory, (directory) => {
    const path = join(directory, "archive")
    fs.writeFileSync(path, Buffer.alloc(mebibyte, "x"))
    return { path, sha256: createHash("sha256").update(fs.readFileSync(path)).digest("hex") }
  })

  it.effect("begin anew when there is something to do", () =>
    Effect.gen(function* () {
      const many = yield* crew
      const { path, sha256 } = yield* archive
      const digest = () => Effect.promise(() => many.run({ _tag: "Digest", path }))
      assert.strictEqual(yield* digest(), sha256)
      yield* Effect.promise(() => many.rest())
      assert.deepStrictEqual(yield* Effect.all([digest(), digest(), digest()]), [sha256, sha256, sha256])
    }),
  )

  it.effect("end what they are at first", () =>
    Effect.gen(function* () {
      const many = yield* crew
      const { path, sha256 } = yield* archive
      const running = many.run({ _tag: "Digest", path })
      yield* Effect.promise(() => many.rest())
      assert.strictEqual(yield* Effect.promise(() => running), sha256)
    }),
  )

  it.effect("do so as soon as an extraction needs them no more, whatever became of it", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({
        archives: { good: [SampleArchive.file("a", "a")], bad: "corrupt" },
      })
      let rested = 0
      const few = alone()
      const counted = crews(few, few)
      const port = portOver(host, openBest, {
        ...counted,
        rest: () => {
          rested++
          return counted.rest()
        },
      })
      const extract = (archive: string, staged: Effect.Effect<void>) =>
        port.extract(
          {
            _tag: "Extract",
            into: HostPath.make("/opt/kata"),
            staging: HostPath.make("/opt/kata/.kata-deploy/staging"),
            components: [
              { name: archive, archive, id: { sha256: null, size: 1, modifiedMs: 0 }, replaces: [] },
            ],
            except: [],
            owned: [],
          },
          () => Effect.void,
          () => staged,
        )
      const done = yield* extract(
        "good",
        Effect.sync(() => assert.strictEqual(rested, 1)),
      )
      yield* done.commit
      yield* Effect.flip(extract("bad", Effect.void))
      assert.strictEqual(rested, 2)
    }),
  )
})
