/** What is accepted without doing what was meant? */
import { assert, describe, it } from "@effect/vitest"
import type { ContainerdVersion } from "../../../src/index.ts"
import {
  type Document,
  codes,
  cri,
  dropIn,
  every,
  first,
  images,
  main,
  plugin,
  runc,
  second,
  simulate,
  v16,
  v17,
  v21,
  v23,
  v24,
  x,
} from "./Rows.ts"

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
    for (const version of [v16, v17, v21])
      assert.deepStrictEqual(codes(simulate(version, { version: 2 })), [])
  })
})
