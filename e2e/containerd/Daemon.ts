/**
 * What does a real containerd make of a host tree's configuration? Two questions: what it reads (`config dump`), and what
 * a started daemon serves.
 */
import { spawn, type ChildProcess } from "node:child_process"
import { readFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { setTimeout as pause } from "node:timers/promises"
import { run, type Outcome } from "../Command.ts"
import { criStatus, type CriAnswer } from "./Cri.ts"
import { inside, insideTree, sharedFolder } from "./HostView.ts"
import type { Release } from "./Releases.ts"

/** Which containerd looks at which tree. */
export interface Subject {
  readonly release: Release
  /** Folder that is the root of a whole host. */
  readonly tree: string
  /** Host path of the main configuration. Default `/etc/containerd/config.toml`. */
  readonly config?: string
}

const configOf = (subject: Subject): string => subject.config ?? "/etc/containerd/config.toml"

/** `containerd --config … config dump`: the configuration after all imports, merged and migrated, as TOML on stdout. */
export const configDump = async (subject: Subject): Promise<Outcome> => {
  const shared = await sharedFolder()
  try {
    const { program, args, env } = insideTree({
      release: subject.release,
      tree: subject.tree,
      shared,
      args: ["--config", configOf(subject), "config", "dump"],
    })
    return await run(program, args, { env })
  } finally {
    await rm(shared, { recursive: true, force: true })
  }
}

/** What a daemon that was started on the tree turned out to be. */
export type Started =
  | (CriAnswer & { readonly up: true; readonly log: string })
  /** It refused to start. */
  | { readonly up: false; readonly code: number | null; readonly log: string }

/** The process that a child such as `unshare` or `nsenter` has forked and waits for; 0 where there is none. */
export const firstChildOf = (child: ChildProcess): number =>
  Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ")[0])

/**
 * Ends a daemon that {@link insideTree} started. The one inside is killed, so that `unshare`, which waits for it, reaps it
 * and follows; the other way round it would be left to the machine's first process as a zombie.
 */
export const kill = (child: ChildProcess): void => {
  const first = firstChildOf(child)
  if (first > 0) process.kill(first, "SIGKILL")
  else child.kill("SIGKILL")
}

/** Longest time that a daemon gets to answer; it needs a third of a second. */
const startLimitMillis = 20_000

/**
 * Starts a daemon of its own (root, state and socket in a temporary folder), asks its CRI what it serves, and ends it.
 *
 * A daemon that refuses to start is an answer too. Nothing is left running, whatever happens.
 */
export const startAndAsk = async (subject: Subject): Promise<Started> => {
  const shared = await sharedFolder()
  const address = `${shared}/c.sock`
  const { program, args, env } = insideTree({
    release: subject.release,
    tree: subject.tree,
    shared,
    args: [
      `--config=${configOf(subject)}`,
      `--root=${inside}/root`,
      `--state=${inside}/state`,
      `--address=${inside}/c.sock`,
    ],
  })
  const child = spawn(program, [...args], { env, stdio: ["ignore", "pipe", "pipe"] })
  let log = ""
  let ended: { code: number | null } | undefined
  child.stdout.setEncoding("utf8").on("data", (text: string) => (log += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text))
  child.once("error", (error) => {
    log += error.message
    ended = { code: 127 }
  })
  const closed = new Promise<void>((resolve) =>
    child.once("close", (code) => {
      ended = { code }
      resolve()
    }),
  )
  try {
    const deadline = Date.now() + startLimitMillis
    for (;;) {
      if (ended) return { up: false, code: ended.code, log }
      try {
        return { ...(await criStatus(address)), up: true, log }
      } catch (error) {
        if (Date.now() > deadline) throw new Error(`containerd gave no answer\n${log}`, { cause: error })
      }
      await pause(40)
    }
  } finally {
    if (!ended) {
      kill(child)
      await closed
    }
    await rm(shared, { recursive: true, force: true })
  }
}
