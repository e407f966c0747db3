/**
 * Which cases have to be in every sample? One for each trap that is known in how containerd reads its files.
 */
import { type Document, type Pair, pair, plugin } from "./Pair.ts"

const runc = { runtime_type: "io.containerd.runc.v2", options: { SystemdCgroup: true } }
const kata = { runtime_type: "io.containerd.kata-qemu.v2", runtime_path: "/opt/kata/bin/shim" }

/** The CRI table of a schema with these handlers. */
const cri = (schema: 1 | 2 | 3, runtimes: Document, rest: Document = {}): Document => ({
  [plugin[schema]]: { containerd: { ...rest, runtimes } },
})

/** A root of that version with `runc`, importing the file of {@link with_}. */
const root = (version: number | undefined, schema: 1 | 2 | 3, rest: Document = {}): Document => ({
  ...(version === undefined ? {} : { version }),
  imports: ["/opt/d/x.toml"],
  ...rest,
  plugins: cri(schema, { runc }, schema === 3 ? {} : { snapshotter: "native" }),
})

const with_ = (name: string, main: Document | string, dropIn: Document | string): Pair =>
  pair(name, main, { "/opt/d/x.toml": dropIn })

const handlers = (schema: 1 | 2 | 3, rest: Document = {}): Document => ({
  ...rest,
  plugins: cri(schema, { "kata-qemu": kata }),
})

const versions: ReadonlyArray<Pair> = [
  with_("main v2 + drop-in v2", root(2, 2), handlers(2, { version: 2 })),
  with_("main v2 + drop-in v3", root(2, 2), handlers(3, { version: 3 })),
  with_("main v2 + only a version 3", root(2, 2), { version: 3 }),
  with_("main v3 + drop-in v2", root(3, 3), handlers(2, { version: 2 })),
  with_(
    "main v3 without handlers + drop-in v2",
    { version: 3, imports: ["/opt/d/x.toml"] },
    handlers(2, { version: 2 }),
  ),
  with_("main v3 + drop-in v3", root(3, 3), handlers(3, { version: 3 })),
  with_("main v2 + drop-in without version", root(2, 2), handlers(2)),
  with_("main v3 + drop-in without version", root(3, 3), handlers(3)),
  with_("a schema-3 table keeps the root's from being migrated", root(2, 2), handlers(3)),
  with_("a schema-2 table below a root of version 3", root(3, 3), handlers(2)),
  with_("short names below a root of version 2", root(2, 2), handlers(1)),
  with_("short names below a root of version 3", root(3, 3), handlers(1)),
  with_("main without version", root(undefined, 1), handlers(1)),
  with_("main without version + drop-in of full names", root(undefined, 1), handlers(2)),
  with_("main without version + drop-in of schema 3", root(undefined, 1), handlers(3)),
  with_("main of full names without version + drop-in of schema 3", root(undefined, 2), handlers(3)),
  with_("main without version + drop-in v2", root(undefined, 2), handlers(2, { version: 2 })),
  with_("main v1 + drop-in v2", root(1, 1), handlers(2, { version: 2 })),
  with_("drop-in v1", root(2, 2), handlers(1, { version: 1 })),
  with_("main v4", root(4, 3), handlers(3)),
  with_("main v3 + drop-in v4", root(3, 3), handlers(3, { version: 4 })),
]

const merging: ReadonlyArray<Pair> = [
  with_("arrays within a plugin are replaced", root(2, 2), {
    plugins: cri(2, { runc: { pod_annotations: ["b"] } }),
  }),
  with_("options of one handler in two files", root(2, 2), {
    plugins: cri(2, { runc: { options: { BinaryName: "/usr/bin/crun" } } }),
  }),
  with_("no CRI table in the root", { version: 2, imports: ["/opt/d/x.toml"] }, handlers(2)),
  with_("an empty table of handlers", { version: 2, imports: ["/opt/d/x.toml"] }, { plugins: cri(2, {}) }),
  with_("a drop-in that names the CRI table", root(2, 2), {
    plugins: { [plugin[2]]: { sandbox_image: "x" } },
  }),
  with_("the other half of the CRI", root(3, 3), {
    plugins: { [plugin.images]: { runtime_platforms: { "kata-qemu": { snapshotter: "native" } } } },
  }),
  with_("an empty log level does not count", root(2, 2, { debug: { level: "debug" } }), {
    debug: { level: "" },
  }),
  with_("the log level of the later file", root(2, 2, { debug: { level: "warn" } }), {
    debug: { level: "debug" },
  }),
  with_("an unknown log level", root(2, 2), { debug: { level: "loud" } }),
  with_("an unknown log format", root(2, 2), { debug: { format: "xml" } }),
  with_("the level among the server's plugins", root(3, 3), {
    plugins: { "io.containerd.server.v1.debug": { level: "debug" } },
  }),
]

const proxy = (entry: Document): Document => ({ proxy_plugins: { nydus: entry } })
const nydus = { type: "snapshot", address: "/run/nydus.sock" }

const proxies: ReadonlyArray<Pair> = [
  with_("a proxy plugin", root(2, 2), proxy(nydus)),
  with_(
    "a proxy entry is replaced whole and loses its type",
    root(2, 2, proxy(nydus)),
    proxy({ address: "/x" }),
  ),
  with_("a proxy entry without a type", root(2, 2), proxy({ address: "/x" })),
  with_("a proxy entry of an unknown type", root(2, 2), proxy({ ...nydus, type: "snapshotter" })),
  with_("a proxy entry of a type of 1.7", root(2, 2), proxy({ ...nydus, type: "diff" })),
  with_("a proxy entry of a type of 2.0", root(2, 2), proxy({ ...nydus, type: "sandbox" })),
  with_("a proxy entry with a built-in name", root(2, 2), { proxy_plugins: { overlayfs: nydus } }),
  with_("a proxy snapshotter as the default one", root(2, 2), {
    ...proxy(nydus),
    plugins: cri(2, { runc, "kata-qemu": { ...kata, snapshotter: "nydus" } }, { snapshotter: "nydus" }),
  }),
]

const refusals: ReadonlyArray<Pair> = [
  with_("broken TOML in the drop-in", root(2, 2), "version = \n"),
  with_("a table twice in the drop-in", root(2, 2), "[debug]\nlevel = 'info'\n[debug]\nformat = 'text'\n"),
  pair("broken TOML in the root", "imports = [\n"),
  pair("a literal import of a missing file", root(2, 2)),
  pair("a glob without a match", { ...root(2, 2), imports: ["/opt/d/*.toml", "/opt/gone/*.toml"] }),
  pair("a pattern that is none", { ...root(2, 2), imports: ["/opt/d/[*.toml"] }),
  with_("a wrong type in a handler", root(2, 2), { plugins: cri(2, { runc: { runtime_type: 5 } }) }),
  with_("a wrong type in a handler of schema 3", root(3, 3), {
    plugins: cri(3, { runc: { pod_annotations: "x" } }),
  }),
  with_("a handler that is no table", root(2, 2), { plugins: cri(2, { runc: "x" }) }),
  with_("options that are no table", root(2, 2), { plugins: cri(2, { runc: { options: "x" } }) }),
  with_("a wrong type at the top", root(2, 2), { disabled_plugins: "cri" }),
  with_("a version that is a string", root(2, 2), { version: "3" }),
  with_("a plugin's table that is none", root(2, 2), { plugins: { [plugin[2]]: 5 } }),
  with_("a required CRI that does not load", root(2, 2, { required_plugins: [plugin[2]] }), {
    plugins: cri(2, { runc }, { default_runtime_name: "gone" }),
  }),
  ...[plugin[2], plugin[3], plugin.images].flatMap((required) => [
    ...[plugin[2], plugin[3], plugin.images].map((disabled) =>
      pair(`${required} required and ${disabled} disabled`, {
        version: 3,
        required_plugins: [required],
        disabled_plugins: [disabled],
      }),
    ),
    pair(`${required} required without the default handler`, {
      version: 3,
      required_plugins: [required],
      plugins: cri(3, {}, { default_runtime_name: "gone" }),
    }),
    pair(`${required} required without the default snapshotter`, {
      version: 3,
      required_plugins: [required],
      plugins: { [plugin.images]: { snapshotter: "gone" } },
    }),
    pair(`${required} required in version 2`, { version: 2, required_plugins: [required] }),
    pair(`${required} required without a version`, { required_plugins: [required] }),
  ]),
  with_("a required CRI that loads", root(2, 2, { required_plugins: [plugin[2]] }), {}),
]

const notLoaded: ReadonlyArray<Pair> = [
  with_("an unknown default_runtime_name", root(2, 2), {
    plugins: cri(2, { runc }, { default_runtime_name: "gone" }),
  }),
  with_("an unknown default_runtime_name in schema 3", root(3, 3), {
    plugins: cri(3, { runc }, { default_runtime_name: "gone" }),
  }),
  with_("a default handler that a drop-in brings", root(2, 2), {
    plugins: cri(2, { "kata-qemu": kata }, { default_runtime_name: "kata-qemu" }),
  }),
  with_("an unknown default snapshotter", root(2, 2), { plugins: cri(2, { runc }, { snapshotter: "gone" }) }),
  with_("a handler with an unknown snapshotter", root(2, 2), {
    plugins: cri(2, { runc, "kata-qemu": { ...kata, snapshotter: "gone" } }),
  }),
  pair("the CRI disabled by its short name", { disabled_plugins: ["cri"] }),
  pair("the CRI disabled by its short name in version 2", { version: 2, disabled_plugins: ["cri"] }),
  pair("the CRI disabled by its full name", { version: 2, disabled_plugins: [plugin[2]] }),
  with_("systemd_cgroup of old", root(2, 2), {
    plugins: {
      [plugin[2]]: { systemd_cgroup: true, containerd: { snapshotter: "native", runtimes: { runc } } },
    },
  }),
  with_("mirrors beside config_path", root(2, 2), {
    plugins: {
      [plugin[2]]: {
        registry: {
          config_path: "/etc/containerd/certs.d",
          mirrors: { "x.io": { endpoint: ["https://x"] } },
        },
        containerd: { snapshotter: "native", runtimes: { runc } },
      },
    },
  }),
  with_("a runtime_engine of old", root(2, 2), {
    plugins: cri(2, { runc: { ...runc, runtime_engine: "x" } }),
  }),
  with_("all devices without its other half", root(2, 2), {
    plugins: cri(2, { runc: { ...runc, privileged_without_host_devices_all_devices_allowed: true } }),
  }),
  with_("an untrusted runtime of old", root(2, 2), {
    plugins: cri(2, { runc }, { snapshotter: "native", untrusted_workload_runtime: kata }),
  }),
  with_("a default_runtime of old", root(2, 2), {
    plugins: cri(2, { runc }, { snapshotter: "native", default_runtime: kata }),
  }),
]

const silences: ReadonlyArray<Pair> = [
  with_("an unknown key in a handler", root(2, 2), { plugins: cri(2, { runc: { ...runc, flavour: "x" } }) }),
  with_("an unknown key at the top", root(2, 2), { flavour: "x" }),
  with_("runtime_platform misspelt", root(3, 3), {
    plugins: { [plugin.images]: { runtime_platform: { runc: { snapshotter: "native" } } } },
  }),
  with_("a handler's snapshotter in schema 2", root(2, 2), {
    plugins: cri(2, { runc, "kata-qemu": { ...kata, snapshotter: "native" } }),
  }),
  with_("a handler's snapshotter told to the images plugin too", root(2, 2), {
    plugins: {
      ...cri(2, { runc, "kata-qemu": { ...kata, snapshotter: "native" } }),
      [plugin.images]: { runtime_platforms: { "kata-qemu": { snapshotter: "native" } } },
    },
  }),
  with_(
    "a default snapshotter in schema 2 without handlers",
    { version: 2, imports: ["/opt/d/x.toml"] },
    {
      plugins: { [plugin[2]]: { containerd: { snapshotter: "native" } } },
    },
  ),
]

const runtimeHalf = (table: Document): Document => ({ plugins: { [plugin[3]]: table } })

/** Keys that came or went between releases of 2.x. */
const moved: ReadonlyArray<Pair> = [
  with_("the folder of CNI plugins in the singular", root(3, 3), runtimeHalf({ cni: { bin_dir: "/opt/x" } })),
  with_(
    "the folder of CNI plugins twice",
    root(3, 3),
    runtimeHalf({ cni: { bin_dir: "/opt/x", bin_dirs: ["/y"] } }),
  ),
  with_("the folder of CNI plugins in schema 2", root(2, 2), {
    plugins: { [plugin[2]]: { cni: { bin_dir: "/x" } } },
  }),
  with_("the switch of CDI", root(3, 3), runtimeHalf({ enable_cdi: true })),
  with_("the switch of CDI in schema 2", root(2, 2), { plugins: { [plugin[2]]: { enable_cdi: true } } }),
  with_("a period of statistics", root(3, 3), runtimeHalf({ stats_collect_period: "5s" })),
  with_(
    "a period of statistics that is none",
    root(3, 3),
    runtimeHalf({ stats_collect_period: "5 parsecs" }),
  ),
  with_("the pause image left to the sandboxer", root(3, 3), {
    plugins: cri(3, { "kata-qemu": { ...kata, disable_pause_image_pull: true } }),
  }),
  with_("the trace in the log", root(3, 3), { debug: { log_trace_id: true } }),
  with_("a platform without a snapshotter", root(3, 3), {
    plugins: {
      ...cri(3, { "kata-qemu": { ...kata, snapshotter: "native" } }),
      [plugin.images]: { runtime_platforms: { "kata-qemu": { platform: "linux/amd64" } } },
    },
  }),
]

const order: ReadonlyArray<Pair> = [
  pair(
    "two drop-ins, the later name wins",
    { ...root(2, 2), imports: ["/opt/d/*.toml"] },
    {
      "/opt/d/b.toml": { debug: { level: "debug" }, plugins: cri(2, { runc, "kata-qemu": kata }) },
      "/opt/d/zz.toml": { debug: { level: "warn" }, plugins: cri(2, { runc, "kata-clh": kata }) },
    },
  ),
  pair(
    "a hidden file matches, another ending does not",
    { ...root(2, 2), imports: ["/opt/d/*.toml"] },
    { "/opt/d/.x.toml": { debug: { level: "debug" } }, "/opt/d/x.toml.bak": { debug: { level: "warn" } } },
  ),
  pair(
    "a relative glob",
    { ...root(2, 2), imports: ["conf.d/*.toml"] },
    { "/etc/containerd/conf.d/x.toml": { debug: { level: "debug" } } },
  ),
  pair(
    "a relative path",
    { ...root(2, 2), imports: ["conf.d/x.toml"] },
    { "/etc/containerd/conf.d/x.toml": { debug: { level: "debug" } } },
  ),
  pair("conf.d is there and not imported", root(2, 2), {
    "/opt/d/x.toml": {},
    "/etc/containerd/conf.d/x.toml": { debug: { level: "debug" } },
  }),
  pair("a cycle", root(2, 2), {
    "/opt/d/x.toml": { imports: ["/etc/containerd/config.toml", "y.toml"], debug: { level: "debug" } },
    "/opt/d/y.toml": { imports: ["x.toml"], debug: { level: "warn" } },
  }),
  pair("an import of itself", { ...root(2, 2), imports: ["config.toml"] }),
]

/** Every trap. */
export const traps: ReadonlyArray<Pair> = [
  ...versions,
  ...merging,
  ...proxies,
  ...refusals,
  ...notLoaded,
  ...silences,
  ...moved,
  ...order,
]
