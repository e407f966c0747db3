/**
 * How much memory does a pod hold that only waits? The bundle is run on a sample host as a pod would run it, once in
 * each shape: with the supervisor that stays, and with an install that ends and a shell that does nothing. A bare Node
 * beside them is the yardstick: below it nothing that runs on Node can come.
 */
import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { makeArtifacts } from "../e2e/hostTree/Artifacts.ts"
import { vanilla } from "../e2e/hostTree/Vanilla.ts"
import { childrenOf, highest, memoryOf, type Memory } from "./ProcessMemory.ts"

const root = join(import.meta.dirname, "..")
const port = 18_790
/** MiB; issue 6 and `docs/decisions`. */
const aim = { rss: 48, private: 10.5 }
/** Ten minutes of a kubelet's probes and of a scraper. */
const probes = 100

const host = await vanilla("2.1.9", { schema: 3 })
const artifacts = await makeArtifacts({ bulk: 40_000_000 })
const dist = mkdtempSync(join(tmpdir(), "kd-bench-"))
const env = {
  PATH: process.env["PATH"],
  ...host.settings,
  SHIMS_X86_64: "qemu clh qemu-runtime-rs",
  HEALTH_PORT: String(port),
}
const where = [
  `--host-root=${host.dir}`,
  `--artifacts=${artifacts.dir}`,
  "--kube=none",
  "--systemd=none",
  "--cri-runtime=containerd",
]

const running = new Set<ChildProcess>()
const start = (program: string, ...args: ReadonlyArray<string>): ChildProcess => {
  const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "ignore"] })
  running.add(child)
  child.once("exit", () => running.delete(child))
  return child
}
const kataDeploy = (...args: ReadonlyArray<string>): ChildProcess =>
  start(process.execPath, join(dist, "kata-deploy.mjs"), ...args, ...where)

const ask = (path: string): Promise<string | undefined> =>
  fetch(`http://127.0.0.1:${port}${path}`).then(
    (response) => response.text(),
    () => undefined,
  )

/** Looks every few milliseconds until `done`, and keeps the highest of each phase. */
const watch = async (pid: number, done: () => boolean, phase: () => string): Promise<Map<string, Memory>> => {
  const seen = new Map<string, Memory>()
  while (!done()) {
    const now = memoryOf(pid)
    if (now !== undefined) seen.set(phase(), highest(seen.get(phase()), now))
    for (const child of childrenOf(pid)) {
      const of = memoryOf(child)
      if (of !== undefined) seen.set("its child, at most", highest(seen.get("its child, at most"), of))
    }
    await sleep(4)
  }
  return seen
}

const row = (name: string, memory: Memory | undefined, note = ""): string =>
  memory === undefined
    ? `${name.padEnd(52)} not seen`
    : `${name.padEnd(52)} ${memory.rss.toFixed(1).padStart(7)} ${memory.private.toFixed(1).padStart(8)} ${memory.shared.toFixed(1).padStart(8)}  ${note}`

const judged = (memory: Memory | undefined): string =>
  memory === undefined
    ? ""
    : memory.rss <= aim.rss && memory.private <= aim.private
      ? "within the aim"
      : "OVER THE AIM"

const supervisor = async (): Promise<void> => {
  const pod = kataDeploy("install")
  const pid = pod.pid!
  let phase = "before"
  let isReady = false
  const asking = (async () => {
    while ((await ask("/readyz")) !== "ok ready\n") {
      if (pod.exitCode !== null) throw new Error(`The supervisor ended with ${pod.exitCode}.`)
      await sleep(20)
    }
    isReady = true
  })()
  const seen = await watch(
    pid,
    () => pod.exitCode !== null || (isReady && childrenOf(pid).length === 0),
    () => {
      if (childrenOf(pid).length > 0) phase = "during"
      return phase
    },
  )
  await asking
  await sleep(1000)
  const after = memoryOf(pid)
  for (let i = 0; i < probes; i++) {
    await ask(i % 3 === 2 ? "/metrics" : i % 3 === 1 ? "/readyz" : "/healthz")
    await sleep(30)
  }
  await sleep(1000)
  const probed = memoryOf(pid)
  const exit = once(pod, "exit")
  pod.kill("SIGTERM")
  let ended = false
  void exit.then(() => (ended = true))
  const cleaning = await watch(
    pid,
    () => ended,
    () => "cleaning",
  )
  for (const name of ["before", "during"])
    console.log(row(`supervisor, ${name} the install`, seen.get(name), judged(seen.get(name))))
  console.log(row("supervisor, after the install", after, judged(after)))
  console.log(row(`supervisor, after ${probes} probes`, probed, judged(probed)))
  console.log(
    row("supervisor, during the cleanup", cleaning.get("cleaning"), judged(cleaning.get("cleaning"))),
  )
  console.log(row("  its installer, at most", seen.get("its child, at most")))
  console.log(row("  its cleanup, at most", cleaning.get("its child, at most")))
}

const toItsEnd = async (name: string, ...args: ReadonlyArray<string>): Promise<void> => {
  const child = kataDeploy(...args)
  let ended = false
  child.once("exit", () => (ended = true))
  const seen = await watch(
    child.pid!,
    () => ended,
    () => "run",
  )
  console.log(row(`pause shape, ${name}, at most`, seen.get("run")))
}

const idle = async (name: string, program: string, ...args: ReadonlyArray<string>): Promise<void> => {
  const child = start(program, ...args)
  await sleep(700)
  const below = childrenOf(child.pid!).flatMap((pid) => memoryOf(pid) ?? [])
  const own = memoryOf(child.pid!)
  const sum =
    own &&
    below.reduce(
      (a, b) => ({ rss: a.rss + b.rss, private: a.private + b.private, shared: a.shared + b.shared }),
      own,
    )
  console.log(row(name, sum))
  for (const pid of childrenOf(child.pid!)) process.kill(pid, "SIGKILL")
  child.kill("SIGKILL")
}

try {
  const build = spawn(process.execPath, [join(root, "scripts/build.mjs"), "--out", dist], { stdio: "ignore" })
  const [code] = await once(build, "exit")
  if (code !== 0) throw new Error("npm run build does not succeed, so there is nothing to measure.")
  console.log(
    `MiB. "private" is Private_Dirty of smaps_rollup; file-backed pages are shared with every other Node of the node.\nAim of the supervisor: RSS at most ${aim.rss}, private at most ${aim.private}.\n`,
  )
  console.log(`${"".padEnd(52)} ${"RSS".padStart(7)} ${"private".padStart(8)} ${"file".padStart(8)}`)
  await supervisor()
  await toItsEnd("install --once", "install", "--once")
  await idle(
    "pause shape, waiting (sh and its sleep)",
    "/bin/sh",
    "-c",
    "trap 'exit 0' TERM; sleep infinity & wait",
  )
  await toItsEnd("cleanup", "cleanup")
  await idle("yardstick: Node that does nothing", process.execPath, "-e", "setInterval(() => {}, 1e9)")
  await idle(
    "yardstick: the same without compilers",
    process.execPath,
    "--jitless",
    "-e",
    "setInterval(() => {}, 1e9)",
  )
} finally {
  for (const child of running) child.kill("SIGKILL")
  rmSync(dist, { recursive: true, force: true })
  await host[Symbol.asyncDispose]()
  await artifacts[Symbol.asyncDispose]()
}
