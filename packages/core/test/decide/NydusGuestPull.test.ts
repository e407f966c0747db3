import { describe, it } from "@effect/vitest"
import { Instance, NydusGuestPull } from "../../src/index.ts"
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
})
