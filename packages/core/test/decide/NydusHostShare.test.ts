import { assert, describe, it } from "@effect/vitest"
import { Instance, NydusHostShare, SettingsTable } from "../../src/index.ts"
import { meaning, same } from "../Sample.ts"

const dev = Instance.make({ prefix: undefined, suffix: "dev" })

describe("NydusHostShare", () => {
  for (const exportMode of SettingsTable.exportModes)
    it(`makes disks for guests in the mode ${exportMode}, with a root and a socket of its own`, () => {
      same(meaning(NydusHostShare.configText(dev, { exportMode })), {
        version: 1,
        root: "/var/lib/nydus-for-kata-hs-dev",
        address: "/run/nydus-for-kata-hs-dev/containerd-nydus-grpc.sock",
        daemon_mode: "none",
        system: { enable: false },
        daemon: {
          fs_driver: "blockdev",
          nydusimage_path: "/opt/kata-dev/nydus-for-kata-hs/nydus-image",
        },
        snapshot: {
          enable_kata_volume: true,
          nydus_overlayfs_path: "/opt/kata-dev/nydus-for-kata-hs/nydus-overlayfs",
        },
        experimental: {
          tarfs: { enable_tarfs: true, mount_tarfs_on_host: false, export_mode: exportMode },
        },
      })
    })

  it("asks guests for dm-verity only where there are hash trees", () => {
    for (const exportMode of SettingsTable.exportModes) {
      const { message } = NydusHostShare.guestNotice({ exportMode })
      assert.include(message, "udev")
      assert.strictEqual(message.includes("dm-verity"), exportMode.includes("verity"), exportMode)
    }
  })
})
