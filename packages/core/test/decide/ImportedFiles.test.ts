import { assert, describe, it } from "@effect/vitest"
import { type ContainerdVersion, FileState, HostPath, ImportedFiles } from "../../src/index.ts"

const path = HostPath.make
const main = path("/etc/containerd/config.toml")
const plugin = "io.containerd.grpc.v1.cri"
const table = `[plugins."${plugin}"]\nsandbox_image = "x"\n`
const unreadable: FileState.FileState = { _tag: "Unreadable", why: "denied", detail: "no permission" }

const patterns = (imports: string, version?: ContainerdVersion.ContainerdVersion) =>
  ImportedFiles.patternsOf(`imports = ${imports}\n`, main, version).map((each) => [
    each.directory,
    each.pattern,
  ])

describe("what a containerd file imports", () => {
  it("is a directory and a pattern each, relative ones beside the file", () => {
    assert.deepEqual(patterns('["/opt/d/*.toml", "conf.d/a.toml", "b*.toml"]'), [
      ["/opt/d", "*.toml"],
      ["/etc/containerd/conf.d", "a.toml"],
      ["/etc/containerd", "b*.toml"],
    ])
  })

  it("on 1.6 has no relative globs, but relative names and absolute globs", () => {
    const all = '["/opt/d/*.toml", "conf.d/a.toml", "b*.toml"]'
    assert.deepEqual(patterns(all, { major: 1, minor: 6 }), [
      ["/opt/d", "*.toml"],
      ["/etc/containerd/conf.d", "a.toml"],
    ])
    assert.strictEqual(patterns(all, { major: 1, minor: 7 }).length, 3)
  })

  it("is nothing in a text that is no TOML, and nothing without imports", () => {
    assert.deepStrictEqual(ImportedFiles.patternsOf("imports = [", main, undefined), [])
    assert.deepStrictEqual(ImportedFiles.patternsOf("", main, undefined), [])
  })

  it("takes the names that match, in the order in which they are listed", () => {
    const taken = ImportedFiles.matching({ directory: path("/d"), pattern: "*.toml" }, [
      "b.toml",
      "x.bak",
      "a.toml",
    ])
    assert.deepStrictEqual(taken, ["/d/b.toml", "/d/a.toml"].map(path))
    assert.deepStrictEqual(ImportedFiles.matching({ directory: path("/d"), pattern: "a" }, ["a", "aa"]), [
      path("/d/a"),
    ])
  })
})

describe("the table of a plugin in a file", () => {
  it("is the one of that very plugin", () => {
    assert.deepEqual(ImportedFiles.pluginTable(FileState.file(table), plugin), { sandbox_image: "x" })
    for (const state of [
      FileState.file(table.replace("grpc", "other")),
      FileState.file("x = ["),
      FileState.absent,
      FileState.link("x"),
      unreadable,
    ])
      assert.isUndefined(ImportedFiles.pluginTable(state, plugin))
  })
})

describe("files that may hide our handlers", () => {
  const hiding = (...states: ReadonlyArray<FileState.FileState>) =>
    ImportedFiles.hiding(
      states.map((state, at) => ({ path: path(`/d/${at}`), state })),
      plugin,
      main,
    )

  it("are those with the table and those that cannot be read, each by its path", () => {
    const found = hiding(FileState.file("x = 1\n"), FileState.file(table), FileState.absent, unreadable)
    assert.deepStrictEqual(
      found.map((p) => [p.code, p.path]),
      [
        ["E_IMPORT_HIDES_HANDLERS", "/d/1"],
        ["E_IMPORT_UNREADABLE", "/d/3"],
      ],
    )
    assert.include(found[0]!.remedy, `into ${main}`)
    assert.include(found[1]!.message, "no permission")
  })

  it("may be in a directory that cannot be listed: a problem on 1.x, worth saying later", () => {
    const unlisted = [{ path: path("/d"), detail: "no permission" }]
    assert.deepStrictEqual(
      ImportedFiles.unlistedProblems(unlisted).map((p) => [p.code, p.path]),
      [["E_IMPORT_UNREADABLE", "/d"]],
    )
    const [notice] = ImportedFiles.unlistedNotices(unlisted)
    assert.deepStrictEqual([notice!.code, notice!.severity], ["imports-unlisted", "info"])
    assert.match(notice!.message, /\/d,.*no permission/)
  })
})
