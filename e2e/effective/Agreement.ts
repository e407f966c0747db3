/**
 * Do the simulator and a real containerd say the same of a case? Each difference is a sentence; none is agreement.
 */
import { ContainerdVersion, EffectiveConfig, HostPath } from "@kata-deploy/core"
import { parse } from "smol-toml"
import { configDump, startAndAsk } from "../containerd/Daemon.ts"
import type { Release } from "../containerd/Releases.ts"
import { makeTree } from "../hostTree/SampleHost.ts"
import { type Pair, plugin, rootPath, treeOf } from "./Pair.ts"

type Json = { readonly [key: string]: unknown }

const table = (value: unknown): Json => (value !== null && typeof value === "object" ? (value as Json) : {})

/** What the simulator says. */
export const predicted = (
  pair: Pair,
  version: ContainerdVersion.ContainerdVersion,
): EffectiveConfig.EffectiveConfig =>
  EffectiveConfig.simulate({
    files: new Map(Object.entries(pair.files).map(([path, text]) => [HostPath.make(path), text])),
    root: HostPath.make(rootPath),
    version,
  })

/** What is left of a table of options when everything is gone that is as by default. */
const said = (options: unknown): Json =>
  Object.fromEntries(
    Object.entries(table(options)).filter(([, value]) => value !== "" && value !== 0 && value !== false),
  )

interface Comparable {
  readonly runtimeType: unknown
  readonly runtimePath: unknown
  readonly snapshotter: unknown
  readonly options: Json
}

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : value !== null && typeof value === "object"
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, item]) => [key, sorted(item)]),
        )
      : value

const compare = (what: string, simulated: unknown, real: unknown): ReadonlyArray<string> => {
  const [ours, theirs] = [JSON.stringify(sorted(simulated)), JSON.stringify(sorted(real))]
  return ours === theirs ? [] : [`${what}: simulated ${ours}, real ${theirs}`]
}

const ofSimulated = (answer: EffectiveConfig.Loaded): Readonly<Record<string, Comparable>> =>
  Object.fromEntries(
    Object.entries(answer.handlers).map(([name, handler]) => [
      name,
      {
        runtimeType: handler.runtimeType,
        runtimePath: handler.runtimePath,
        snapshotter: handler.snapshotter,
        options: said(handler.options),
      },
    ]),
  )

/** `untrusted` and `default` come into being when the CRI starts, out of keys of old. */
const addedAtStart = (pair: Pair): boolean =>
  Object.values(pair.files).some((text) => /untrusted_workload_runtime|default_runtime\b(?!_)/.test(text))

const againstDump = (
  pair: Pair,
  answer: EffectiveConfig.Loaded,
  release: Release,
  stdout: string,
): ReadonlyArray<string> => {
  const dump = parse(stdout) as Json
  const plugins = table(dump["plugins"])
  const first = release.major < 2
  const cri = table(plugins[first ? plugin[2] : plugin[3]])
  const images = first ? table(cri["containerd"]) : table(plugins[plugin.images])
  const containerd = table(cri["containerd"])
  const isDisabled = answer.cri._tag === "NotLoaded" && answer.cri.why.includes("is disabled")
  const handlers = Object.fromEntries(
    Object.entries(table(containerd["runtimes"])).map(([name, raw]) => [
      name,
      {
        runtimeType: table(raw)["runtime_type"] ?? "",
        runtimePath: table(raw)["runtime_path"] ?? "",
        snapshotter: table(raw)["snapshotter"] ?? "",
        options: said(table(raw)["options"]),
      },
    ]),
  )
  const platforms = Object.fromEntries(
    Object.entries(table(images["runtime_platforms"])).map(([name, raw]) => [
      name,
      table(raw)["snapshotter"],
    ]),
  )
  // From 2.3 on the daemon tells the images plugin of a handler's own snapshotter while it starts, which no dump shows;
  // that images go there is seen in `nydus.test.ts`.
  const toldOf = (name: string): unknown =>
    platforms[name] ??
    (ContainerdVersion.atLeast(release, 2, 3) && !(name in platforms) ? handlers[name]?.snapshotter : "")
  return [
    ...(isDisabled || addedAtStart(pair)
      ? []
      : [
          ...compare("handlers", ofSimulated(answer), handlers),
          ...compare("default_runtime_name", answer.defaultRuntime, containerd["default_runtime_name"]),
          ...compare("default snapshotter", answer.snapshotter, images["snapshotter"]),
        ]),
    ...(first || isDisabled
      ? []
      : Object.entries(answer.handlers).flatMap(([name, { imageSnapshotter }]) =>
          compare(`snapshotter of images of ${name}`, imageSnapshotter, toldOf(name)),
        )),
    ...compare("log level", answer.logLevel, table(dump["debug"])["level"] || "info"),
    ...compare(
      "proxy plugins",
      answer.proxies,
      Object.fromEntries(
        Object.entries(table(dump["proxy_plugins"])).map(([name, raw]) => [name, table(raw)["type"]]),
      ),
    ),
  ]
}

const unknownKey = new Set(["containerd-unknown-key", "containerd-runtime-platform-misspelt"])

/** The table of the server's debug plugin is nobody's before 2.3, and nobody's tables are not looked into. */
const warnsOfUnknown = (answer: EffectiveConfig.Loaded, release: Release): boolean =>
  answer.warnings.some(
    ({ code }) =>
      unknownKey.has(code) ||
      (code === "containerd-log-level-misplaced" && ContainerdVersion.atLeast(release, 2, 3)),
  )

/** What came of a case. */
export interface Outcome {
  readonly found: ReadonlyArray<string>
  readonly started: boolean
  /** What the simulator expected. */
  readonly kind: "refused" | "without CRI" | "loaded"
}

/** The differences of a case. The daemon is started where `starts` says so, and wherever the simulator expects trouble. */
export const differences = async (pair: Pair, release: Release, starts: boolean): Promise<Outcome> => {
  const answer = predicted(pair, release)
  await using tree = await makeTree(treeOf(pair))
  const subject = { release, tree: tree.dir, config: rootPath }
  const kind =
    answer._tag === "Refused" ? "refused" : answer.cri._tag === "NotLoaded" ? "without CRI" : "loaded"
  const found: Array<string> = []
  if (answer._tag === "Loaded") {
    const dump = await configDump(subject)
    if (dump.code !== 0) found.push(`simulated to start, config dump refuses: ${dump.stderr.slice(-300)}`)
    else {
      found.push(...againstDump(pair, answer, release, dump.stdout))
      const real = dump.stderr.includes("Ignoring unknown key")
      found.push(...compare("warned of unknown keys", warnsOfUnknown(answer, release), real))
    }
  }
  if (!starts && kind === "loaded") return { found, started: false, kind }
  const daemon = await startAndAsk(subject)
  if (answer._tag === "Refused") {
    if (daemon.up) found.push(`simulated to refuse (${answer.file}: ${answer.why}), the daemon starts`)
  } else if (!daemon.up) {
    found.push(`simulated to start, the daemon refuses: ${daemon.log.slice(-300)}`)
  } else if (answer.cri._tag === "NotLoaded") {
    if (daemon.loaded) found.push(`simulated without CRI (${answer.cri.why}), it is loaded`)
  } else if (!daemon.loaded) {
    found.push(`simulated with CRI, it is not loaded: ${daemon.why} ${daemon.log.slice(-600)}`)
  } else {
    const served = Object.fromEntries(
      Object.entries(daemon.handlers).map(([name, h]) => [
        name,
        {
          runtimeType: h.runtimeType,
          runtimePath: h.runtimePath,
          snapshotter: h.snapshotter,
          options: said(h.options),
        },
      ]),
    )
    found.push(...compare("served handlers", ofSimulated(answer), served))
  }
  return { found, started: true, kind }
}
