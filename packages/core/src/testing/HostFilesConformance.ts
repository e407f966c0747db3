/**
 * What every implementation of `HostFiles` has to do: named cases that the double and the real adapter both pass. A
 * test file of an implementation runs each case's effect; the cases know no test framework.
 */
import { Effect, type Layer } from "effect"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import * as Change from "../plan/Change.ts"
import type { HostError } from "../ports/HostError.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import { failsWith, plain, same } from "./Expectation.ts"
import { copyCases } from "./HostFilesCopyCases.ts"
import { driftCases } from "./HostFilesDriftCases.ts"
import { extractCases } from "./HostFilesExtractCases.ts"
import { removalCases } from "./HostFilesRemovalCases.ts"
import { takenPathCases } from "./HostFilesTakenCases.ts"
import type { TreeOf } from "./MemoryTree.ts"
import type { SampleArchive } from "./SampleArchive.ts"

/** What an implementation starts with in a case. */
export interface Fixture {
  /** The host's tree; a string is a file with mode `0o644`, directories above a path come by themselves. */
  readonly tree?: TreeOf
  /** Archives by path relative to the artifact directory. */
  readonly archives?: Readonly<Record<string, SampleArchive>>
  /** Text files of the artifact directory. */
  readonly artifacts?: Readonly<Record<string, string>>
  /** Programs of the artifact directory, with mode `0o755`. */
  readonly programs?: Readonly<Record<string, string>>
}

/** One case: a sentence, and an effect that dies with `Mismatch` when the sentence is not true. */
export interface Case {
  readonly name: string
  readonly effect: Effect.Effect<void, unknown>
}

/** A case that still needs its implementation. */
export interface OpenCase {
  readonly name: string
  readonly fixture: Fixture
  readonly body: Effect.Effect<void, HostError, HostFiles>
}

/** All cases, for the implementation that `provide` makes over a fixture. */
export const cases = (provide: (fixture: Fixture) => Layer.Layer<HostFiles, unknown>): ReadonlyArray<Case> =>
  [
    ...lookCases,
    ...putCases,
    ...removalCases,
    ...extractCases,
    ...takenPathCases,
    ...driftCases,
    ...copyCases,
    ...artifactCases,
  ].map(({ body, fixture, name }) => ({ name, effect: Effect.provide(body, provide(fixture)) }))

const at = HostPath.make

const looksLike = (path: string, expected: FileState.FileState) =>
  Effect.gen(function* () {
    const host = yield* HostFiles
    yield* same(`look ${path}`, plain(yield* host.look(at(path))), expected)
  })

const lookCases: ReadonlyArray<OpenCase> = [
  {
    name: "looking tells files, links, directories and nothing apart",
    fixture: {
      tree: {
        "/etc/a.toml": FileState.file("x = 1\n", 0o640),
        "/etc/b": FileState.link("a.toml"),
        "/etc/c": FileState.directory(0o750),
      },
    },
    body: Effect.gen(function* () {
      yield* looksLike("/etc/a.toml", FileState.file("x = 1\n", 0o640))
      yield* looksLike("/etc/b", FileState.link("a.toml"))
      yield* looksLike("/etc/c", FileState.directory(0o750))
      yield* looksLike("/etc/none", FileState.absent)
      yield* looksLike("/none/at/all", FileState.absent)
      yield* looksLike("/etc/a.toml/below", FileState.absent)
    }),
  },
  {
    name: "a byte order mark and line ends are kept",
    fixture: { tree: { "/f": "\u{FEFF}a\r\nb" } },
    body: looksLike("/f", FileState.file("\u{FEFF}a\r\nb")),
  },
  {
    name: "links above the last component lead on, absolute ones from the host's root, and `..` stays below it",
    fixture: {
      tree: {
        "/real/deep/file": "found",
        "/by-name": FileState.link("real/deep"),
        "/from-root": FileState.link("/real"),
        "/up": FileState.link("../../../../real/deep"),
        "/twice": FileState.link("/from-root/deep"),
        "/round": FileState.link("/round"),
      },
    },
    body: Effect.gen(function* () {
      yield* looksLike("/by-name/file", FileState.file("found"))
      yield* looksLike("/from-root/deep/file", FileState.file("found"))
      yield* looksLike("/up/file", FileState.file("found"))
      yield* looksLike("/twice/file", FileState.file("found"))
      const host = yield* HostFiles
      const loop = yield* host.look(at("/round/file"))
      yield* same("a loop", loop._tag, "Unreadable")
    }),
  },
  {
    name: "a listing is sorted bytewise, and follows a link to a directory",
    fixture: {
      tree: { "/d/b": "", "/d/B": "", "/d/a/x": "", "/d/ä": "", "/link": FileState.link("d"), "/file": "" },
    },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const names = { _tag: "Names", names: ["B", "a", "b", "ä"] }
      yield* same("list", yield* host.list(at("/d")), names)
      yield* same("list through a link", yield* host.list(at("/link")), names)
      yield* same("list nothing", yield* host.list(at("/none")), { _tag: "Absent" })
      yield* same("list a file", (yield* host.list(at("/file")))._tag, "Unreadable")
    }),
  },
  {
    name: "a fingerprint has size, mode and digest",
    fixture: { tree: { "/f": FileState.file("abc", 0o755), "/l": FileState.link("/f") } },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      yield* same("of a file", yield* host.fingerprint(at("/f")), {
        _tag: "File",
        size: 3,
        mode: 0o755,
        digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      })
      yield* same("of a link", yield* host.fingerprint(at("/l")), { _tag: "Link", target: "/f" })
      yield* same("of nothing", yield* host.fingerprint(at("/none")), { _tag: "Absent" })
    }),
  },
  {
    name: "the root is a mount point, an ordinary directory is none, and one may write below it",
    fixture: { tree: { "/d": FileState.directory() } },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      yield* same("root", yield* host.isMountPoint(at("/")), { _tag: "Known", value: true })
      yield* same("directory", yield* host.isMountPoint(at("/d")), { _tag: "Known", value: false })
      yield* same("may write", yield* host.mayWrite(at("/d/new/file")), { _tag: "Known", value: true })
      const free = yield* host.freeBytes(at("/d/new/file"))
      yield* same("free bytes", free._tag === "Known" && free.value > 0, true)
    }),
  },
]

/** Makes a change and looks at the result. */
const puts = (path: string, before: FileState.FileState, after: FileState.FileState) =>
  Effect.gen(function* () {
    const host = yield* HostFiles
    yield* host.put(Change.make(at(path), before, after), at("/tmp"))
    yield* looksLike(path, plain(after))
    yield* same("nothing temporary stays", yield* host.list(at("/tmp")), { _tag: "Names", names: [] })
  })

const withTmp = (tree: TreeOf): Fixture => ({ tree: { "/tmp": FileState.directory(), ...tree } })

const putCases: ReadonlyArray<OpenCase> = [
  {
    name: "a file is made, replaced with another mode, and taken away again",
    fixture: withTmp({ "/etc": FileState.directory() }),
    body: Effect.gen(function* () {
      yield* puts("/etc/f", FileState.absent, FileState.file("one", 0o600))
      yield* puts("/etc/f", FileState.file("one", 0o600), FileState.file("two, and longer", 0o644))
      yield* puts("/etc/f", FileState.file("two, and longer", 0o644), FileState.absent)
    }),
  },
  {
    name: "a link is made, turned round, becomes a file, and goes",
    fixture: withTmp({}),
    body: Effect.gen(function* () {
      yield* puts("/l", FileState.absent, FileState.link("/nowhere"))
      yield* puts("/l", FileState.link("/nowhere"), FileState.link("../../up"))
      yield* puts("/l", FileState.link("../../up"), FileState.file("text"))
      yield* puts("/l", FileState.file("text"), FileState.link("x"))
      yield* puts("/l", FileState.link("x"), FileState.absent)
    }),
  },
  {
    name: "a directory is made with its mode, and goes only when it is empty",
    fixture: withTmp({}),
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      yield* puts("/d", FileState.absent, FileState.directory(0o750))
      yield* puts("/d/f", FileState.absent, FileState.file("x"))
      const removal = host.put(Change.make(at("/d"), FileState.directory(), FileState.absent), at("/tmp"))
      yield* failsWith("removing a directory with files", removal, "Io")
      yield* puts("/d/f", FileState.file("x"), FileState.absent)
      yield* puts("/d", FileState.directory(), FileState.absent)
    }),
  },
  {
    name: "what is no longer as planned is not touched",
    fixture: withTmp({ "/f": "theirs", "/l": FileState.link("a") }),
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const tries: ReadonlyArray<readonly [string, FileState.FileState, FileState.FileState]> = [
        ["/f", FileState.absent, FileState.file("ours")],
        ["/f", FileState.file("old"), FileState.file("ours")],
        ["/f", FileState.file("theirs", 0o600), FileState.file("ours")],
        ["/f", FileState.file("old"), FileState.absent],
        ["/l", FileState.link("b"), FileState.link("c")],
        ["/none", FileState.file("old"), FileState.file("ours")],
      ]
      for (const [path, before, after] of tries) {
        const change = Change.make(at(path), before, after)
        yield* failsWith(`put ${path}`, host.put(change, at("/tmp")), "Drifted")
      }
      yield* looksLike("/f", FileState.file("theirs"))
      yield* looksLike("/l", FileState.link("a"))
      yield* looksLike("/none", FileState.absent)
      yield* same("nothing temporary stays", yield* host.list(at("/tmp")), { _tag: "Names", names: [] })
    }),
  },
  {
    name: "a write through a link above lands below the host's root, the link at the end is replaced",
    fixture: withTmp({
      "/real": FileState.directory(),
      "/etc/out": FileState.link("../../../../../real"),
      "/etc/last": FileState.link("/real/target"),
    }),
    body: Effect.gen(function* () {
      yield* puts("/etc/out/f", FileState.absent, FileState.file("x"))
      yield* looksLike("/real/f", FileState.file("x"))
      yield* puts("/etc/last", FileState.link("/real/target"), FileState.file("y"))
      yield* looksLike("/real/target", FileState.absent)
    }),
  },
  {
    name: "a write without its directory fails and leaves nothing",
    fixture: withTmp({}),
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const change = Change.make(at("/no/f"), FileState.absent, FileState.file("x"))
      yield* failsWith("put", host.put(change, at("/tmp")), "Io")
      yield* looksLike("/no", FileState.absent)
      yield* same("nothing temporary stays", yield* host.list(at("/tmp")), { _tag: "Names", names: [] })
    }),
  },
  {
    name: "taking away what is not there is done already, and inverting a change brings the old state back",
    fixture: withTmp({ "/f": "one" }),
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      yield* host.put(Change.make(at("/no/f"), FileState.absent, FileState.absent), at("/tmp"))
      const change = Change.make(at("/f"), FileState.file("one"), FileState.link("elsewhere"))
      yield* host.put(change, at("/tmp"))
      yield* host.put(Change.invert(change), at("/tmp"))
      yield* looksLike("/f", FileState.file("one"))
    }),
  },
]

const artifactCases: ReadonlyArray<OpenCase> = [
  {
    name: "text files of the artifact directory are read, and nothing outside it",
    fixture: { artifacts: { "shim-components.json": "{}\n" } },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const text = FileState.textOf(yield* host.artifact("shim-components.json"))
      yield* same("its text", text, "{}\n")
      yield* same("another", yield* host.artifact("versions.yaml"), FileState.absent)
      yield* same("outside", yield* host.artifact("../secret"), FileState.absent)
    }),
  },
]
