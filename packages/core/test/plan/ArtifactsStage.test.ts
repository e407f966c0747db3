/** Which components are unpacked, unpacked again, kept or marked as unused, and what does the node get beside them? */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  type Distribution,
  Fact,
  type Facts,
  FileState,
  type HostFiles,
  HostPath,
  KataConfig,
  Ledger,
} from "../../src/index.ts"
import * as ArtifactsStage from "../../src/plan/ArtifactsStage.ts"
import * as Node from "../Node.ts"
import { settings } from "../Sample.ts"

const path = HostPath.make
const base = "[hypervisor.qemu]\npath = '/opt/kata/bin/qemu'\n"
const archiveOf = (name: string, unpackedBytes?: number): HostFiles.ArchiveFacts => ({
  archive: `tarballs/kata-static-${name}.tar.zst`,
  id: { sha256: `${name}-digest`, size: 1_000_000, modifiedMs: 1 },
  unpackedBytes,
})
const artifacts: Facts.ArtifactFacts = {
  directory: "/artifacts",
  manifest: FileState.file(JSON.stringify({ shims: { qemu: { x86_64: ["qemu", "kernel"] } } })),
  versions: FileState.file("v: 1\n"),
  archives: new Map<string, HostFiles.ArchiveFacts>(
    ["qemu", "kernel"].map((name) => [name, archiveOf(name)]),
  ),
  damaged: new Set(),
  bases: new Map([
    [
      "configuration-qemu.toml",
      { ...Result.getOrThrow(KataConfig.parseBase(base)), archiveSha256: "qemu-digest" },
    ],
  ]),
}
const versions = "/opt/kata/versions.yaml"

interface Given {
  readonly artifacts?: Partial<Facts.ArtifactFacts>
  readonly ledger?: Partial<Ledger.Ledger>
  readonly facts?: Partial<Facts.Facts>
  readonly tree?: Node.Tree
  readonly variables?: Readonly<Record<string, string>>
  readonly runtime?: Distribution.CriRuntime
}
const empty = Ledger.empty("default", "1.2.3", "containerd")
const plan = (given: Given = {}) => {
  const ledger = given.ledger === undefined ? {} : { ledger: Node.recorded({ ...empty, ...given.ledger }) }
  return ArtifactsStage.plan({
    settings: settings(given.variables),
    detected: Node.detected(given.runtime ?? "containerd"),
    facts: Node.facts(given.tree ?? {}, {
      artifacts: { ...artifacts, ...given.artifacts },
      ...ledger,
      ...given.facts,
    }),
  })
}
const planned = (given?: Given) => Result.getOrThrow(plan(given))
const problems = (given?: Given) => Result.getOrThrow(Result.flip(plan(given))).problems
const actions = (given?: Given) => planned(given).steps.map((each) => each.action)
const extracted = (given?: Given) =>
  actions(given).flatMap((a) => (a._tag === "Extract" ? a.components.map((c) => c.name) : []))
const puts = (given?: Given) =>
  new Map(
    actions(given).flatMap((a) =>
      a._tag === "Put" ? [[a.change.path as string, a.change.after] as const] : [],
    ),
  )
const notices = (given?: Given) => planned(given).notices.map((n) => n.code)
const unpacked = (given?: Given) => planned(given).ledger.components.map(({ name, unused }) => [name, unused])

const owned = (name: string, rest: Partial<Ledger.OwnedComponent> = {}): Ledger.OwnedComponent => ({
  name,
  archive: archiveOf(name).id,
  entries: [{ type: "link", path: `bin/${name}`, target: "x" }],
  ...rest,
})
const both = [owned("kernel"), owned("qemu")]

describe("components", () => {
  it("are unpacked in the order of their names, each with what it replaces", () => {
    assert.deepStrictEqual(extracted(), ["kernel", "qemu"])
    const older = { ...owned("qemu"), archive: { ...archiveOf("qemu").id, sha256: "older" } }
    const [step] = actions({ ledger: { components: [owned("kernel"), older] } }).filter(
      (a) => a._tag === "Extract",
    )
    assert(step?._tag === "Extract")
    assert.deepStrictEqual(
      step.components.map((c) => [c.name, c.replaces]),
      [["qemu", older.entries]],
    )
  })

  it("that are there already stay, unless something of them is damaged", () => {
    assert.deepStrictEqual(extracted({ ledger: { components: both } }), [])
    assert.deepStrictEqual(
      extracted({ ledger: { components: both }, artifacts: { damaged: new Set(["kernel"]) } }),
      ["kernel"],
    )
  })

  it("keep the entries that no file of ours took the place of, and are in use again", () => {
    const entries: Ledger.OwnedComponent["entries"] = [
      { type: "link", path: "bin/qemu", target: "x" },
      { type: "link", path: "versions.yaml", target: "x" },
    ]
    const components = [owned("kernel"), owned("qemu", { entries, unused: true })]
    const [, qemu] = planned({ ledger: { components } }).ledger.components
    assert.deepStrictEqual(qemu, owned("qemu"))
  })

  it("that nobody asks for any more are marked, and unpacked ones begin without entries", () => {
    const made = planned({ ledger: { components: [owned("clh"), owned("kernel")] } })
    assert.deepStrictEqual(made.ledger.components, [
      owned("kernel"),
      { name: "qemu", archive: archiveOf("qemu").id, entries: [] },
      { ...owned("clh"), unused: true },
    ])
  })

  it("for debugging are taken where they are there, and told of where they are not", () => {
    const debug = { variables: { DEBUG: "true" } }
    assert.deepStrictEqual(extracted(debug), ["kernel", "qemu"])
    assert.include(notices(debug), "debug-tool-left-out")
    const there = { archives: new Map([...artifacts.archives, ["kata-ctl", archiveOf("kata-ctl")]]) }
    assert.deepStrictEqual(extracted({ ...debug, artifacts: there }), ["kata-ctl", "kernel", "qemu"])
    assert.notInclude(notices({ ...debug, artifacts: there }), "debug-tool-left-out")
    assert.deepStrictEqual(unpacked({ artifacts: there }), [
      ["kernel", undefined],
      ["qemu", undefined],
    ])
  })

  it("are unpacked again for a configuration that was a link while its shim was enabled", () => {
    const kept = "/opt/kata/.kata-deploy/base/clh-digest/configuration-clh.toml"
    const plain = "/opt/kata/share/defaults/kata-containers/configuration-clh.toml"
    const file = (at: string): Ledger.OwnedFile => ({ path: path(at), stage: "artifacts", digest: "x" })
    const clh = owned("clh", { archive: { ...archiveOf("clh").id, sha256: "clh-digest" } })
    const of = (files: ReadonlyArray<string>, manifest: ReadonlyArray<string> = ["qemu", "kernel", "clh"]) =>
      extracted({
        ledger: { components: [...both, clh], files: files.map(file) },
        artifacts: {
          manifest: FileState.file(JSON.stringify({ shims: { qemu: { x86_64: manifest } } })),
          archives: new Map([...artifacts.archives, ["clh", archiveOf("clh")]]),
        },
      })
    assert.deepStrictEqual(of([kept, plain]), ["clh"])
    assert.deepStrictEqual(of([kept]), [])
    assert.deepStrictEqual(of([plain]), [])
    assert.deepStrictEqual(of([kept, plain], ["qemu", "kernel"]), [])
    assert.deepStrictEqual(of([kept.replace("clh-digest", "digest"), plain]), [])
  })
})

describe("what keeps components from being unpacked", () => {
  const codes = (given: Given) => problems(given).map((p) => p.code)

  it("is an archive that is missing, before any configuration is missed", () => {
    const none = { archives: new Map(), bases: new Map() }
    assert.deepStrictEqual(codes({ artifacts: none }), ["E_TARBALL_MISSING", "E_TARBALL_MISSING"])
    assert.deepStrictEqual(codes({ artifacts: { bases: new Map() } }), ["E_CONFIG_NOT_FOUND"])
  })

  it("is a file of versions that cannot be read, but not one that is not there", () => {
    const unreadable: FileState.FileState = { _tag: "Unreadable", why: "denied", detail: "x" }
    for (const state of [unreadable, FileState.directory(), FileState.link("x")])
      assert.deepStrictEqual(codes({ artifacts: { versions: state } }), ["E_VERSIONS_UNREADABLE"])
    assert.include(notices({ artifacts: { versions: FileState.absent } }), "no-versions-file")
    assert.notInclude(notices(), "no-versions-file")
  })

  it("is space that is missing by what archives say, else by their size, and only for what is unpacked now", () => {
    const space = (bytes: number, given: Given = {}) =>
      Result.isSuccess(plan({ ...given, facts: { freeBytes: Fact.known(bytes) } }))
    assert.deepStrictEqual([space(9_999_999), space(10_000_000)], [false, true])
    const archives = new Map([
      ["qemu", archiveOf("qemu", 70)],
      ["kernel", archiveOf("kernel", 30)],
    ])
    assert.deepStrictEqual(
      [space(99, { artifacts: { archives } }), space(100, { artifacts: { archives } })],
      [false, true],
    )
    assert.isTrue(space(0, { ledger: { components: both } }))
    const [problem] = problems({ facts: { freeBytes: Fact.known(1_500_000) } })
    assert.match(problem!.message, /needs about 10 MB .*five times their size: kernel, qemu\).* has 2 MB/)
    const [known] = problems({ artifacts: { archives }, facts: { freeBytes: Fact.known(0) } })
    assert.match(known!.message, /^Unpacking needs 1 MB, but/)
  })
})

describe("beside the components the node gets", () => {
  it("its versions, its configurations and their pristine copies", () => {
    const found = puts()
    assert.deepStrictEqual(found.get(versions), FileState.file("v: 1\n"))
    const copies = [...found].flatMap(([at, state]) =>
      at.includes("/.kata-deploy/base/") ? (FileState.textOf(state) ?? []) : [],
    )
    assert.deepStrictEqual(copies, [base])
    assert.isFalse(puts({ artifacts: { versions: FileState.absent } }).has(versions))
  })

  it("kubelet's directory on k0s, and nowhere else", () => {
    const says = (runtime: Distribution.CriRuntime) =>
      [...puts({ runtime }).values()].some(
        (state) => FileState.textOf(state)?.includes("/var/lib/k0s") === true,
      )
    assert.deepStrictEqual([says("k0s-worker"), says("containerd"), says("k3s")], [true, false, false])
  })

  it("the place of the journal before every other directory", () => {
    const directories = actions().flatMap((a) =>
      a._tag === "Put" && a.change.after._tag === "Directory" ? [a.change.path as string] : [],
    )
    const last = Math.max(
      ...["journal", "staging"].map((name) => directories.indexOf(`/opt/kata/.kata-deploy/${name}`)),
    )
    const others = directories.findIndex((at) => at.startsWith("/opt/kata/share"))
    assert.isTrue(others < 0 || last < others, directories.join(" "))
  })

  it("no file of ours out of an archive", () => {
    const [step] = actions().filter((a) => a._tag === "Extract")
    assert(step?._tag === "Extract")
    assert.include(step.except, "versions.yaml")
    assert.isTrue(step.except.every((at) => !at.startsWith("/")))
    assert.notInclude(step.except, "share/defaults/kata-containers/runtimes/qemu/config.d")
  })
})

describe("the ledger of the artifacts", () => {
  it("starts as the one that was found, in this release and for this directory", () => {
    const found = { ...empty, release: "0.9", handlers: ["kata-qemu"], runtime: "k3s" }
    const start = (ledger: Ledger.Ledger | undefined) =>
      ArtifactsStage.startLedger({
        settings: settings(),
        detected: Node.detected("containerd"),
        facts: Node.facts(
          {},
          ledger === undefined ? { release: "1.2.3" } : { ledger: Node.recorded(ledger) },
        ),
      })
    assert.deepInclude(start(found), { release: "1.2.3", installDir: path("/opt/kata"), runtime: "k3s" })
    assert.strictEqual(start({ ...found, handlers: [] }).runtime, "containerd")
    assert.deepInclude(start(undefined), { runtime: "containerd", instance: "default" })
  })

  it("is written down where it says something new, and not again", () => {
    const facts = (ledger: Facts.LedgerFact) => Node.facts({}, { ledger })
    const records = (ledger: Facts.LedgerFact, next: Ledger.Ledger) =>
      ArtifactsStage.record(facts(ledger), next, []).length
    assert.strictEqual(records(Node.recorded(empty), empty), 0)
    assert.strictEqual(records(Node.recorded(empty), { ...empty, release: "2" }), 1)
    assert.strictEqual(records({ _tag: "None" }, empty), 1)
    assert.strictEqual(records({ _tag: "Adopted", ledger: empty }, empty), 1)
  })
})
