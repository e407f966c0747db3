/**
 * Answers: may we change this node now? Holds `flock(2)` by a child `flock`, which every other program that locks the
 * same file respects. The child lives as long as its standard input is open, so the kernel ends it, and the lock, when
 * we die. Source: spec 09 §8; decisions §9; flock(1).
 */
import { type ChildProcess, spawn } from "node:child_process"
import { HostError, type HostLayout } from "@kata-deploy/core"
import { Effect, type Scope } from "effect"
import * as LockHolder from "./LockHolder.ts"
import * as LockPath from "./LockPath.ts"

/** How the lock is taken. */
export interface Options {
  readonly layout: HostLayout.HostLayout
  /** The program `flock` of util-linux. */
  readonly program?: string
}

/** Exit code that we ask `flock` for when somebody else has the lock. */
const taken = 75

/** What the child repeats once it has the lock. */
const greeting = "held\n"

type Attempt = { readonly _tag: "Held" } | { readonly _tag: "Taken" }

const failure = (operation: string, reason: HostError.HostErrorReason): HostError.HostError =>
  new HostError.HostError({ operation, path: LockPath.lockFile, reason })

/** Holds the node lock until the scope closes; waits at most `seconds`, and names the holder when that was in vain. */
export const lock =
  ({ layout, program = "flock" }: Options) =>
  (seconds: number): Effect.Effect<void, HostError.HostError, Scope.Scope> =>
    Effect.gen(function* () {
      const at = LockPath.of(layout)
      if (at._tag === "Nowhere")
        return yield* failure("take the node lock", { _tag: "Refused", detail: at.why })
      const atOnce = yield* hold(program, ["--nonblock"], at.path)
      if (atOnce._tag === "Held") return
      const holder = LockHolder.of(at.path)
      if (seconds > 0) {
        yield* Effect.logInfo(`Waiting for the node lock, which ${holder} holds, for at most ${seconds} s`)
        const waited = yield* Effect.timeoutOption(hold(program, [], at.path), `${seconds} seconds`)
        if (waited._tag === "Some") return
      }
      const now = LockHolder.of(at.path)
      return yield* failure(
        `take the node lock, which ${now === LockHolder.nobodyKnown ? holder : now} holds,`,
        {
          _tag: "TimedOut",
          seconds,
        },
      )
    })

/** Starts a child that takes the lock; it ends with the scope, or at once when we are interrupted or failed. */
const hold = (
  program: string,
  flags: ReadonlyArray<string>,
  path: string,
): Effect.Effect<Attempt, HostError.HostError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<{ readonly attempt: Attempt; readonly child: ChildProcess }, HostError.HostError>(
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
        child.stdout.once("data", () => resume(Effect.succeed({ attempt: { _tag: "Held" }, child })))
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
              ? Effect.succeed({ attempt: { _tag: "Taken" }, child })
              : Effect.fail(failure("take the node lock", reasonOf(complaint, code))),
          ),
        )
        return Effect.sync(() => stop(child))
      },
    ),
    ({ child }) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.stdin?.end()
      }),
    { interruptible: true },
  ).pipe(Effect.map(({ attempt }) => attempt))

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
