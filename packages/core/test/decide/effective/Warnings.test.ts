/** What is accepted without doing what was meant? */
import { assert, describe, it } from "@effect/vitest"
import { type ContainerdVersion, EffectiveConfig, HostPath } from "../../../src/index.ts"
import {
  type Document,
  codes,
  cri,
  dropIn,
  every,
  first,
  images,
  loaded,
  main,
  plugin,
  root,
  runc,
  second,
  simulate,
  v16,
  v21,
  v23,
  v24,
  x,
} from "./Rows.ts"

const y = "/opt/d/y.toml"
const messages = (code: string, ...given: Parameters<typeof simulate>) =>
  loaded(simulate(...given)).warnings.flatMap((w) => (w.code === code ? [w.message] : []))

/** A release that nobody has seen. */
const v25 = { major: 2, minor: 5 }

describe("Warnings", () => {
  const warns = (
    name: string,
    code: string,
    version: ContainerdVersion.ContainerdVersion,
    document: Document,
    imported: Record<string, Document> = {},
  ) => it(name, () => assert.include(codes(simulate(version, document, imported)), code))

  warns("of a release that was never run beside it", "effective-config-unverified", v25, { version: 3 })

  it("of a release before 1.6, which counts as 1.6 unseen", () => {
    const v15 = { major: 1, minor: 5 }
    const document = { version: 2, imports: ["d/*.toml"] }
    assert.deepStrictEqual(codes(simulate(v15, document)), [
      "effective-config-unverified",
      ...codes(simulate(v16, document)),
    ])
  })

  it("of no measured release that it was not", () => {
    for (const version of every) {
      const answer = simulate(version, { version: 2, plugins: cri(2, { runc }) })
      assert.notInclude(codes(answer), "effective-config-unverified")
    }
  })

  warns(
    "of a drop-in newer than the root, at which the first 2.3 stop",
    "containerd-newer-drop-in",
    v23,
    main(2, 2),
    {
      [x]: { version: 3 },
    },
  )

  it("of a newer drop-in names it, and the first file that declares a version", () => {
    const newer = (declared: Readonly<Record<string, number>>, root?: number) => {
      const imported = Object.fromEntries([x, y].map((path) => [path, { version: declared[path] ?? 0 }]))
      const document = { ...main(root, 2), imports: [x, y] }
      return messages("containerd-newer-drop-in", v23, document, imported).map((message) =>
        message.match(/\/[\w/]+\.toml/g),
      )
    }
    assert.deepStrictEqual(newer({ [x]: 2, [y]: 3 }), [[y, x]])
    assert.deepStrictEqual(newer({ [x]: 3, [y]: 2 }, 2), [[x, root]])
    assert.deepStrictEqual(newer({}), [])
  })

  it("of no newer drop-in on 2.4, nor on 2.3 of one that is not newer, or the first with a version", () => {
    const newer = simulate(v24, main(2, 2), { [x]: { version: 3 } })
    const equal = simulate(v23, main(2, 2), { [x]: { version: 2 } })
    const first = simulate(v23, main(undefined, 2), { [x]: { version: 3 } })
    const found = [newer, equal, first].flatMap(codes)
    assert.notInclude(found, "containerd-newer-drop-in")
  })

  it("of a key only on the lines that do not know it", () => {
    const keyOf = (version: ContainerdVersion.ContainerdVersion, document: Document) =>
      codes(simulate(version, { version: 3, ...document })).includes("containerd-unknown-key")
    const runtime = (table: Document): Document => ({ plugins: { [plugin[3]]: table } })
    const rows: ReadonlyArray<readonly [Document, ReadonlyArray<boolean>]> = [
      [runtime({ cni: { bin_dir: "/opt/x" } }), [false, false, true]],
      [runtime({ enable_cdi: true }), [false, false, true]],
      [runtime({ stats_collect_period: "5s" }), [true, false, false]],
      [{ plugins: cri(3, { runc: { ...runc, disable_pause_image_pull: true } }) }, [true, true, false]],
      [{ debug: { log_trace_id: true } }, [true, false, false]],
    ]
    for (const [document, unknown] of rows)
      assert.deepStrictEqual(
        second.map((version) => keyOf(version, document)),
        unknown,
        JSON.stringify(document),
      )
  })

  it("of no key that a migration drops", () => {
    const document = {
      version: 2,
      plugins: { [plugin[2]]: { enable_cdi: true, cni: { bin_dir: "/opt/x" } } },
    }
    for (const version of second)
      assert.notInclude(codes(simulate(version, document)), "containerd-unknown-key")
  })
  warns("of a relative glob on 1.6", "containerd-relative-glob-ignored", v16, {
    version: 2,
    imports: ["d/*.toml"],
  })
  it("of a relative glob on 1.6 names it and its file", () => {
    const [message] = messages("containerd-relative-glob-ignored", v16, { version: 2, imports: ["d/*.toml"] })
    assert.include(message, '"d/*.toml"')
    assert.include(message, root)
  })

  it("of a conf.d tells a root that does not import it from one that is not there", () => {
    const unread = "/etc/containerd/conf.d/a.toml"
    const files = new Map([[HostPath.make(unread), ""]])
    const without = EffectiveConfig.simulate({ root: HostPath.make(root), version: v21, files })
    const [missing] = loaded(without).warnings
    const [silent] = messages("containerd-conf-d-not-read", v21, { version: 3 }, { [unread]: {} })
    assert.match(missing!.message, /does not exist/)
    assert.match(silent!, /does not import/)
  })

  warns(
    "of a conf.d that is not imported (M8)",
    "containerd-conf-d-not-read",
    v21,
    { version: 3 },
    {
      "/etc/containerd/conf.d/a.toml": {},
    },
  )
  warns("of tables of schema 3 on 1.6", "containerd-table-not-read", v16, main(2, 2), { [x]: dropIn(3) })
  warns("of a root that is not migrated (M4)", "containerd-table-not-read", v21, main(2, 2), {
    [x]: { version: 3 },
  })
  warns("of runtime_platform (M7)", "containerd-runtime-platform-misspelt", v21, {
    version: 3,
    plugins: { [images]: { runtime_platform: {} } },
  })
  warns("of disable_snapshot_annotations in the wrong half (M10)", "containerd-unknown-key", v21, {
    version: 3,
    plugins: { [plugin[3]]: { disable_snapshot_annotations: false } },
  })
  warns("of the log level among the server's plugins (M11)", "containerd-log-level-misplaced", v23, {
    version: 4,
    plugins: { "io.containerd.server.v1.debug": { level: "debug" } },
  })
  warns("of an unknown key at the top on 2.x", "containerd-unknown-key", v21, { version: 3, flavour: 1 })
  warns("of an unknown key of a handler on 2.x", "containerd-unknown-key", v21, {
    version: 3,
    plugins: cri(3, { runc: { ...runc, flavour: 1 } }),
  })

  it("of an unknown key says where it is, each of them", () => {
    const handlers = { a: { ...runc, flavour: 1, options: { any: 1 } }, b: { ...runc, taste: { x: 1 } } }
    const document = { version: 3, plugins: cri(3, handlers, { colour: 1 }), debug: { sound: 1 } }
    const keys = messages("containerd-unknown-key", v21, document).map((m) => m.match(/over (\S+) in/)![1])
    assert.sameMembers(keys, [
      "debug.sound",
      "containerd.colour",
      "containerd.runtimes.a.flavour",
      "containerd.runtimes.b.taste",
    ])
  })

  it("of handlers that are not migrated, where one file alone has them in both schemas", () => {
    const own = { plugins: { ...cri(2, { runc }), ...cri(3, { runc }) } }
    for (const version of second) {
      const document = { version: 2, imports: [x], ...own }
      assert.include(codes(simulate(version, document, { [x]: {} })), "containerd-handlers-not-migrated")
    }
  })

  it("is one, and only information where nothing is wrong with the files", () => {
    const severity = (...given: Parameters<typeof simulate>) =>
      loaded(simulate(...given)).warnings.map((w) => w.severity)
    assert.deepStrictEqual(severity(v21, { version: 3, flavour: 1 }), ["warning"])
    assert.deepStrictEqual(severity(v25, { version: 3 }), ["info"])
  })

  it("of no unknown key on 1.x, as the daemon does not", () => {
    for (const version of first) {
      const answer = simulate(version, {
        version: 2,
        flavour: 1,
        plugins: cri(2, { runc: { ...runc, flavour: 1 } }),
      })
      assert.deepStrictEqual(codes(answer), [])
    }
  })

  it("of nothing where all is well", () => {
    for (const version of every) assert.deepStrictEqual(codes(simulate(version, { version: 2 })), [])
  })
})
