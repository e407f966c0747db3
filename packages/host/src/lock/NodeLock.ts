/**
 * Answers: may we change this node now? Holds `flock(2)` by a child `flock`, which every other program that locks the
 * same file respects. The child lives as long as its standard input is open, so the kernel ends it, and the lock, when
 * we die; a child that dies before us is noticed. Source: spec 09 §8; decisions §9; flock(1).
 */
import { type ChildProcess, spawn } from "node:child_process"
import { HostError, type HostLayout, type HostShell } from "@kata-deploy/core"
import { Effect, Scope, Semaphore } from "effect"
import * as LockHolder from "./LockHolder.ts"
import * as LockPath from "./LockPath.ts"

/** How the lock is taken. */
export interface Options {
  readonly layout: HostLayout.HostLayout
  /** The program `flock` of util-linux. */
  readonly program?: string
  /** Seconds that the kernel gets to let go of a lock whose holder has just ended; 2 when left out. */
  readonly lettingGo?: number
}

/** Exit code that we ask `flock` for when somebody else has the lock. */
const taken = 75

/** What the child repeats once it has the lock. */
const greeting = "held\n"

type Attempt = { readonly _tag: "Held"; readonly child: ChildProcess } | { readonly _tag: "Taken" }

type Holding = Effect.Effect<Attempt, HostError.HostError, Scope.Scope>

const failure = (operation: string, reason: HostError.HostErrorReason): HostError.HostError =>
  new HostError.HostError({ operation, path: LockPath.lockFile, reason })

/** The part of the port that is about the lock. */
export type NodeLock = Pick<HostShell.HostShell["Service"], "lock" | "keepLock">

/** The node lock of one program. */
export const make = ({ layout, lettingGo = 2, program = "flock" }: Options): NodeLock => {
  let kept: NodeLock["keepLock"] = Effect.void
  return {
    keepLock: Effect.suspend(() => kept),
    lock: Effect.fnUntraced(function* (seconds) {
      const at = LockPath.of(layout)
      if (at._tag === "Nowhere")
        return yield* failure("take the node lock", { _tag: "Refused", detail: at.why })
      const again = hold(program, ["--timeout", String(lettingGo)], at.path)
      const { keep } = yield* keeping(again, at.path, yield* take(program, at.path, seconds))
      kept = keep
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          kept = Effect.void
        }),
      )
    }),
  }
}

/** Takes the lock; waits at most `seconds`, and names the holder when that was in vain. */
const take = Effect.fnUntraced(function* (program: string, path: string, seconds: number) {
  const atOnce = yield* hold(program, ["--nonblock"], path)
  if (atOnce._tag === "Held") return atOnce.child
  const holder = LockHolder.of(path)
  if (seconds > 0) {
    yield* Effect.logInfo(`Waiting for the node lock, which ${holder} holds, for at most ${seconds} s`)
    const waited = yield* Effect.timeoutOption(hold(program, [], path), `${seconds} seconds`)
    if (waited._tag === "Some" && waited.value._tag === "Held") return waited.value.child
  }
  const now = LockHolder.of(path)
  return yield* failure(`take the node lock, which ${now === LockHolder.nobodyKnown ? holder : now} holds,`, {
    _tag: "TimedOut",
    seconds,
  })
})

/**
 * Sees to it that the lock stays with us although the child may be killed, by somebody or for want of memory: it is
 * taken again at once, or the answer is who was quicker.
 */
const keeping = Effect.fnUntraced(function* (again: Holding, path: string, first: ChildProcess) {
  const scope = yield* Effect.scope
  const oneAtATime = yield* Semaphore.make(1)
  let child = first
  const keep = Effect.gen(function* () {
    if (!hasEnded(child)) return
    // Where only `flock` was killed, its `cat` still holds the lock, until its input ends.
    child.stdin?.destroy()
    yield* Effect.logWarning("The program that held the node lock has ended; the lock is taken again")
    const attempt = yield* Scope.provide(again, scope)
    if (attempt._tag === "Taken")
      return yield* failure("keep the node lock", { _tag: "LockLost", holder: LockHolder.of(path) })
    child = attempt.child
  }).pipe(oneAtATime.withPermit)
  const watch = Effect.andThen(
    Effect.suspend(() => ended(child)),
    keep,
  )
  // Whoever asks later tries anew; nobody needs the watch to report.
  yield* Effect.forkScoped(Effect.ignore(Effect.forever(watch)))
  return { keep }
})

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

const ended = (child: ChildProcess): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const done = (): void => resume(Effect.void)
    if (hasEnded(child)) return done()
    child.once("exit", done)
    return Effect.sync(() => child.off("exit", done))
  })

/** Starts a child that takes the lock; it ends with the scope, or at once when we are interrupted or failed. */
const hold = (program: string, flags: ReadonlyArray<string>, path: string): Holding =>
  Effect.acquireRelease(
    Effect.callback<{ readonly _tag: Attempt["_tag"]; readonly child: ChildProcess }, HostError.HostError>(
      (resume) => {
        // In a process group of its own: a Ctrl-C at the terminal is ours to handle, with the lock still held.
        const child = spawn(
          program,
          ["--exclusive", ...flags, "--conflict-exit-code", String(taken), path, "cat"],
          { stdio: ["pipe", "pipe", "pipe"], detached: true },
        )
        let complaint = ""
        child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text))
        // Written to a child that has ended already; its exit code says why.
        child.stdin.on("error", () => {})
        child.stdin.write(greeting)
        child.stdout.once("data", () => resume(Effect.succeed({ _tag: "Held", child })))
        child.once("error", (error: NodeJS.ErrnoException) =>
          resume(
            Effect.fail(
              failure("take the node lock", {
                _tag: "Refused",
                detail: `the program ${program} of util-linux could not be started (${error.code}); install it`,
              }),
            ),
          ),
        )
        child.once("close", (code) =>
          resume(
            code === taken
              ? Effect.succeed({ _tag: "Taken", child })
              : Effect.fail(failure("take the node lock", reasonOf(complaint, code))),
          ),
        )
        return Effect.sync(() => stop(child))
      },
    ),
    ({ child }) =>
      Effect.suspend(() => {
        child.stdin?.end()
        return ended(child)
      }),
    { interruptible: true },
  )

/** Ends a child that still waits; its whole group, since `flock` may have just started `cat`. */
const stop = (child: ChildProcess): void => {
  if (child.pid === undefined) return
  child.stdin?.destroy()
  try {
    process.kill(-child.pid, "SIGKILL")
  } catch {
    // It has ended by itself.
  }
}

/** What `flock` complains about, as the port's reason. */
const reasonOf = (complaint: string, code: number | null): HostError.HostErrorReason => {
  if (/permission denied/i.test(complaint)) return { _tag: "Denied" }
  if (/read-only file system/i.test(complaint)) return { _tag: "ReadOnly" }
  const detail = complaint.trim().split("\n")[0]
  return {
    _tag: "Refused",
    detail: detail === undefined || detail === "" ? `flock ended with ${code}` : detail,
  }
}
