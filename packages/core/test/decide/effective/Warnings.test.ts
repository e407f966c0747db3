/** What is accepted without doing what was meant? */
import { assert, describe, it } from "@effect/vitest"
import type { ContainerdVersion } from "../../../src/index.ts"
import {
  type Document,
  codes,
  cri,
  dropIn,
  first,
  images,
  main,
  plugin,
  runc,
  simulate,
  v16,
  v17,
  v21,
  v23,
  x,
} from "./Rows.ts"

describe("Warnings", () => {
  const warns = (
    name: string,
    code: string,
    version: ContainerdVersion.ContainerdVersion,
    document: Document,
    imported: Record<string, Document> = {},
  ) => it(name, () => assert.include(codes(simulate(version, document, imported)), code))

  warns("of a release that was never run beside it", "effective-config-unverified", v23, { version: 3 })
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
