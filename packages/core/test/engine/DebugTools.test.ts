import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ArtifactSet, Run } from "../../src/index.ts"
import { SampleArchive } from "../../src/testing/index.ts"
import * as Node from "./SampleNode.ts"

const place = ArtifactSet.archivePath("kata-ctl")
const archive: SampleArchive.SampleArchive = [SampleArchive.file("bin/kata-ctl", "ctl", 0o755)]
const installed = "/opt/kata/bin/kata-ctl"

const host = () =>
  Node.host({
    "/etc/containerd/config.toml": 'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n',
  })

const install = (files: ReturnType<typeof host>, debug: "true" | "false") =>
  Run.run(Node.request("install", { DEBUG: debug, CONTAINER_RUNTIME_VERSION: "containerd://2.2.1" })).pipe(
    Node.on(files),
  )

const isTold = (report: { readonly notices: ReadonlyArray<{ readonly code: string }> }): boolean =>
  report.notices.some((notice) => notice.code === "debug-tool-left-out")

describe("Debug tools", () => {
  for (const [what, given] of [
    ["missing", undefined],
    ["broken", "corrupt"],
  ] as const)
    it.effect(`an archive that is ${what} is told and fails nothing`, () =>
      Effect.gen(function* () {
        const files = host()
        if (given !== undefined) files.archives.set(place, given)
        const report = yield* install(files, "true")
        assert.isTrue(isTold(report))
        assert.notProperty(files.snapshot(), installed)
      }),
    )

  it.effect("are unpacked in debug mode, and go with it", () =>
    Effect.gen(function* () {
      const files = host()
      files.archives.set(place, archive)
      assert.isFalse(isTold(yield* install(files, "true")))
      assert.property(files.snapshot(), installed)
      assert.isFalse(isTold(yield* install(files, "false")))
      assert.notProperty(files.snapshot(), installed)
    }),
  )

  it.effect("are not asked for outside of it", () =>
    Effect.gen(function* () {
      const files = host()
      files.archives.set(place, "corrupt")
      assert.isFalse(isTold(yield* install(files, "false")))
    }),
  )
})
