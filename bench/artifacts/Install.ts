/**
 * The program that the benchmark measures: one install or cleanup of a sample host through the engine, systemd and
 * the API left out. Arguments: host root, artifact directory, action. Prints one line of JSON: milliseconds from the
 * first step of planning to the report, and the most memory that the process ever had (`VmHWM`, kB).
 */
import fs from "node:fs"
import process from "node:process"
import { Architecture, HostLayout, Policies, type Plan, Run, Settings } from "@kata-deploy/core"
import { NodeHostFiles } from "@kata-deploy/filesystem"
import { WithoutSystemd } from "@kata-deploy/host"
import { WithoutApi } from "@kata-deploy/kubernetes"
import { Effect, Layer, Result } from "effect"

/** What is printed. */
export interface Measured {
  /** Milliseconds of the run. */
  readonly ms: number
  /** Milliseconds from the start of the process to the run. */
  readonly startMs: number
  /** Seconds of processor time of the run, all threads together. */
  readonly cpuSeconds: number
  /** Most memory that the process had, kB. */
  readonly peakKb: number
  readonly outcome: string
  /** Longest time for which the main thread could not answer, milliseconds. */
  readonly stalledMs: number
}

const [hostRoot = "", artifacts = "", action = "install"] = process.argv.slice(2)
const architecture = Architecture.fromNodeName(process.arch)
const settings = Result.getOrThrow(
  Settings.decode({
    architecture,
    variables: {
      [`SHIMS_${architecture.toUpperCase()}`]: "qemu",
      CONTAINER_RUNTIME_VERSION: "containerd://2.1.5",
    },
    customConfigs: { _tag: "Files", files: new Map() },
    api: "not-used",
  }),
)
const layer = Layer.mergeAll(
  NodeHostFiles.layer({ layout: HostLayout.wholeRoot(hostRoot), artifacts }),
  WithoutSystemd.layer,
  WithoutApi.layer,
  Policies.layer,
)
const run = Run.run({
  action: action as Plan.ActionName,
  settings,
  release: "bench",
  stateDir: undefined,
  criRuntime: "containerd",
  userDropIn: undefined,
}).pipe(Effect.provide(layer))

let stalledMs = 0
let last = performance.now()
const heartbeat = setInterval(() => {
  const now = performance.now()
  stalledMs = Math.max(stalledMs, now - last)
  last = now
}, 5)
const startMs = performance.now()
const cpu = process.cpuUsage()
const report = await Effect.runPromise(run)
const ms = performance.now() - startMs
const used = process.cpuUsage(cpu)
const cpuSeconds = (used.user + used.system) / 1e6
clearInterval(heartbeat)
const peakKb = Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))?.[1])
console.log(
  JSON.stringify({ ms, startMs, cpuSeconds, peakKb, outcome: report.outcome, stalledMs } satisfies Measured),
)
