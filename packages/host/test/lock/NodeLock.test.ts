import { spawn, spawnSync, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { HostLayout } from "@kata-deploy/core"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as LockHolder from "../../src/lock/LockHolder.ts"
import * as NodeLock from "../../src/lock/NodeLock.ts"

/** A host tree with the directory for the lock; gone with the scope. */
const hostTree = Effect.acquireRelease(
  Effect.sync(() => {
    const root = mkdtempSync(join(tmpdir(), "kd-lock-"))
    mkdirSync(join(root, "run/lock"), { recursive: true })
    return { root, file: join(root, "run/lock/kata-deploy.lock"), layout: HostLayout.wholeRoot(root) }
  }),
  ({ root }) => Effect.sync(() => rmSync(root, { recursive: true })),
)

/** Whether another program could lock the file at once. */
const isFree = (file: string): boolean => spawnSync("flock", ["--nonblock", file, "true"]).status === 0

/** Process id of whoever the kernel says holds the lock. */
const holderOf = (file: string): number | undefined =>
  LockHolder.pidsIn(
    LockHolder.readProc("/proc/locks") ?? "",
    LockHolder.identityOf(statSync(file, { bigint: true })),
  )[0]

/** Whether somebody waits for the lock. */
const waits = (file: string): boolean =>
  (LockHolder.readProc("/proc/locks") ?? "")
    .split("\n")
    .some((line) => line.includes("->") && line.includes(`:${statSync(file).ino} `))

/** Comes back once something is so, which another process brings about. */
const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.promise(async () => {
    do await new Promise((resolve) => setImmediate(resolve))
    while (!isSo())
  })

/** Another program that holds the lock until its input ends. */
const otherHolder = (file: string): Effect.Effect<ChildProcess> =>
  Effect.promise(async () => {
    const child = spawn("flock", [file, "cat"], { stdio: ["pipe", "pipe", "inherit"] })
    child.stdin.write("x")
    await once(child.stdout, "data")
    return child
  })

const letGo = (child: ChildProcess): Effect.Effect<unknown> =>
  Effect.promise(async () => {
    const ended = once(child, "exit")
    child.stdin?.end()
    await ended
  })

describe("the node lock", () => {
  it.effect("keeps other programs out while it is held, and leaves the file there", () =>
    Effect.gen(function* () {
      const { file, layout } = yield* hostTree
      yield* Effect.scoped(
        Effect.andThen(
          NodeLock.make({ layout }).lock(0),
          Effect.sync(() => assert.isFalse(isFree(file))),
        ),
      )
      assert.isTrue(isFree(file))
      assert.isTrue(existsSync(file))
    }),
  )

  it.effect("that another program holds is named with its holder, at once when nobody wants to wait", () =>
    Effect.gen(function* () {
      const { file, layout } = yield* hostTree
      const other = yield* otherHolder(file)
      const error = yield* Effect.flip(Effect.scoped(NodeLock.make({ layout }).lock(0)))
      assert.deepStrictEqual(error.reason, { _tag: "TimedOut", seconds: 0 })
      assert.match(error.message, /which .+ \(process \d+\) holds, \/run\/lock\/kata-deploy\.lock/)
      yield* letGo(other)
    }),
  )

  it.effect("is waited for, but not longer than allowed", () =>
    Effect.gen(function* () {
      const { file, layout } = yield* hostTree
      const other = yield* otherHolder(file)
      const waiting = yield* Effect.forkChild(Effect.flip(Effect.scoped(NodeLock.make({ layout }).lock(300))))
      while (waiting.pollUnsafe() === undefined) {
        yield* TestClock.adjust("300 seconds")
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      assert.deepStrictEqual((yield* Fiber.join(waiting)).reason, { _tag: "TimedOut", seconds: 300 })
      yield* letGo(other)
      assert.isTrue(isFree(file), "nobody of us waits any longer")
    }),
  )

  it.effect("comes as soon as its holder lets go", () =>
    Effect.gen(function* () {
      const { file, layout } = yield* hostTree
      const other = yield* otherHolder(file)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const waiting = yield* Effect.forkChild(
            NodeLock.make({ layout })
              .lock(300)
              .pipe(Effect.as(isFree(file))),
          )
          yield* letGo(other)
          assert.isFalse(yield* Fiber.join(waiting))
        }),
      )
      assert.isTrue(isFree(file))
    }),
  )

  it.effect("excludes others below a root without the directory for it, and makes nothing there", () =>
    Effect.gen(function* () {
      const { layout, root } = yield* hostTree
      rmSync(join(root, "run"), { recursive: true })
      yield* Effect.scoped(
        Effect.andThen(
          NodeLock.make({ layout }).lock(0),
          Effect.sync(() => assert.isFalse(isFree(root))),
        ),
      )
      assert.isFalse(existsSync(join(root, "run")))
    }),
  )

  it.effect("needs the program flock, and says where it comes from", () =>
    Effect.gen(function* () {
      const { layout } = yield* hostTree
      const error = yield* Effect.flip(
        Effect.scoped(NodeLock.make({ layout, program: "no-such-flock" }).lock(1)),
      )
      assert.match(error.message, /no-such-flock of util-linux could not be started \(ENOENT\); install it/)
    }),
  )

  it.effect("that cannot be taken says what the program says", () =>
    Effect.gen(function* () {
      const { layout } = yield* hostTree
      const error = yield* Effect.flip(Effect.scoped(NodeLock.make({ layout, program: "false" }).lock(1)))
      assert.strictEqual(error.reason._tag, "Refused")
      assert.match(error.message, /flock ended with 1/)
    }),
  )

  it.effect(
    "is taken again when the program that holds it for us is killed, alone or with all that it started",
    () =>
      Effect.gen(function* () {
        const { file, layout } = yield* hostTree
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { keepLock, lock } = NodeLock.make({ layout })
            yield* lock(0)
            for (const whom of ["flock", "its group"] as const) {
              const pid = holderOf(file)!
              process.kill(whom === "flock" ? pid : -pid, "SIGKILL")
              // Of a holder that has died, and left the lock to a child of its own, the kernel says 0.
              yield* until(() => ![undefined, 0, pid].includes(holderOf(file)))
              yield* keepLock
              assert.isFalse(isFree(file))
            }
          }),
        )
        assert.isTrue(isFree(file))
      }),
  )

  it.effect("that somebody else got when it was lost is not ours any more, until that one lets go", () =>
    Effect.gen(function* () {
      const { file, layout } = yield* hostTree
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { keepLock, lock } = NodeLock.make({ layout, lettingGo: 0.1 })
          yield* keepLock
          yield* lock(0)
          const pid = holderOf(file)!
          const other = yield* Effect.forkChild(otherHolder(file))
          yield* until(() => waits(file))
          process.kill(-pid, "SIGKILL")
          const holder = yield* Fiber.join(other)
          // The news of the child's end takes a moment to come.
          const error = yield* Effect.flip(
            Effect.forever(
              Effect.andThen(
                keepLock,
                until(() => true),
              ),
            ),
          )
          assert.strictEqual(error.reason._tag, "LockLost")
          assert.match(error.message, /Could not keep the node lock .+ \(process \d+\) has it now/)
          yield* letGo(holder)
          yield* keepLock
          assert.isFalse(isFree(file))
        }),
      )
      assert.isTrue(isFree(file))
    }),
  )

  it.effect("is free again when its holder is killed", () =>
    Effect.gen(function* () {
      const { file, layout, root } = yield* hostTree
      const holder = `
        import { Effect } from "effect"
        import { HostLayout, HostShell } from "@kata-deploy/core"
        import { NodeHostShell } from "@kata-deploy/host"
        const layer = NodeHostShell.layer({ layout: HostLayout.wholeRoot(${JSON.stringify(root)}), systemd: "none" })
        const hold = Effect.flatMap(HostShell.HostShell, (shell) => shell.lock(0))
        const told = Effect.sync(() => process.stdout.write("held"))
        await Effect.runPromise(Effect.scoped(Effect.provide(hold.pipe(Effect.andThen(told), Effect.andThen(Effect.never)), layer)))
      `
      yield* Effect.promise(async () => {
        const args = ["--conditions=source", "--input-type=module", "--eval", holder]
        const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
        await once(child.stdout, "data")
        assert.isFalse(isFree(file))
        const ended = once(child, "exit")
        child.kill("SIGKILL")
        await ended
      })
      yield* Effect.scoped(NodeLock.make({ layout }).lock(0)).pipe(Effect.retry({ times: 200 }))
      assert.isTrue(isFree(file))
    }),
  )
})
