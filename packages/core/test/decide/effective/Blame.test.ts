/** Which file is blamed for a daemon that does not start, on which line, and what a warning says to do about one that does. */
import { assert, describe, it } from "@effect/vitest"
import { type ContainerdVersion, HostPath } from "../../../src/index.ts"
import {
  cri,
  type Document,
  dropIn,
  images,
  loaded,
  main,
  plugin,
  root,
  runc,
  simulate,
  v16,
  v17,
  v21,
  v23,
  x,
} from "./Rows.ts"

const y = "/opt/d/y.toml"
const blamed = (
  version: ContainerdVersion.ContainerdVersion,
  document: Document | string,
  imported: Record<string, Document | string> = {},
): string => {
  const answer = simulate(version, document, imported)
  return answer._tag === "Refused" ? answer.file : "nobody"
}
const both: Document = { version: 2, imports: [x, y], plugins: cri(2, { runc }) }

describe("the file to blame", () => {
  it("is the last one that has what is wrong, not the last one that is loaded", () => {
    assert.strictEqual(blamed(v17, both, { [x]: { plugins: { mine: {} } }, [y]: {} }), x)
    assert.strictEqual(
      blamed(v17, both, { [x]: { disabled_plugins: ["cri"] }, [y]: { disabled_plugins: [] } }),
      x,
    )
    assert.strictEqual(blamed(v21, both, { [x]: { version: 3, required_plugins: ["cri"] }, [y]: {} }), x)
    assert.strictEqual(blamed(v17, { ...both, version: 3 }, { [x]: {}, [y]: {} }), root)
    assert.strictEqual(blamed(v21, both, { [x]: { version: 4 }, [y]: {} }), x)
  })

  it("is the one whose CRI table holds a value, and not one that has none", () => {
    const value = { plugins: { [plugin[2]]: { containerd: { runtimes: 1 } } } }
    const document = { version: 2, imports: [x, y] }
    assert.strictEqual(
      blamed(v23, document, { [x]: value, [y]: { plugins: { "io.containerd.x.v1.y": {} } } }),
      x,
    )
  })

  it("is the one whose value, proxy plugin, log or requirement is wrong, whatever comes after it", () => {
    const other = { "io.containerd.x.v1.y": {} }
    for (const [wrong, later] of [
      [{ plugins: { ...cri(2, { kata: { runtime_type: 5 } }), ...other } }, { plugins: other }],
      [{ proxy_plugins: { n: {} } }, { proxy_plugins: { m: { type: "snapshot" } } }],
      [{ debug: { level: "loud" } }, { plugins: other }],
      [{ debug: { format: "xml" } }, { plugins: other }],
      [{ required_plugins: [plugin[2]] }, { required_plugins: ["io.containerd.x.v1.y"] }],
    ] as const) {
      const disabled = "required_plugins" in wrong ? [plugin[2]] : []
      for (const version of [v17, v21, v23])
        assert.strictEqual(
          blamed(version, { ...both, disabled_plugins: disabled }, { [x]: wrong, [y]: later }),
          x,
          JSON.stringify(wrong),
        )
    }
  })

  it("is the one that requires what is not there, by a short name too", () => {
    for (const version of [v17, v21, v23]) {
      const document = { imports: [x, y], disabled_plugins: ["cri"] }
      assert.strictEqual(blamed(version, document, { [x]: { required_plugins: ["cri"] }, [y]: {} }), x)
    }
  })

  it("is told the place of a wrong value by the name under which it is read", () => {
    for (const [version, name] of [
      [v17, plugin[2]],
      [v21, plugin[3]],
    ] as const) {
      const answer = simulate(version, { version: 2, plugins: cri(2, { kata: { runtime_type: 5 } }) })
      assert(answer._tag === "Refused")
      assert.include(answer.why, `plugins."${name}".containerd.runtimes.kata.runtime_type`)
    }
  })

  it("is the last one with a CRI table, by whichever name, where all are migrated as a whole", () => {
    const document = { version: 2, imports: [x, y], plugins: { "io.containerd.x.v1.y": {} } }
    const rest = { plugins: { "io.containerd.x.v1.y": {} } }
    for (const name of [plugin[1], plugin[2]])
      assert.strictEqual(
        blamed(v21, document, { [x]: { plugins: { [name]: { containerd: { runtimes: 1 } } } }, [y]: rest }),
        x,
      )
  })

  it("has its line where the text is no TOML, and none where it is", () => {
    const at = simulate(v21, main(2, 2), { [x]: "a = 1\n\nb = \n" })
    assert.deepInclude(at, { _tag: "Refused", file: HostPath.make(x), line: 3 })
    const noLine = simulate(v21, main(2, 2), { [x]: { debug: { level: "loud" } } })
    assert.strictEqual(noLine._tag, "Refused")
    assert.notProperty(noLine, "line")
  })
})

describe("what 1.x takes for the full name of a plugin", () => {
  for (const [name, version, accepted] of [
    ["io.containerd.a.v1", v17, true],
    ["io.containerd.a", v17, false],
    ["com.example.a.v1", v16, true],
    ["com.example.a.v1", v17, false],
  ] as const) {
    it(`${accepted ? "is" : "is not"} ${name}, on ${version.major}.${version.minor}`, () => {
      const document = { version: 2, plugins: { ...cri(2, { runc }), [name]: {} } }
      assert.strictEqual(blamed(version, document), accepted ? "nobody" : root)
    })
  }
})

describe("an import with a pattern", () => {
  const order = (entry: string, files: ReadonlyArray<string>) =>
    loaded(
      simulate(v21, { version: 3, imports: [entry] }, Object.fromEntries(files.map((path) => [path, {}]))),
    ).order.slice(1)

  it("is taken in the order of names, directory by directory, whatever order the files are known in", () => {
    const files = ["/d/b/1.toml", "/d/a-b/2.toml", "/d/a/3.toml", "/d/a/10.toml"]
    assert.deepEqual(order("/d/*/*.toml", files), [
      "/d/a/10.toml",
      "/d/a/3.toml",
      "/d/a-b/2.toml",
      "/d/b/1.toml",
    ])
    assert.deepEqual(order("/d/*/*.toml", files.toReversed()), order("/d/*/*.toml", files))
  })

  it("matches neither above nor below its own depth", () => {
    assert.deepEqual(order("/d/*.toml", ["/d/x.toml", "/d/e/x.toml"]), ["/d/x.toml"])
    assert.deepEqual(order("/d/*/*.toml", ["/d/x.toml"]), [])
  })

  it("may have classes of characters, as long as each is closed", () => {
    assert.deepEqual(order("/d/[ab]*.toml", ["/d/a1.toml", "/d/c1.toml"]), ["/d/a1.toml"])
    assert.deepEqual(order("/d/[^ab]*.toml", ["/d/a1.toml", "/d/c1.toml"]), ["/d/c1.toml"])
    assert.deepEqual(order("/d/[a][b]*.toml", ["/d/ab.toml", "/d/a.toml"]), ["/d/ab.toml"])
    for (const entry of ["/d/*[a.toml", "/d/[]*.toml", "/[d/*.toml", "/d/[a]*[.toml"])
      assert.strictEqual(blamed(v21, { version: 3, imports: [entry] }), root, entry)
  })

  it("reads a file once, though several name it", () => {
    const answer = simulate(
      v21,
      { version: 3, imports: [x, "/opt/d/*.toml", x] },
      { [x]: { imports: [root, x] } },
    )
    assert.deepEqual<ReadonlyArray<string>>(loaded(answer).order, [root, x])
  })
})

describe("a warning", () => {
  const warning = (code: string, ...given: Parameters<typeof simulate>) =>
    loaded(simulate(...given)).warnings.filter((w) => w.code === code)

  it("says what to do where there is something to do", () => {
    const [conf] = warning(
      "containerd-conf-d-not-read",
      v21,
      { version: 3 },
      { "/etc/containerd/conf.d/a.toml": {} },
    )
    assert.include(conf!.remedy, '"/etc/containerd/conf.d/*.toml"')
    const [unknown] = warning("containerd-unknown-key", v21, { version: 3, nobody: 1 })
    assert.notProperty(unknown, "remedy")
    assert.include(unknown!.message, `nobody in ${root}`)
  })

  it("of conf.d names the files of that very directory that nobody reads", () => {
    const unread = (files: ReadonlyArray<string>) =>
      warning(
        "containerd-conf-d-not-read",
        v21,
        { version: 3, imports: ["/etc/containerd/conf.d/a.toml"] },
        Object.fromEntries(["/etc/containerd/conf.d/a.toml", ...files].map((path) => [path, {}])),
      ).map((w) => w.message.replace(/: .*/s, ""))
    assert.deepStrictEqual(unread(["/etc/containerd/x.toml", "/etc/containerd/conf.d/b.bak"]), [])
    assert.deepStrictEqual(unread(["/etc/containerd/conf.d/b.toml"]), [
      "/etc/containerd/conf.d/b.toml is not read",
    ])
    assert.deepStrictEqual(unread(["/etc/containerd/conf.d/b.toml", "/etc/containerd/conf.d/c.toml"]), [
      "/etc/containerd/conf.d/b.toml, /etc/containerd/conf.d/c.toml are not read",
    ])
  })

  it("of a table that is not read comes only where it is not read", () => {
    const unread = (...given: Parameters<typeof simulate>) =>
      warning("containerd-table-not-read", ...given).map((w) =>
        w.message.replace(/.*table (plugins\S+) of (\S+):.*/s, "$1 $2"),
      )
    assert.deepStrictEqual(unread(v17, main(1, 1, { imports: [] })), [])
    assert.deepStrictEqual(unread(v17, main(2, 2), { [x]: dropIn(3) }), [`plugins.${plugin[3]} ${x}`])
    assert.deepStrictEqual(unread(v21, main(3, 3), { [x]: dropIn(2) }), [`plugins.${plugin[2]} ${x}`])
    assert.deepStrictEqual(unread(v21, main(3, 3), { [x]: dropIn(1) }), [`plugins.cri ${x}`])
    assert.deepStrictEqual(unread(v21, main(undefined, 1), { [x]: {} }), [`plugins.cri ${root}`])
    assert.deepStrictEqual(unread(v23, main(3, 3), { [x]: dropIn(2, { version: 2 }) }), [])
    const server = { version: 3, plugins: { [plugin[2]]: { stream_server_port: "0" } } }
    assert.deepStrictEqual(unread(v21, server), [])
  })

  it("of a misspelt name comes in the images half alone", () => {
    const codes = (half: string) =>
      loaded(simulate(v21, { version: 3, plugins: { [half]: { runtime_platform: {} } } })).warnings.map(
        (w) => w.code,
      )
    assert.include(codes(images), "containerd-runtime-platform-misspelt")
    assert.deepStrictEqual(codes(plugin[3]), ["containerd-unknown-key"])
  })

  it("of images that go elsewhere names both snapshotters", () => {
    const handler = { ...runc, snapshotter: "nydus" }
    const told = (rest: Document) =>
      warning("containerd-images-not-told-snapshotter", v21, {
        version: 3,
        plugins: { ...cri(3, { "kata-x": handler }), [images]: rest },
      }).map((w) => w.message)
    assert.match(told({})[0]!, /"overlayfs".*"nydus"/)
    const platform = (snapshotter: string) => ({
      runtime_platforms: { "kata-x": { platform: "linux/amd64", snapshotter } },
    })
    assert.match(told(platform("zfs"))[0]!, /"zfs".*"nydus"/)
    assert.deepStrictEqual(told(platform("nydus")), [])
  })

  it("of images that go elsewhere comes on every 2.x, whichever of the two places is the one that says nothing", () => {
    const platform = { runtime_platforms: { "kata-x": { snapshotter: "zfs" } } }
    const told = (version: ContainerdVersion.ContainerdVersion, handler: Document, rest: Document) =>
      warning("containerd-images-not-told-snapshotter", version, {
        version: 3,
        plugins: { ...cri(3, { "kata-x": { ...runc, ...handler } }), [images]: rest },
      }).map((w) => /"(\w+)".*"(\w+)"/.exec(w.message)?.slice(1).join(" "))
    for (const version of [v21, v23]) {
      assert.deepStrictEqual(told(version, {}, platform), ["zfs overlayfs"])
      assert.deepStrictEqual(told(version, { snapshotter: "nydus" }, platform), ["zfs nydus"])
      assert.deepStrictEqual(told(version, {}, { ...platform, snapshotter: "zfs" }), [])
      assert.deepStrictEqual(told(version, { snapshotter: "overlayfs" }, {}), [])
      assert.deepStrictEqual(told(version, {}, {}), [])
    }
    assert.deepStrictEqual(told(v23, { snapshotter: "nydus" }, {}), [])
  })
})
