/**
 * Does the program live as a pod has to? The bundle on a host tree, with the kubelet's probes asking all the time and
 * signals at every phase: the probes are answered, the tree ends as it began, and the status is what a kubelet expects.
 */
import { spawn, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest"
import { launcher } from "../cli.ts"
import { sharedArtifacts } from "../Conditions.ts"
import { kataArchitecture, makeArtifacts, type Artifacts } from "../hostTree/Artifacts.ts"
import type { SampleHost } from "../hostTree/SampleHost.ts"
import { differences, snapshot, type TreeSnapshot } from "../hostTree/TreeSnapshot.ts"
import { vanilla } from "../hostTree/Vanilla.ts"

interface Pod {
  readonly process: ChildProcess
  readonly ended: Promise<{ readonly status: number | null; readonly signal: string | null }>
  readonly stderr: () => string
  /** Resolves once the log has it. */
  readonly said: (words: RegExp) => Promise<void>
  readonly get: (path: string, host?: string) => Promise<{ readonly status: number; readonly body: string }>
}

let host: SampleHost
let untouched: TreeSnapshot
let scratch: string
/** Large enough that an install can be met in the middle of its artifacts. */
let bulky: Artifacts
const pods: Array<ChildProcess> = []

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0)
  await once(server, "listening")
  const address = server.address()
  server.close()
  return typeof address === "object" && address !== null ? address.port : 0
}

const start = async (
  args: ReadonlyArray<string>,
  {
    artifacts = sharedArtifacts(),
    env = {},
    port,
  }: { artifacts?: Artifacts; env?: Record<string, string>; port?: number } = {},
): Promise<Pod> => {
  const own = port ?? (await freePort())
  const child = spawn(
    launcher,
    [...args, `--host-root=${host.dir}`, `--artifacts=${artifacts.dir}`, "--kube=none", "--systemd=none"],
    {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        PATH: `${join(import.meta.dirname, "../../node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
        ...host.settings,
        [`SHIMS_${kataArchitecture.toUpperCase()}`]: "qemu clh",
        HEALTH_PORT: String(own),
        KATA_DEPLOY_TERMINATION_LOG: join(scratch, "termination"),
        ...env,
      },
    },
  )
  pods.push(child)
  let stderr = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
  const ended = once(child, "close").then(([status, signal]) => ({ status, signal })) as Pod["ended"]
  return {
    process: child,
    ended,
    stderr: () => stderr,
    said: async (words) => {
      while (!words.test(stderr)) {
        if (child.exitCode !== null) throw new Error(`It ended without saying ${words}:\n${stderr}`)
        await sleep(2)
      }
    },
    get: async (path, at = "127.0.0.1") => {
      const response = await fetch(`http://${at}:${own}${path}`, { signal: AbortSignal.timeout(3000) })
      return { status: response.status, body: await response.text() }
    },
  }
}

const termination = (): Promise<string> => readFile(join(scratch, "termination"), "utf8")

beforeAll(async () => {
  bulky = await makeArtifacts({ bulk: 300_000_000 })
})
afterAll(() => bulky[Symbol.asyncDispose]())

beforeEach(async () => {
  host = await vanilla("2.1.9", { schema: 3 })
  untouched = await snapshot(host.dir)
  scratch = await mkdtemp(join(tmpdir(), "kd-scratch-"))
  await writeFile(join(scratch, "termination"), "")
})
afterEach(async () => {
  for (const child of pods.splice(0)) child.kill("SIGKILL")
  await host[Symbol.asyncDispose]()
  await rm(scratch, { recursive: true })
})

test("probes are answered over both families while it installs, and readiness follows the install", async () => {
  const pod = await start(["install"], { artifacts: bulky })
  await pod.said(/listens on port/)
  const slowest = { milliseconds: 0 }
  const states = new Set<string>()
  for (let at = 0; ; at++) {
    const started = performance.now()
    const { body } = await pod.get("/readyz", at % 2 === 0 ? "127.0.0.1" : "[::1]")
    slowest.milliseconds = Math.max(slowest.milliseconds, performance.now() - started)
    expect((await pod.get("/healthz")).status).toBe(200)
    states.add(body)
    if (body === "ok ready\n") break
    await sleep(10)
  }
  expect([...states]).toEqual(["not_ready installing\n", "ok ready\n"])
  expect(slowest.milliseconds).toBeLessThan(3000)
  const metrics = (await pod.get("/metrics")).body
  expect(metrics).toContain('runtime="containerd"')
  expect(metrics).toContain('kata_deploy_install_result{result="changed"} 1')
})

test("SIGTERM while waiting cleans the node up and ends with 0", async () => {
  const pod = await start(["install"])
  await pod.said(/Installed/)
  pod.process.kill("SIGTERM")
  expect(await pod.ended, pod.stderr()).toEqual({ status: 0, signal: null })
  expect(differences(untouched, await snapshot(host.dir))).toEqual([])
  expect(await termination()).toBe("")
})

for (const [phase, words] of [
  ["before the installer has begun", /listens on port/],
  ["while artifacts are unpacked", /Stage host-check is done/],
  ["between two stages", /Stage artifacts is done/],
] as const) {
  test(`SIGTERM ${phase} leaves the node as it was and ends with 0`, async () => {
    const pod = await start(["install"], { artifacts: bulky })
    await pod.said(words)
    pod.process.kill("SIGTERM")
    pod.process.kill("SIGTERM")
    expect(await pod.ended, pod.stderr()).toEqual({ status: 0, signal: null })
    expect(differences(untouched, await snapshot(host.dir)), pod.stderr()).toEqual([])
  })
}

test("a pod without a waiting process cleans up when it is stopped in between", async () => {
  const pod = await start(["install", "--once", "--when-stopped=cleanup"], { artifacts: bulky })
  await pod.said(/Stage host-check is done/)
  pod.process.kill("SIGTERM")
  expect(await pod.ended, pod.stderr()).toEqual({ status: 0, signal: null })
  expect(differences(untouched, await snapshot(host.dir)), pod.stderr()).toEqual([])
})

test("a second pod finds nothing to change", async () => {
  const first = await start(["install"])
  await first.said(/Installed/)
  first.process.kill("SIGKILL")
  await first.ended
  const installed = await snapshot(host.dir)
  const second = await start(["install"])
  await second.said(/Installed/)
  expect((await second.get("/metrics")).body).toContain('kata_deploy_install_result{result="unchanged"} 1')
  expect(differences(installed, await snapshot(host.dir), { identity: "files" })).toEqual([])
})

test("an installer that is killed ends the pod, which says so, and the next one gets through", async () => {
  const pod = await start(["install"], { artifacts: bulky })
  await pod.said(/Stage host-check is done/)
  const children = await readFile(`/proc/${pod.process.pid}/task/${pod.process.pid}/children`, "utf8")
  process.kill(Number(children.trim()), "SIGKILL")
  expect((await pod.ended).status).toBe(137)
  expect(await termination()).toMatch(/^The installer was killed/)
  const next = await start(["install"])
  await next.said(/Installed/)
  next.process.kill("SIGTERM")
  expect((await next.ended).status).toBe(0)
  expect(differences(untouched, await snapshot(host.dir)), next.stderr()).toEqual([])
})

test("a port that another program has is refused before anything is begun", async () => {
  const other = createServer().listen(0)
  await once(other, "listening")
  const address = other.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const pod = await start(["install"], { port })
  expect((await pod.ended).status).toBe(3)
  expect(pod.stderr()).toContain(`port ${port} (HEALTH_PORT): another program`)
  expect(differences(untouched, await snapshot(host.dir))).toEqual([])
  other.close()
})

test("wrong settings are told all at once, and end with 2", async () => {
  const pod = await start(["install"], { env: { HEALTH_PORT: "many", DEBUG: "perhaps" } })
  expect((await pod.ended).status).toBe(2)
  expect(pod.stderr()).toContain("HEALTH_PORT")
  expect(pod.stderr()).toContain("DEBUG")
  expect(await termination()).toContain("HEALTH_PORT")
})
