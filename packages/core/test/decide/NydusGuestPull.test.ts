import { assert, describe, it } from "@effect/vitest"
import { FileState, HostPath, Instance, Ledger, NydusGuestPull, Ownership } from "../../src/index.ts"
import { meaning, same } from "../Sample.ts"

describe("NydusGuestPull", () => {
  it("pulls inside the guest with a root and a socket of its own", () => {
    same(meaning(NydusGuestPull.configText(Instance.make({ prefix: undefined, suffix: "dev" }))), {
      version: 1,
      root: "/var/lib/nydus-for-kata-tee-dev",
      address: "/run/nydus-for-kata-tee-dev/containerd-nydus-grpc.sock",
      daemon: { fs_driver: "proxy" },
      snapshot: {
        enable_kata_volume: true,
        nydus_overlayfs_path: "/opt/kata-dev/nydus-for-kata-tee/nydus-overlayfs",
      },
    })
  })

  it("says in its first line whose it is, which is how a later run knows it", () => {
    const text = NydusGuestPull.configText(Instance.make({ prefix: undefined, suffix: undefined }))
    const at = HostPath.make("/opt/kata/nydus-for-kata-tee/config-guest-pulling.toml")
    const ours = Ownership.ours(Ledger.empty("default", "1", "containerd"))
    assert.isTrue(ours(at, FileState.file(text), FileState.file("newer")))
  })
})
