/** Generated hosts: each distribution and containerd generation, with what operators and others have put there. */
import * as fc from "fast-check"
import { FileState } from "../../src/index.ts"
import type { HostFilesMemory } from "../../src/testing/index.ts"

/** A tree as the in-memory double takes it. */
export type Tree = NonNullable<HostFilesMemory.Options["tree"]>

/** A kind of node. */
export interface Kind {
  readonly name: string
  /** Its main config, on the host. */
  readonly main: string
  /** What the Node object says; `undefined` where nothing needs it. */
  readonly version: string | undefined
  /** The systemd unit that runs the CRI runtime. */
  readonly unit: string
  /** Schemas that its main config may declare; 1 stands for no `version` line. */
  readonly schemas: ReadonlyArray<1 | 2 | 3 | 4>
  /** The directory whose drop-ins the rendered main config imports. */
  readonly rendersImportOf: string | undefined
  /** Whether several instances fit on it. */
  readonly takesSuffix: boolean
  readonly takesUserDropIn: boolean
  /** Whether a node without main config can be installed on. */
  readonly mayLackMain: boolean
}

const vanilla = (version: string, schemas: Kind["schemas"]): Kind => {
  const dropIns = !version.startsWith("1.")
  return {
    name: `vanilla containerd ${version}`,
    main: "/etc/containerd/config.toml",
    version: `containerd://${version}`,
    unit: "containerd.service",
    schemas,
    rendersImportOf: undefined,
    takesSuffix: dropIns,
    takesUserDropIn: dropIns,
    mayLackMain: true,
  }
}

const microk8s = (version: string, schemas: Kind["schemas"]): Kind => ({
  ...vanilla(version, schemas),
  name: `microk8s with containerd ${version}`,
  main: "/var/snap/microk8s/current/args/containerd-template.toml",
  unit: "snap.microk8s.daemon-containerd.service",
  mayLackMain: false,
})

const rancher = (distribution: "k3s" | "rke2", version: string, schema: 2 | 3): Kind => {
  const directory = `/var/lib/rancher/${distribution}/agent/etc/containerd`
  return {
    name: `${distribution} with containerd ${version}`,
    main: `${directory}/config.toml`,
    version: `containerd://${version}-${distribution}1`,
    unit: distribution === "k3s" ? "k3s.service" : "rke2-server.service",
    schemas: [schema],
    rendersImportOf: `${directory}/${schema === 3 ? "config-v3.toml.d" : "config.toml.d"}`,
    takesSuffix: schema === 3,
    takesUserDropIn: true,
    mayLackMain: false,
  }
}

const k0s: Kind = {
  name: "k0s",
  main: "/etc/k0s/containerd.toml",
  version: undefined,
  unit: "k0sworker.service",
  schemas: [2, 3],
  rendersImportOf: undefined,
  takesSuffix: true,
  takesUserDropIn: true,
  mayLackMain: false,
}

const crio: Kind = {
  name: "CRI-O",
  main: "/etc/crio/crio.conf",
  version: "cri-o://1.34.0",
  unit: "crio.service",
  schemas: [1],
  rendersImportOf: undefined,
  takesSuffix: true,
  takesUserDropIn: false,
  mayLackMain: false,
}

/** Every distribution with every containerd generation that exists for it. */
export const kinds: ReadonlyArray<Kind> = [
  vanilla("1.6.20", [2]),
  vanilla("1.7.24", [1, 2]),
  vanilla("2.0.5", [2, 3]),
  vanilla("2.1.5", [2, 3]),
  vanilla("2.2.1", [2, 3]),
  vanilla("2.3.0", [2, 3, 4]),
  rancher("k3s", "1.7.23", 2),
  rancher("k3s", "2.1.5", 3),
  rancher("rke2", "1.7.23", 2),
  rancher("rke2", "2.1.5", 3),
  k0s,
  microk8s("1.7.24", [2]),
  microk8s("2.1.5", [2, 3]),
  crio,
]

const plugins = { 1: "cri", 2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime" }

/** What a main config says of the CRI; some operators say nothing. */
const criTables = (schema: 1 | 2 | 3 | 4) => {
  const plugin = `plugins."${plugins[schema === 4 ? 3 : schema]}"`
  return fc.constantFrom(
    "",
    `[${plugin}]\n  # pinned by the operator\n  enable_selinux = false\n`,
    `[${plugin}.containerd.runtimes.runc]\n  runtime_type = "io.containerd.runc.v2"\n` +
      `[${plugin}.containerd.runtimes.runc.options]\n  SystemdCgroup = true # ours\n`,
    `[${plugin}.containerd]\n  default_runtime_name = 'runc'\n` +
      `  [${plugin}.containerd.runtimes]\n    [${plugin}.containerd.runtimes.runc]\n    runtime_type = 'io.containerd.runc.v2'\n`,
  )
}

/** Layouts of an `imports` that is there already; `ITEMS` stands for its members. */
const importLayouts = [
  "imports = [ITEMS]\n",
  "imports = [ ITEMS, ] # keep\n",
  "imports = [\n  # mine\n  ITEMS\n]\n",
  "imports = [\n\tITEMS, # last\n]\n",
  '"imports" = [ITEMS]\n',
]

const emptyImports = ["imports = []\n", "imports = [ ] # none yet\n", "imports = [\n]\n"]

/** A file that some main configs import by its name. */
const extra = "/etc/containerd/extra.toml"

const importsOf = (kind: Kind) => {
  const { rendersImportOf } = kind
  const filled = (items: ReadonlyArray<string>) =>
    fc.constantFrom(...importLayouts).map((l) => l.replace("ITEMS", items.join(", ")))
  if (rendersImportOf !== undefined) {
    const relative = rendersImportOf.slice(rendersImportOf.lastIndexOf("/") + 1)
    return fc
      .constantFrom([`"${rendersImportOf}/*.toml"`], [`'${relative}/*.toml'`])
      .chain((items) => filled(items))
  }
  return fc.oneof(
    fc.constant(""),
    fc.constantFrom(...emptyImports),
    filled(['"/etc/containerd/conf.d/*.toml"']),
    filled([`'${extra}'`, "'certs/*.toml'"]),
  )
}

const versionLine = (schema: 1 | 2 | 3 | 4) =>
  schema === 1
    ? fc.constant("")
    : fc.constantFrom(`version = ${schema}\n`, `version=${schema} # keep\n`, `  version  =  ${schema}\n`)

/** The operator's main config as bytes: comments, line endings, byte order mark, final newline. */
const mainConfig = (kind: Kind): fc.Arbitrary<string> =>
  fc.constantFrom(...kind.schemas).chain((schema) =>
    fc
      .record({
        mark: fc.constantFrom("", "", "\uFEFF"),
        remark: fc.constantFrom("", "# the operator's own\n\n", "\n"),
        version: versionLine(schema),
        imports: importsOf(kind),
        importsFirst: fc.boolean(),
        state: fc.constantFrom("", "state = '/run/containerd'\n", "oom_score = 0 # no\n\n"),
        cri: criTables(schema),
        debug: fc.constantFrom("", "\n# about debug\n[debug]\n  level = 'info'\n", "[metrics]\naddress = ''"),
        newline: fc.constantFrom("\n", "\r\n"),
        final: fc.boolean(),
      })
      .map((c) => {
        const head = c.importsFirst ? c.imports + c.version : c.version + c.imports
        const text = `${c.remark}${head}${c.state}${c.cri}${c.debug}`
        const ended = c.final ? text : text.replace(/\n$/, "")
        return c.mark + ended.replaceAll("\n", c.newline)
      }),
  )

/** Things of others below the install directory and around it; `D` stands for the install directory. */
const foreign: Readonly<Record<string, FileState.FileState>> = {
  "D/notes.txt": { _tag: "File", text: "mine", mode: 0o600, owner: { uid: 1000, gid: 1000 } },
  "D/bin/my-tool": FileState.file("#!/bin/sh\n", 0o755),
  "D/share/defaults/kata-containers/runtimes/qemu/config.d/60-mine.toml": FileState.file("# mine\n"),
  "D/share/docs": FileState.link("/usr/share/doc"),
  D: FileState.directory(0o700),
  "D/bin": FileState.directory(),
  "D/share/kata-containers": FileState.directory(0o750),
  "/etc/containerd/conf.d": FileState.directory(),
  "/etc/containerd/conf.d/other.toml": FileState.file("[debug]\r\n  level = 'info'"),
  "/etc/crio/crio.conf.d/10-other.conf": FileState.file("[crio.runtime]\n"),
  "/opt/cni/bin/bridge": FileState.file("cni", 0o755),
}

/** Directories that are links on some hosts, and where they lead to. */
const links: ReadonlyArray<readonly [from: string, to: string]> = [
  ["/opt", "/mnt/opt"],
  ["/var/lib/kata", "../../srv/kata"],
]

/** A node without install. */
export interface Host {
  readonly kind: Kind
  /** States by path, where `D` in front stands for the install directory. */
  readonly tree: Tree
  /** Directories that are links, and where they lead to. */
  readonly links: ReadonlyArray<readonly [from: string, to: string]>
  /** Whether the install directory is there and a mount point. */
  readonly isMounted: boolean
}

/** A node of a kind. */
const hostOf = (kind: Kind): fc.Arbitrary<Host> =>
  fc
    .record({
      main: kind.mayLackMain ? fc.option(mainConfig(kind), { nil: undefined, freq: 8 }) : mainConfig(kind),
      mode: fc.constantFrom(0o644, 0o600),
      foreign: fc.subarray(Object.keys(foreign)),
      links: fc.subarray([...links]),
      isMounted: fc.boolean(),
    })
    .map(({ foreign: names, isMounted, links, main, mode }) => ({
      kind,
      links,
      isMounted,
      tree: {
        // CRI-O is known by its directory where no unit can be asked.
        ...Object.fromEntries(
          names
            .filter((n) => kind !== crio || !n.startsWith("/etc/containerd"))
            .filter((n) => kind === crio || !n.startsWith("/etc/crio"))
            .map((n) => [n, foreign[n]!]),
        ),
        ...(main === undefined
          ? {}
          : { [kind.main]: kind === crio ? FileState.file("[crio]\n") : FileState.file(main, mode) }),
        // What a main config imports by name has to be there: containerd does not start without it.
        ...(main?.includes(extra) === true ? { [extra]: FileState.file("oom_score = -999\n") } : {}),
      },
    }))

/** Any node. */
export const host: fc.Arbitrary<Host> = fc.constantFrom(...kinds).chain(hostOf)

/** Any node that several instances fit on. */
export const sharedHost: fc.Arbitrary<Host> = fc
  .constantFrom(...kinds.filter((kind) => kind.takesSuffix))
  .chain(hostOf)
