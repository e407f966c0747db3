/**
 * How does a test work with a real containerd for a while? The daemon runs on a tree of its own in its own namespaces,
 * its socket lies in a folder of this machine, and `ctr` is run where the daemon is.
 */
import { spawn } from "node:child_process"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { must, run } from "../Command.ts"
import { firstChildOf, kill } from "./Daemon.ts"
import { inside, insideTree, sharedFolder } from "./HostView.ts"
import type { Release } from "./Releases.ts"

/** A daemon that answers. */
export interface Running {
  /** Its socket, as this machine sees it. */
  readonly socket: string
  /** Runs `ctr` with arguments; fails with what it printed. */
  readonly ctr: (...args: ReadonlyArray<string>) => Promise<string>
  /** The command that runs a program where the daemon is, on the copy of the tree that it sees; for `spawn`. */
  readonly within: (...command: ReadonlyArray<string>) => {
    readonly program: string
    readonly args: ReadonlyArray<string>
    readonly env: Record<string, string>
  }
  /** Where a path of the daemon's own view lies on this machine, for as long as the daemon runs. */
  readonly at: (path: string) => string
  /** Puts a file where the daemon finds it at the path that is returned. */
  readonly put: (name: string, text: string) => Promise<string>
  /** The same file or folder below the daemon's own root (`--root`), as this machine sees it. */
  readonly ofRoot: (path: string) => string
  /** Ends it and waits for that; what it stored stays, for another one that is started on the same folder. */
  readonly stop: () => Promise<void>
  /** The folder with its root, state and socket. */
  readonly folder: string
  /** Ends it and waits for that; nothing of it is left. */
  readonly end: () => Promise<void>
}

/** A configuration with nothing in it. */
const plain = "version = 2\n"

/**
 * Starts containerd of `release` with a main configuration; fails where it does not come up. With the folder of one
 * that was stopped it finds what that one stored.
 */
export const start = async (release: Release, configuration = plain, folder?: string): Promise<Running> => {
  const tree = await sharedFolder()
  await mkdir(join(tree, "etc/containerd"), { recursive: true })
  await writeFile(join(tree, "etc/containerd/config.toml"), configuration)
  // A sandbox on the node's own network gets copies of these.
  for (const name of ["hosts", "resolv.conf"]) await writeFile(join(tree, "etc", name), "")
  // The daemon works on a copy, which is made before it answers.
  return await startOn(release, tree, folder).finally(() => rm(tree, { recursive: true, force: true }))
}

/** As {@link start}, on a copy of a whole host tree with its main configuration; the tree stays as it is. */
export const startOn = async (release: Release, tree: string, folder?: string): Promise<Running> => {
  const shared = folder ?? (await sharedFolder())
  const { program, args, env } = insideTree({
    release,
    tree,
    shared,
    args: [
      "--config=/etc/containerd/config.toml",
      `--root=${inside}/root`,
      `--state=${inside}/state`,
      `--address=${inside}/c.sock`,
    ],
  })
  const child = spawn(program, [...args], { env, stdio: ["ignore", "pipe", "pipe"] })
  let log = ""
  let ended = false
  child.stdout.setEncoding("utf8").on("data", (text: string) => (log += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text))
  const closed = new Promise<void>((resolve) => child.once("close", resolve)).then(() => (ended = true))
  const stop = async (): Promise<void> => {
    if (!ended) kill(child)
    await closed
    await rm(`${shared}/c.sock`, { force: true })
  }
  const end = async (): Promise<void> => {
    await stop()
    await rm(shared, { recursive: true, force: true })
  }
  const first = (): string => `${firstChildOf(child)}`
  /** Arguments that run a program where the daemon is: in its namespaces, below its root. */
  const enter = (): ReadonlyArray<string> => ["--target", first(), "--mount", "--pid", "--root", "--wd", "--"]
  const where = (): ReadonlyArray<string> => [
    ...enter(),
    join(release.root, "usr/bin/ctr"),
    "--address",
    `${inside}/c.sock`,
  ]
  const deadline = Date.now() + 20_000
  for (;;) {
    if (existsSync(`${shared}/c.sock`) && (await run("nsenter", [...where(), "version"], { env })).code === 0)
      break
    if (ended || Date.now() > deadline) {
      await end()
      throw new Error(`containerd ${release.version} did not come up\n${log}`)
    }
    await pause(40)
  }
  return {
    socket: `${shared}/c.sock`,
    ctr: async (...args) => (await must("nsenter", [...where(), ...args], { env })).stdout,
    within: (...command) => ({ program: "nsenter", args: [...enter(), ...command], env }),
    at: (path) => join(`/proc/${first()}/root`, path),
    put: async (name, text) => {
      await writeFile(join(shared, name), text, "latin1")
      return `${inside}/${name}`
    },
    ofRoot: (path) => join(shared, "root", path),
    stop,
    folder: shared,
    end,
  }
}
