/**
 * How is the program run on a host that booted? The bundle, in a pod, beside the host's processes or from outside of
 * them, always with the same settings; and what is looked at afterwards, by other means than the program's own.
 */
import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { inject } from "vitest"
import { run, type Outcome } from "../Command.ts"
import { criStatus } from "../containerd/Cri.ts"
import { kataArchitecture } from "../hostTree/Artifacts.ts"
import { snapshot, type TreeSnapshot } from "../hostTree/TreeSnapshot.ts"
import { type Command, inPod, node, type Pod } from "./PodLike.ts"
import { checkout, descendants, type SystemdHost } from "./SystemdHost.ts"

/** What is shipped. */
export const bundle = join(checkout, "packages/cli/dist/kata-deploy.mjs")

/** Shims that the tests install, and their handlers. */
export const shims = ["qemu", "clh", "qemu-runtime-rs"]

/** Handlers of {@link shims}. */
export const handlers = shims.map((shim) => `kata-${shim}`)

/** From where the program works on a host. */
export interface Way {
  readonly name: string
  readonly command: (host: SystemdHost, call: Call) => Promise<Command>
}

/** One call of the program. */
export interface Call {
  readonly args: ReadonlyArray<string>
  /** Beside what every call has. */
  readonly env?: Readonly<Record<string, string>>
  /** What a pod mounts besides. */
  readonly mounts?: Pod["mounts"]
  /** Directory on the host that a pod mounts to install into. Default `/opt/kata`. */
  readonly installDir?: string
  /** A folder of artifacts that the host was booted with. Default: the one that the whole run shares. */
  readonly artifacts?: string
}

/** What a chart would set, without an API server. */
export const settings = (host: SystemdHost, call: Call): Readonly<Record<string, string>> => ({
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/nonexistent",
  [`SHIMS_${kataArchitecture.toUpperCase()}`]: shims.join(" "),
  CONTAINER_RUNTIME_VERSION: `containerd://${host.containerd.version}`,
  KATA_DEPLOY_KUBE: "none",
  ...call.env,
})

const artifactsOf = ({ artifacts }: Call): string => artifacts ?? inject("artifactsFolder")

const overHostRoot = (host: SystemdHost, call: Call): readonly [string, ...string[]] => [
  node,
  bundle,
  `--host-root=${host.root}`,
  `--artifacts=${artifactsOf(call)}`,
  ...call.args,
]

/** A pod without privileges over the host, with nothing of it but its mounts. */
export const pod: Way = {
  name: "a pod",
  command: (host, call) =>
    inPod(
      host,
      {
        pids: "own",
        artifacts: artifactsOf(call),
        env: settings(host, call),
        ...(call.mounts === undefined ? {} : { mounts: call.mounts }),
        ...(call.installDir === undefined ? {} : { installDir: call.installDir }),
      },
      [node, bundle, ...call.args],
    ),
}

/** A program that sees the whole host and is one of its processes. */
export const beside: Way = {
  name: "beside the host's processes",
  command: async (host, call) => ({
    argv: ["nsenter", `--target=${host.initPid}`, "--pid", "--", ...overHostRoot(host, call)],
    env: settings(host, call),
  }),
}

/** A program that sees the whole host and is none of its processes. */
export const outside: Way = {
  name: "outside of the host",
  command: async (host, call) => ({ argv: overHostRoot(host, call), env: settings(host, call) }),
}

/** Runs the program to its end. */
export const kataDeploy = async (host: SystemdHost, way: Way, call: Call): Promise<Outcome> => {
  const { argv, env } = await way.command(host, call)
  return run(argv[0], argv.slice(1), { ...(env === undefined ? {} : { env }), timeout: 110_000 })
}

/** A program that was started and may be watched. */
export interface Started {
  readonly child: ChildProcess
  readonly stderr: () => string
  readonly ended: Promise<{ readonly status: number | null; readonly signal: string | null }>
  /** Resolves once the log has it. */
  readonly said: (words: RegExp) => Promise<void>
  /** Sends SIGTERM to the program itself, as a kubelet does; not to what put it where it runs. */
  readonly terminate: () => void
}

/** Whether a process is the program, and not what starts it with its name among the arguments. */
const isProgram = (pid: number): boolean => {
  const [program, ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
  return program === node && args.includes(bundle)
}

/** Starts the program. */
export const start = async (host: SystemdHost, way: Way, call: Call): Promise<Started> => {
  const { argv, env } = await way.command(host, call)
  const child = spawn(argv[0], argv.slice(1), { stdio: ["ignore", "ignore", "pipe"], env })
  let stderr = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
  return {
    child,
    stderr: () => stderr,
    ended: once(child, "close").then(([status, signal]) => ({ status, signal })) as Started["ended"],
    said: async (words) => {
      while (!words.test(stderr)) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`It ended without saying ${words}:\n${stderr}`)
        await pause(5)
      }
    },
    terminate: () => process.kill([child.pid!, ...descendants(child.pid!)].find(isProgram)!, "SIGTERM"),
  }
}

/** Handlers that the host's CRI has loaded, sorted; fails where nobody answers or there is no CRI. */
export const loaded = async (host: SystemdHost): Promise<ReadonlyArray<string>> => {
  const answer = await criStatus(`${host.root}/run/containerd/containerd.sock`, 10_000)
  if (!answer.loaded) throw new Error(`the CRI is not loaded: ${answer.why}`)
  return Object.keys(answer.handlers).sort()
}

/** Which run of containerd this is, as the host numbers processes. */
export const mainPid = async (host: SystemdHost): Promise<number> => {
  const shown = await host.mustExec(["systemctl", "show", "--property=MainPID", "--value", "containerd"])
  return Number(shown.stdout.trim())
}

/** Whether the unit is active. */
export const isActive = async (host: SystemdHost): Promise<boolean> =>
  (await host.exec(["systemctl", "is-active", "containerd"])).stdout.trim() === "active"

/** What of the host an install changes. */
export const trees = async (host: SystemdHost): Promise<TreeSnapshot> => {
  const both = await Promise.all(
    ["/etc", "/opt"].map(async (top) =>
      [...(await snapshot(join(host.root, top)))].map(
        ([path, entry]) => [path === "/" ? top : `${top}${path}`, entry] as const,
      ),
    ),
  )
  return new Map(both.flat())
}

const rootfs = "/var/lib/e2e-rootfs"

/** Run on the host: a root with nothing but `sleep` and what it is linked with. */
const makeRootfs = `
set -eu
mkdir -p ${rootfs}/bin ${rootfs}/proc ${rootfs}/dev ${rootfs}/sys ${rootfs}/etc
for file in /bin/sleep $(ldd /bin/sleep | grep -o '/[^ ]*'); do
  mkdir -p "${rootfs}$(dirname "$file")"
  cp -L "$file" "${rootfs}$file"
done
`

/** Where a host has the root of a container that can sleep; made if it is not there. */
export const sleepingRootfs = async (host: SystemdHost): Promise<string> => {
  if (!existsSync(join(host.root, rootfs))) await host.mustExec(["sh", "-c", makeRootfs])
  return rootfs
}

/** Starts a real container with runc. */
export const startContainer = async (host: SystemdHost, name: string): Promise<void> => {
  // There are no controllers that limits could be given to.
  const options = ["--cpu-shares=0", "--detach", "--rootfs"]
  await host.mustExec(["ctr", "run", ...options, await sleepingRootfs(host), name, "/bin/sleep", "infinity"])
}

/** Its process on the host where it runs. */
export const containerPid = async (host: SystemdHost, name: string): Promise<number | undefined> => {
  const { stdout } = await host.mustExec(["ctr", "task", "ls"])
  const row = stdout.split("\n").find((line) => line.startsWith(`${name} `))
  const [, pid, status] = row?.split(/\s+/) ?? []
  return status === "RUNNING" ? Number(pid) : undefined
}

/** Ends a container and forgets it. */
export const removeContainer = async (host: SystemdHost, name: string): Promise<void> => {
  await host.exec(["ctr", "task", "rm", "--force", name])
  await host.exec(["ctr", "container", "rm", name])
}
