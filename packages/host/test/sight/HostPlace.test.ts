import { assert, describe, it } from "@effect/vitest"
import { HostLayout, HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import { follow } from "../../src/sight/HostPlace.ts"
import * as SampleRoot from "./SampleRoot.ts"

const link = (target: string) => new SampleRoot.LinkTo(target)

describe("the place of a host path", () => {
  it.effect("is below the root, every link followed as if the root were /", () =>
    Effect.gen(function* () {
      const root = yield* SampleRoot.make({
        "usr/sbin/mkfs.erofs": "x",
        sbin: link("usr/sbin"),
        absolute: link("/usr"),
        above: link("../../../../../../usr/sbin"),
        loop: link("loop"),
      })
      const layout = HostLayout.wholeRoot(root)
      const at = (path: string) => follow(layout, HostPath.make(path))
      const found = { _tag: "At", host: "/usr/sbin/mkfs.erofs", seen: `${root}/usr/sbin/mkfs.erofs` }
      for (const path of [
        "/usr/sbin/mkfs.erofs",
        "/sbin/mkfs.erofs",
        "/absolute/sbin/mkfs.erofs",
        "/above/mkfs.erofs",
      ])
        assert.deepStrictEqual(at(path), found as typeof found & { host: HostPath.HostPath; _tag: "At" })
      assert.strictEqual(at("/sbin/mkfs.ext4")._tag, "Absent")
      assert.strictEqual(at("/usr/sbin/mkfs.erofs/below")._tag, "Absent")
      assert.deepInclude(at("/loop"), { _tag: "Failed", code: "ELOOP" })
    }),
  )

  it.effect("is out of sight where nothing is mounted, also behind a link out of a mount", () =>
    Effect.gen(function* () {
      const root = yield* SampleRoot.make({
        "bin/tool": "x",
        "bin/elsewhere": link("/etc/alternatives/tool"),
      })
      const layout: HostLayout.HostLayout = {
        mounts: [
          { host: HostPath.make("/usr/bin"), seen: `${root}/bin` },
          { host: HostPath.make("/etc/machine-id"), seen: `${root}/not-mounted` },
        ],
      }
      const at = (path: string) => follow(layout, HostPath.make(path))._tag
      assert.strictEqual(at("/usr/bin/tool"), "At")
      assert.strictEqual(at("/usr/bin/other"), "Absent")
      assert.strictEqual(at("/usr/bin/elsewhere"), "OutOfSight")
      assert.strictEqual(at("/etc/machine-id"), "OutOfSight")
      assert.strictEqual(at("/etc/passwd"), "OutOfSight")
    }),
  )
})
