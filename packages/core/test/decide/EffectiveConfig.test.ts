/** What does containerd make of a root and its drop-ins? The facts row by row are in effective/. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { stringify } from "smol-toml"
import { type ContainerdVersion, EffectiveConfig, HostPath } from "../../src/index.ts"
import {
  codes,
  cri,
  dropIn,
  every,
  images,
  inShort,
  kata,
  loaded,
  main,
  root,
  runc,
  simulate,
  v16,
  v17,
  v21,
  v23,
  x,
} from "./effective/Rows.ts"

describe("EffectiveConfig", () => {
  it("tells the line of what is no TOML", () => {
    const answer = simulate(v21, "version = 2\nimports = [\n")
    assert.isTrue(answer._tag === "Refused" && answer.line !== undefined)
  })

  it("loads nothing where there is no root, not even conf.d (M8)", () => {
    const answer = EffectiveConfig.simulate({
      root,
      version: { major: 2, minor: 2 },
      files: new Map([[HostPath.make("/etc/containerd/conf.d/a.toml"), stringify(dropIn(3))]]),
    })
    assert.strictEqual(inShort(answer), "runc")
    assert.deepStrictEqual(codes(answer), ["containerd-conf-d-not-read"])
  })

  it("says which file comes when: the root, its imports by name, then theirs", () => {
    const answer = simulate(
      v21,
      { version: 2, imports: ["/opt/d/*.toml", "/opt/e/a.toml"] },
      {
        "/opt/d/zz.toml": {},
        "/opt/d/b.toml": { imports: ["/opt/e/z.toml"] },
        "/opt/e/a.toml": {},
        "/opt/e/z.toml": {},
      },
    )
    assert.deepStrictEqual(
      loaded(answer).order,
      [root, "/opt/d/b.toml", "/opt/d/zz.toml", "/opt/e/a.toml", "/opt/e/z.toml"].map(HostPath.make),
    )
  })

  it("the later file wins, but an empty value at the top does not count", () => {
    for (const version of every) {
      const answer = simulate(version, main(2, 2, { debug: { level: "warn" } }), {
        [x]: { debug: { level: "" } },
      })
      assert.strictEqual(loaded(answer).logLevel, "warn")
      const over = simulate(version, main(2, 2, { debug: { level: "warn" } }), {
        [x]: { debug: { level: "debug" } },
      })
      assert.strictEqual(loaded(over).logLevel, "debug")
    }
    assert.strictEqual(loaded(simulate(v21, "")).logLevel, "info")
  })

  it("arrays and options within a handler: replaced and merged on 2.x", () => {
    const answer = loaded(
      simulate(v21, main(2, 2), { [x]: { plugins: cri(2, { runc: { options: { BinaryName: "crun" } } }) } }),
    )
    assert.deepStrictEqual(answer.handlers["runc"]?.options, { SystemdCgroup: true, BinaryName: "crun" })
  })

  it("a schema 3 table keeps the root's schema 2 handlers from being migrated, and runc loses SystemdCgroup", () => {
    const answer = loaded(simulate(v21, main(2, 2), { [x]: dropIn(3) }))
    assert.deepStrictEqual(answer.handlers["runc"]?.options, {})
    assert.include(codes(answer), "containerd-handlers-not-migrated")
  })

  it("tells the proxy plugins and the snapshotters without what is disabled", () => {
    const answer = loaded(
      simulate(v21, {
        version: 2,
        disabled_plugins: ["io.containerd.snapshotter.v1.zfs"],
        proxy_plugins: { nydus: { type: "snapshot" }, store: { type: "content" } },
      }),
    )
    assert.deepStrictEqual(answer.proxies, { nydus: "snapshot", store: "content" })
    assert.include(answer.snapshotters, "nydus")
    assert.notInclude(answer.snapshotters, "store")
    assert.notInclude(answer.snapshotters, "zfs")
  })

  it("where images of a handler go: into its own snapshotter on 1.7 and 2.3, where the images plugin says between (M7)", () => {
    const document = { version: 2, plugins: cri(2, { runc, k: { ...kata, snapshotter: "native" } }) }
    const of = (version: ContainerdVersion.ContainerdVersion) =>
      loaded(simulate(version, document)).handlers["k"]?.imageSnapshotter
    assert.deepStrictEqual([v16, v17, v21, v23].map(of), ["", "native", "", "native"])
    assert.include(codes(simulate(v21, document)), "containerd-images-not-told-snapshotter")
    const told = {
      ...document,
      plugins: { ...document.plugins, [images]: { runtime_platforms: { k: { snapshotter: "native" } } } },
    }
    assert.strictEqual(loaded(simulate(v21, told)).handlers["k"]?.imageSnapshotter, "native")
    assert.deepStrictEqual(codes(simulate(v21, told)), [])
  })

  it("where images of a handler go on 2.3: into the default snapshotter, where its platform is told and no snapshotter", () => {
    const document = {
      version: 3,
      plugins: {
        ...cri(3, { runc, k: { ...kata, snapshotter: "native" } }),
        [images]: { runtime_platforms: { k: { platform: "linux/amd64" } } },
      },
    }
    assert.strictEqual(loaded(simulate(v23, document)).handlers["k"]?.imageSnapshotter, "")
  })
})

describe("EffectiveConfig, whatever the files", () => {
  const paths = ["/etc/containerd/config.toml", "/opt/d/a.toml", "/opt/d/b.toml", "/opt/d/c.toml"]
  const file = fc.record({
    imports: fc.subarray([...paths, "/opt/d/*.toml", "b.toml"]),
    version: fc.constant(2),
    debug: fc.record({ level: fc.constantFrom("debug", "info") }),
    plugins: fc.constantFrom(cri(2, { runc }), cri(2, { runc, "kata-qemu": kata }), {}),
  })
  const files = fc
    .tuple(file, file, file, file)
    .map((all) => paths.map((path, at) => [path, stringify(all[at]!)] as const))
  const release = fc.constantFrom(...every)
  const ask = (
    entries: ReadonlyArray<readonly [string, string]>,
    version: ContainerdVersion.ContainerdVersion,
  ) =>
    EffectiveConfig.simulate({
      root,
      version,
      files: new Map(entries.map(([p, t]) => [HostPath.make(p), t])),
    })

  it("cycles of imports end, and no file is loaded twice", () => {
    fc.assert(
      fc.property(files, release, (entries, version) => {
        const answer = ask(entries, version)
        if (answer._tag === "Refused") return
        assert.strictEqual(new Set(answer.order).size, answer.order.length)
      }),
    )
  })

  it("the order in which files are handed over makes no difference", () => {
    fc.assert(
      fc.property(
        files,
        release,
        fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
        (entries, version, keys) => {
          const shuffled = entries.map((e, at) => [keys[at]!, e] as const).sort(([a], [b]) => a - b)
          assert.deepStrictEqual(
            ask(
              shuffled.map(([, e]) => e),
              version,
            ),
            ask(entries, version),
          )
        },
      ),
    )
  })

  it("a table says the same as its text", () => {
    fc.assert(
      fc.property(file, release, (document, version) => {
        const only = { ...document, imports: [] }
        const asTable = EffectiveConfig.simulate({ root, version, files: new Map([[root, only]]) })
        assert.deepStrictEqual(asTable, ask([[root, stringify(only)]], version))
      }),
    )
  })
})
