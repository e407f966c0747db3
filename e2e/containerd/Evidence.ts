/**
 * Which runtime handlers does the node have, and are the operator's own settings what they were? Both questions are
 * answered by the real containerd, twice: by what it reads and by what it serves.
 */
import { parse } from "smol-toml"
import { expect } from "vitest"
import type { SampleHost } from "../hostTree/SampleHost.ts"
import type { ServedHandler } from "./Cri.ts"
import { configDump, startAndAsk, type Subject } from "./Daemon.ts"
import type { Release } from "./Releases.ts"

type Json = { [key: string]: unknown }

const table = (value: unknown): Json => (value !== null && typeof value === "object" ? (value as Json) : {})

const isOurs = (handler: string): boolean => handler.startsWith("kata-")

const withoutOurs = (handlers: unknown): Json =>
  Object.fromEntries(Object.entries(table(handlers)).filter(([name]) => !isOurs(name)))

const tablesOfHandlers = (dump: Json): ReadonlyArray<{ readonly holder: Json; readonly key: string }> => {
  const plugins = table(dump["plugins"])
  const at = (plugin: string, ...path: ReadonlyArray<string>) => ({
    holder: path.reduce((value, key) => table(value[key]), table(plugins[plugin])),
    key: "runtimes",
  })
  return [
    at("io.containerd.grpc.v1.cri", "containerd"),
    at("io.containerd.cri.v1.runtime", "containerd"),
    { ...at("io.containerd.cri.v1.images"), key: "runtime_platforms" },
  ]
}

/** What containerd of a tree says and does, in a form that can be compared. */
export interface Evidence {
  /** Handlers in the merged configuration. */
  readonly written: ReadonlyArray<string>
  /** Handlers that the running daemon offers to a kubelet. */
  readonly served: Readonly<Record<string, ServedHandler>>
  /** The merged configuration without our handlers, and without `imports`, which install is free to add to. */
  readonly ownSettings: Json
  /** Those of them that are the operator's, with everything that they are made of. */
  readonly ownServed: Readonly<Record<string, unknown>>
  /** The CRI's configuration in memory without our handlers. */
  readonly ownCri: Json
}

/** Lets containerd of `release` read the tree and start on it. Fails where it does not start or serves no CRI. */
export const evidence = async (
  release: Release,
  host: SampleHost,
  config = host.config,
): Promise<Evidence> => {
  const subject: Subject = { release, tree: host.dir, config }
  const dumped = await configDump(subject)
  expect(dumped.code, `containerd config dump on ${host.name}\n${dumped.stderr}`).toBe(0)
  const dump = parse(dumped.stdout) as Json
  delete dump["imports"]
  const written = new Set<string>()
  for (const { holder, key } of tablesOfHandlers(dump)) {
    if (holder[key] === undefined) continue
    if (key === "runtimes") Object.keys(table(holder[key])).forEach((name) => written.add(name))
    holder[key] = withoutOurs(holder[key])
  }
  const started = await startAndAsk(subject)
  if (!started.up || !started.loaded) {
    const why = started.up ? started.why : `exit code ${started.code}`
    return expect.fail(`containerd ${release.version} on ${host.name} serves nothing: ${why}\n${started.log}`)
  }
  const containerd = table(started.config["containerd"])
  return {
    written: [...written].sort(),
    served: started.handlers,
    ownServed: withoutOurs(started.handlers),
    ownSettings: dump,
    ownCri: {
      ...started.config,
      containerd: { ...containerd, runtimes: withoutOurs(containerd["runtimes"]) },
    },
  }
}

/** Handlers of the shims, as the design names them. */
export const handlersOf = (shims: ReadonlyArray<string>, suffix?: string): ReadonlyArray<string> =>
  shims.map((shim) => (suffix ? `kata-${shim}-${suffix}` : `kata-${shim}`))

/** Expects that exactly `handlers` and the operator's own are there, and everything else is as `before` tells. */
export const expectServed = (now: Evidence, handlers: ReadonlyArray<string>, before: Evidence): void => {
  const all = [...handlers, ...before.written].sort()
  expect(now.written, "handlers that containerd reads").toEqual(all)
  expect(Object.keys(now.served).sort(), "handlers that containerd serves").toEqual(all)
  expect(now.ownServed, "the operator's handlers as they are served").toEqual(before.ownServed)
  expect(now.ownSettings, "the operator's settings in the merged configuration").toEqual(before.ownSettings)
  expect(now.ownCri, "the operator's settings in the running CRI").toEqual(before.ownCri)
}
