/**
 * How long does a node wait for the program? An install that finds nothing to do, on a host tree, with its start-up by
 * itself; and for how long nobody answers over CRI during a real install, on a host that boots. Node that does nothing is
 * the yardstick.
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises"
import { criStatus } from "../e2e/containerd/Cri.ts"
import { suites } from "../e2e/containerd/Releases.ts"
import { makeArtifacts } from "../e2e/hostTree/Artifacts.ts"
import { vanilla } from "../e2e/hostTree/Vanilla.ts"
import { obtain } from "../e2e/systemd/Images.ts"
import { boot, type SystemdHost } from "../e2e/systemd/SystemdHost.ts"

const root = join(import.meta.dirname, "..")
/** Seconds; issue 6. */
const aim = { whole: 1.5, startUp: 0.4 }
const rounds = 9
const shims = "qemu clh qemu-runtime-rs"

interface Run {
  /** Seconds from the start to the end. */
  readonly whole: number
  /** Seconds from the start to the first line of the log, which comes when the settings are read. */
  readonly startUp: number
  readonly code: number
}

const run = async (argv: ReadonlyArray<string>, env: Readonly<Record<string, string>>): Promise<Run> => {
  const started = performance.now()
  const seconds = (): number => (performance.now() - started) / 1000
  const child = spawn(process.execPath, [...argv], { env, stdio: ["ignore", "ignore", "pipe"] })
  let startUp: number | undefined
  child.stderr.on("data", () => (startUp ??= seconds()))
  const [code] = (await once(child, "close")) as [number | null]
  return { whole: seconds(), startUp: startUp ?? seconds(), code: code ?? 128 }
}

const row = (name: string, seconds: ReadonlyArray<number>, most?: number): string => {
  const sorted = seconds.toSorted((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]!
  const verdict = most === undefined ? "" : median <= most ? `within ${most} s` : `OVER ${most} s`
  const figures = [median, sorted[0]!, sorted.at(-1)!].map((each) => each.toFixed(2).padStart(8)).join("")
  return `${name.padEnd(58)}${figures}  ${verdict}`
}

const dist = mkdtempSync(join(tmpdir(), "kd-bench-"))
const artifacts = await makeArtifacts()
const program = join(dist, "kata-deploy.mjs")
const plain = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", SHIMS_X86_64: shims }

/** Runs that find nothing to do. */
const unchanged = async (): Promise<void> => {
  await using host = await vanilla("2.1.9", { schema: 3 })
  const where = [`--host-root=${host.dir}`, `--artifacts=${artifacts.dir}`, "--kube=none", "--systemd=none"]
  const install = [program, "install", "--once", "--cri-runtime=containerd", ...where]
  const env = { ...plain, ...host.settings }
  const first = await run(install, env)
  if (first.code !== 0) throw new Error(`The install ended with ${first.code}.`)
  const again: Array<Run> = []
  const yardstick: Array<Run> = []
  for (let i = 0; i < rounds; i++) {
    again.push(await run(install, env))
    yardstick.push(await run(["-e", ""], env))
  }
  console.log(row("install --once, first", [first.whole]))
  console.log(
    row(
      "install --once, nothing to do",
      again.map(({ whole }) => whole),
      aim.whole,
    ),
  )
  console.log(
    row(
      "  of it start-up",
      again.map(({ startUp }) => startUp),
      aim.startUp,
    ),
  )
  console.log(
    row(
      "yardstick: Node that does nothing",
      yardstick.map(({ whole }) => whole),
    ),
  )
}

/** Seconds from the end of the running containerd to the first answer over CRI, during an action. */
const downtime = async (host: SystemdHost, action: ReadonlyArray<string>): Promise<number> => {
  const { stdout } = await host.mustExec(["systemctl", "show", "--property=MainPID", "--value", "containerd"])
  const former = join(host.root, "proc", stdout.trim())
  const env = { ...plain, CONTAINER_RUNTIME_VERSION: `containerd://${host.containerd.version}` }
  const where = [`--host-root=${host.root}`, `--artifacts=${artifacts.dir}`, "--kube=none"]
  const progress = { ended: false }
  const running = run([program, ...action, ...where], env).finally(() => (progress.ended = true))
  while (existsSync(former) && !progress.ended) await turn()
  const down = performance.now()
  for (;;) {
    const answer = await criStatus(`${host.root}/run/containerd/containerd.sock`, 500).catch(() => undefined)
    if (answer?.loaded) break
    await pause(5)
  }
  const up = performance.now()
  const { code } = await running
  if (code !== 0) throw new Error(`${action.join(" ")} ended with ${code}.`)
  return (up - down) / 1000
}

/** Real restarts. */
const restarts = async (): Promise<void> => {
  for (const suite of suites) {
    const image = await obtain(suite)
    if ("notRun" in image) {
      console.log(`without CRI during a real install, ${suite}: not measured: ${image.notRun}`)
      continue
    }
    await using host = await boot(image)
    const installs: Array<number> = []
    const plainly: Array<number> = []
    for (let i = 0; i < 3; i++) {
      installs.push(await downtime(host, ["install", "--once"]))
      await downtime(host, ["cleanup"])
      // Many starts within ten seconds would be refused.
      await host.exec(["systemctl", "reset-failed", "containerd"])
      const started = performance.now()
      await host.mustExec(["systemctl", "restart", "containerd"])
      plainly.push((performance.now() - started) / 1000)
    }
    console.log(row(`without CRI during a real install, containerd ${host.containerd.version}`, installs))
    console.log(row("yardstick: systemctl restart containerd", plainly))
  }
}

try {
  const built = spawnSync(process.execPath, [join(root, "scripts/build.mjs"), "--out", dist])
  if (built.status !== 0) throw new Error("npm run build does not succeed, so there is nothing to measure.")
  console.log(`${"seconds".padEnd(58)}  median   least    most`)
  await unchanged()
  await restarts()
} finally {
  rmSync(dist, { recursive: true, force: true })
  await artifacts[Symbol.asyncDispose]()
}
