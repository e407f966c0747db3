/**
 * Answers: how is this program run once more, as a child that does the heavy work and gives its memory back by ending?
 */
import type { Readable } from "node:stream"
import { childProcess, fs } from "./Builtins.ts"
import type { ChildEnd } from "./Life.ts"
import * as Message from "./Message.ts"

/** How this program is started. */
export interface Program {
  /** The Node to use. */
  readonly node: string
  /** Flags of Node. */
  readonly nodeFlags: ReadonlyArray<string>
  /** The file that Node runs. */
  readonly file: string
}

/** What a child is given. */
export interface ChildOptions {
  readonly program: Program
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where results go: to those of this process, or nowhere. */
  readonly results: "inherit" | "ignore"
  readonly onMessage: (message: Message.Message) => void
  /** Called once, after the last message. */
  readonly onEnd: (end: ChildEnd) => void
}

/** A child that runs. */
export interface Child {
  readonly signal: (signal: "SIGTERM" | "SIGKILL") => void
}

/** How often the kernel has killed in this container for want of memory; `undefined` where it does not tell. */
const outOfMemoryKills = (): number | undefined => {
  try {
    const found = /^oom_kill (\d+)$/m.exec(fs.readFileSync("/sys/fs/cgroup/memory.events", "utf8"))
    return found === null ? undefined : Number(found[1])
  } catch {
    return undefined
  }
}

/** Starts a child. Its log goes where that of this process goes. */
export const start = ({ args, env, onEnd, onMessage, program, results }: ChildOptions): Child => {
  const before = outOfMemoryKills()
  const child = childProcess.spawn(program.node, [...program.nodeFlags, program.file, ...args], {
    env: { ...env, [Message.pipeVariable]: String(Message.pipeDescriptor) },
    stdio: ["ignore", results, "inherit", "pipe"],
  })
  const pipe = child.stdio[Message.pipeDescriptor] as Readable | undefined
  if (pipe !== undefined && pipe !== null) {
    pipe.setEncoding("utf8")
    pipe.on(
      "data",
      Message.lines((line) => {
        const message = Message.decode(line)
        if (message !== undefined) onMessage(message)
      }),
    )
    pipe.on("error", () => {})
  }
  let ended = false
  const end = (how: ChildEnd): void => {
    if (ended) return
    ended = true
    // What a grandchild holds open is not waited for.
    pipe?.destroy()
    onEnd(how)
  }
  child.once("error", (error: NodeJS.ErrnoException) => {
    if (child.pid === undefined) end({ _tag: "NotStarted", why: error.message })
  })
  let exited: ChildEnd | undefined
  const finish = (): void => {
    if (exited !== undefined) end(exited)
  }
  child.once("exit", (code, signal) => {
    const after = outOfMemoryKills()
    exited =
      signal === null
        ? { _tag: "Exited", code: code ?? 1 }
        : {
            _tag: "Killed",
            signal,
            outOfMemory: before === undefined || after === undefined ? undefined : after > before,
          }
    // The last lines may still be in the pipe.
    setTimeout(finish, 1000).unref()
  })
  child.once("close", finish)
  return { signal: (signal) => child.kill(signal) }
}
