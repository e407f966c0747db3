/** Conformance of `HostFiles`: what unpacking puts down, refuses, and takes back. Source: spec 05 §4, decisions §10. */
import { Effect } from "effect"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { OwnedEntry } from "../plan/Ledger.ts"
import { type ExtractAction, type ExtractProgress, HostFiles } from "../ports/HostFiles.ts"
import { failsWith, plain, same } from "./Expectation.ts"
import type { OpenCase } from "./HostFilesConformance.ts"
import type { TreeOf } from "./MemoryTree.ts"
import * as Sample from "./SampleArchive.ts"

const at = HostPath.make
/** The install directory of the cases. */
export const into = at("/opt/kata-x")

/** What of the action differs from that of a first install. */
export interface Wanted {
  readonly replaces?: Readonly<Record<string, ReadonlyArray<OwnedEntry>>>
  readonly except?: ReadonlyArray<string>
  readonly owned?: ExtractAction["owned"]
}

/** The action that unpacks these archives, as a plan would have it. */
export const action = (archives: ReadonlyArray<string>, wanted: Wanted = {}) =>
  Effect.gen(function* () {
    const host = yield* HostFiles
    const components: Array<ExtractAction["components"][number]> = []
    for (const archive of archives) {
      const facts = yield* host.archive(archive, undefined)
      const id = facts?.id ?? { sha256: "", size: 0, modifiedMs: 0 }
      components.push({ name: archive, archive, id, replaces: wanted.replaces?.[archive] ?? [] })
    }
    return {
      _tag: "Extract",
      into,
      staging: at(`${into}/.kata-deploy/staging`),
      components,
      except: wanted.except ?? [],
      owned: wanted.owned ?? [],
    } satisfies ExtractAction
  })

/** Unpacks these archives. */
export const extract = (archives: ReadonlyArray<string>, wanted: Wanted = {}) =>
  Effect.gen(function* () {
    const host = yield* HostFiles
    return yield* host.extract(
      yield* action(archives, wanted),
      () => Effect.void,
      () => Effect.void,
    )
  })

/** Everything below a directory as text; the state directory left out. */
export const treeOf = (directory: string): Effect.Effect<Record<string, string>, never, HostFiles> =>
  Effect.gen(function* () {
    const host = yield* HostFiles
    const listing = yield* host.list(at(directory))
    const found: Record<string, string> = {}
    for (const name of listing._tag === "Names" ? listing.names : []) {
      if (name === ".kata-deploy") continue
      const path = `${directory}/${name}`
      found[path.slice(into.length + 1)] = describe(yield* host.look(at(path)))
      Object.assign(found, yield* treeOf(path))
    }
    return found
  })

const describe = (state: FileState.FileState): string => {
  switch (state._tag) {
    case "File":
      return `${state.mode.toString(8)} ${state.text}`
    case "Link":
      return `-> ${state.target}`
    case "Directory":
      return `${state.mode.toString(8)}/`
    case "Absent":
    case "Unreadable":
      return state._tag
  }
}

/** The tree is as expected, and nothing stays in staging. */
export const holds = (expected: Record<string, string>) =>
  Effect.gen(function* () {
    yield* same("the tree", yield* treeOf(into), expected)
    const host = yield* HostFiles
    const staging = yield* host.list(at(`${into}/.kata-deploy/staging`))
    yield* same("nothing stays in staging", staging._tag === "Names" ? staging.names : [], [])
  })

/** The state directory of the cases. */
export const stateDirectory: TreeOf = { [`${into}/.kata-deploy/staging`]: FileState.directory(0o700) }

/** An archive with something of everything. */
export const kernel: ReadonlyArray<Sample.SampleEntry> = [
  Sample.directory("."),
  Sample.directory("share"),
  Sample.file("share/vmlinux-6.12", "kernel", 0o600),
  Sample.link("share/vmlinux", "vmlinux-6.12"),
  Sample.file("bin/shim", "program", 0o4711),
  Sample.file("runtime-rs/bin/shim", "program", 0o400),
  Sample.file("libexec/helper", "helper", 0o7750),
  Sample.link("share/defaults", "/opt/kata/share/etc"),
  Sample.link("share/elsewhere", "/opt/kata-old/x"),
  { type: "file", name: "opt/kata/share/plain-name", text: "" },
  { type: "hard-link", name: "./opt/kata/share/again", target: "./opt/kata/share/vmlinux-6.12" },
  { type: "file", name: "/opt/kata/absolute", text: "" },
  { type: "file", name: "./etc/passwd", text: "" },
  { type: "directory", name: "./opt/" },
]

/** What that archive puts down. */
export const kernelTree = {
  bin: "755/",
  "bin/shim": "755 program",
  libexec: "755/",
  "libexec/helper": "750 helper",
  "runtime-rs": "755/",
  "runtime-rs/bin": "755/",
  "runtime-rs/bin/shim": "755 program",
  share: "755/",
  "share/again": "600 kernel",
  "share/defaults": `-> ${into}/share/etc`,
  "share/elsewhere": "-> /opt/kata-old/x",
  "share/plain-name": "644 ",
  "share/vmlinux": "-> vmlinux-6.12",
  "share/vmlinux-6.12": "600 kernel",
}

const goodCases: ReadonlyArray<OpenCase> = [
  {
    name: "an archive is unpacked below the install directory with links, modes and hard links as specified",
    fixture: { archives: { kernel } },
    body: Effect.gen(function* () {
      const done = yield* extract(["kernel"])
      yield* done.commit
      yield* holds(kernelTree)
      yield* same("skipped", done.skipped, 3)
      yield* same("created", done.createdDirectories, [
        "bin",
        "libexec",
        "runtime-rs",
        "runtime-rs/bin",
        "share",
      ])
      const entries = done.entries.get("kernel") ?? []
      yield* same(
        "entries",
        entries.map(({ path }) => path),
        Object.keys(kernelTree),
      )
      const shim = entries.find(({ path }) => path === "bin/shim")
      const { changedMs, modifiedMs, ...rest } = shim as Extract<OwnedEntry, { readonly type: "file" }>
      yield* same("a file's times", [typeof modifiedMs, typeof changedMs], ["number", "number"])
      yield* same("a file's entry", rest, {
        type: "file",
        path: "bin/shim",
        sha256: "1310ca2c8932dbd118668bd97442558a3e1f546b5e15c69699dfbd6024f548d8",
        mode: 0o755,
        size: 7,
      })
    }),
  },
  {
    name: "taking an extraction back leaves the tree as it was",
    fixture: {
      archives: { kernel },
      tree: {
        ...stateDirectory,
        [`${into}/share/vmlinux`]: FileState.link("vmlinux-5"),
        [`${into}/share/vmlinux-5`]: "old kernel",
        [`${into}/bin/shim`]: FileState.file("old program", 0o700),
        [`${into}/old/only`]: "gone in the new one",
        [`${into}/notes`]: "theirs",
      },
    },
    body: Effect.gen(function* () {
      const before = yield* treeOf(into)
      const replaces: ReadonlyArray<OwnedEntry> = [
        { type: "link", path: "share/vmlinux", target: "vmlinux-5" },
        { type: "file", path: "share/vmlinux-5", sha256: "", mode: 0o644, size: 10 },
        { type: "directory", path: "old" },
        { type: "file", path: "old/only", sha256: "", mode: 0o644, size: 10 },
      ]
      const done = yield* extract(["kernel"], { replaces: { kernel: replaces }, owned: ["bin/shim"] })
      yield* same("in between", yield* treeOf(into), { ...kernelTree, notes: "644 theirs" })
      yield* done.revert
      yield* holds(before)
    }),
  },
  {
    name: "what the old archive had and the new one has not goes; files of others stay",
    fixture: {
      archives: { kernel: [Sample.file("share/new", "n"), Sample.file("was-directory", "f")] },
      tree: {
        ...stateDirectory,
        [`${into}/share/old`]: "o",
        [`${into}/share/theirs`]: "t",
        [`${into}/gone/old`]: "o",
        [`${into}/kept/old`]: "o",
        [`${into}/kept/theirs`]: "t",
        [`${into}/was-directory/old`]: "o",
        [`${into}/excepted`]: "e",
      },
    },
    body: Effect.gen(function* () {
      const owned = (path: string): OwnedEntry => ({ type: "file", path, sha256: "", mode: 0o644, size: 1 })
      const directory = (path: string): OwnedEntry => ({ type: "directory", path })
      const replaces = [
        ...["share/old", "gone/old", "kept/old", "was-directory/old", "excepted"].map(owned),
        ...["share", "gone", "kept", "was-directory"].map(directory),
      ]
      const done = yield* extract(["kernel"], { replaces: { kernel: replaces }, except: ["excepted"] })
      yield* done.commit
      yield* holds({
        excepted: "644 e",
        kept: "755/",
        "kept/theirs": "644 t",
        share: "755/",
        "share/new": "644 n",
        "share/theirs": "644 t",
        "was-directory": "644 f",
      })
    }),
  },
  {
    name: "several components share directories and equal files; excepted paths are left out",
    fixture: {
      archives: {
        a: [Sample.file("share/common", "same"), Sample.file("share/a", "a"), Sample.file("conf", "base")],
        b: [Sample.file("share/common", "same"), Sample.link("share/b", "a")],
      },
      tree: stateDirectory,
    },
    body: Effect.gen(function* () {
      const done = yield* extract(["a", "b"], { except: ["conf"] })
      yield* done.commit
      yield* holds({ share: "755/", "share/a": "644 a", "share/b": "-> a", "share/common": "644 same" })
      const paths = (name: string) => done.entries.get(name)?.map(({ path }) => path)
      yield* same("of a", paths("a"), ["share", "share/a", "share/common"])
      yield* same("of b", paths("b"), ["share", "share/b", "share/common"])
    }),
  },
  {
    name: "the digest of an archive is told by unpacking, where nobody knew it; a known one is left as it is",
    fixture: {
      archives: { a: [Sample.file("a", "a")], b: [Sample.file("b", "b")] },
      tree: stateDirectory,
    },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const wanted = yield* action(["a", "b"])
      const [a, b] = wanted.components
      yield* same("nobody knows it", a?.id.sha256, null)
      const components = [a!, { ...b!, id: { ...b!.id, sha256: "known" } }]
      const done = yield* host.extract(
        { ...wanted, components },
        () => Effect.void,
        () => Effect.void,
      )
      yield* done.commit
      yield* same("of a", done.digests.get("a"), yield* host.archiveDigest("a"))
      yield* same("of b", done.digests.get("b"), "known")
    }),
  },
  {
    name: "progress ends with every byte of every component",
    fixture: { archives: { a: [Sample.file("a", "a")], b: [Sample.file("b", "b")] } },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const seen: Array<ExtractProgress> = []
      const wanted = yield* action(["a", "b"])
      const done = yield* host.extract(
        wanted,
        (progress) => Effect.sync(() => void seen.push(progress)),
        () => Effect.void,
      )
      yield* done.commit
      const total = wanted.components.reduce((sum, { id }) => sum + id.size, 0)
      yield* same("the last", seen.at(-1), { component: "b", bytes: total, totalBytes: total })
      yield* same(
        "rising",
        seen.every(({ bytes }, i) => bytes >= (seen[i - 1]?.bytes ?? 0)),
        true,
      )
    }),
  },
  {
    name: "the configurations of an archive are read by path",
    fixture: {
      archives: {
        shim: [
          Sample.file("share/defaults/kata-containers/configuration-qemu.toml", "q = 1\n"),
          Sample.file("share/defaults/kata-containers/runtime-rs/configuration-clh.toml", "c = 1\n"),
          Sample.link("share/defaults/kata-containers/configuration.toml", "configuration-qemu.toml"),
          Sample.file("share/other/configuration-x.toml", ""),
          Sample.file("bin/shim", "program"),
        ],
      },
    },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const configs = yield* host.archivedConfigs("shim", "all")
      yield* same("configurations", Object.fromEntries(configs), {
        "share/defaults/kata-containers/configuration-qemu.toml": "q = 1\n",
        "share/defaults/kata-containers/runtime-rs/configuration-clh.toml": "c = 1\n",
      })
      yield* same("no archive", yield* host.archive("none", undefined), undefined)
    }),
  },
]

const file = (name: string): Sample.SampleEntry => ({ type: "file", name, text: "x" })
const hardLink = (target: string): Sample.SampleEntry => ({ type: "hard-link", name: "opt/kata/h", target })

const refused: ReadonlyArray<readonly [name: string, entries: Sample.SampleArchive]> = [
  ["`..` in a path", [file("opt/kata/../../etc/passwd")]],
  ["a newline in a name", [file("opt/kata/a\nb")]],
  ["a hard link to an absolute path", [hardLink("/etc/shadow")]],
  ["a hard link with `..`", [hardLink("../../etc/shadow")]],
  ["a hard link with `..` behind the prefix", [hardLink("opt/kata/../../etc/shadow")]],
  ["a hard link to something that is not in the archive", [hardLink("opt/kata/none")]],
  ["a write through a link", [Sample.link("d", "/etc"), Sample.file("d/passwd", "x")]],
  ["a directory in a link's place", [Sample.link("d", "/etc"), Sample.directory("d")]],
  ["a file in a link's place", [Sample.link("f", "/etc/passwd"), Sample.file("f", "x")]],
  ["a file below a file", [Sample.file("f", "x"), Sample.file("f/g", "x")]],
  ["a file in a directory's place", [Sample.directory("d"), Sample.file("d", "x")]],
  ["a file twice with different content", [Sample.file("f", "x"), Sample.file("f", "y")]],
  ["a device", [{ type: "device", name: "opt/kata/dev" }]],
  ["a fifo", [{ type: "fifo", name: "opt/kata/fifo" }]],
  ["something in the state directory", [Sample.file(".kata-deploy/ledger.json", "{}")]],
  ["no directory as the root", [file("opt/kata")]],
  ["a file that another archive has with other content", [Sample.file("bin/shim", "other")]],
  ["a file where another archive has a directory", [Sample.file("bin", "x")]],
  ["a write through a link of another archive", [Sample.file("out/passwd", "x")]],
  ["bytes that are no archive", "corrupt"],
]

const refusalCases: ReadonlyArray<OpenCase> = refused.map(([name, hostile]) => ({
  name: `an archive with ${name} is refused, and the tree stays as it was`,
  fixture: {
    archives: { good: [Sample.file("bin/shim", "new"), Sample.link("out", "/etc")], hostile },
    tree: { ...stateDirectory, [`${into}/bin/shim`]: "old", "/etc/passwd": "root" },
  },
  body: Effect.gen(function* () {
    yield* failsWith("extract", extract(["good", "hostile"]), "BadArchive")
    yield* holds({ bin: "755/", "bin/shim": "644 old" })
    const host = yield* HostFiles
    yield* same("outside", plain(yield* host.look(at("/etc/passwd"))), FileState.file("root"))
  }),
}))

const missingCases: ReadonlyArray<OpenCase> = [
  {
    name: "a missing archive stops the extraction before anything changes",
    fixture: { archives: { kernel }, tree: stateDirectory },
    body: Effect.gen(function* () {
      yield* failsWith("extract", extract(["kernel", "none"]), "Io")
      yield* holds({})
    }),
  },
]

/** Cases of `extract`, `archive` and `archivedConfigs`. */
export const extractCases: ReadonlyArray<OpenCase> = [...goodCases, ...refusalCases, ...missingCases]
