import { assert, describe, it } from "@effect/vitest"
import { CrioDropIn, type Desired, FileState } from "../../src/index.ts"
import { meaning as parsed, same, settings, type Tree } from "../Sample.ts"

const meaning = (desired: Desired.Desired): Tree => parsed(FileState.textOf(desired.state)!)

const shims = "qemu qemu-coco-dev-runtime-rs"
const pull = { SHIMS_X86_64: shims, PULL_TYPE_MAPPING_X86_64: "qemu-coco-dev-runtime-rs:guest-pull" }

describe("CrioDropIn", () => {
  it("has one table for each handler, and pulls images in the guest where that is mapped", () => {
    const [file, ...rest] = CrioDropIn.desired(settings(pull), "1.2.3")
    assert.deepStrictEqual(rest, [])
    assert.strictEqual<string>(file!.path, "/etc/crio/crio.conf.d/99-kata-deploy")
    const common = { runtime_type: "vm", runtime_root: "/run/vc", privileged_without_host_devices: true }
    const defaults = "/opt/kata/share/defaults/kata-containers"
    same(meaning(file!), {
      crio: {
        storage_option: ["overlay.skip_mount_home=true"],
        runtime: {
          runtimes: {
            "kata-qemu": {
              ...common,
              runtime_path: "/opt/kata/bin/containerd-shim-kata-v2",
              runtime_config_path: `${defaults}/runtimes/qemu/configuration-qemu.toml`,
            },
            "kata-qemu-coco-dev-runtime-rs": {
              ...common,
              runtime_path: "/opt/kata/runtime-rs/bin/containerd-shim-kata-v2",
              runtime_config_path: `${defaults}/runtime-rs/runtimes/qemu-coco-dev-runtime-rs/configuration-qemu-coco-dev-runtime-rs.toml`,
              runtime_pull_image: true,
            },
          },
        },
      },
    })
  })

  it("asks for debug logs in a file of its own, and adds a table for each variant", () => {
    const [runtimes, debug] = CrioDropIn.desired(settings({ DEBUG: "true" }), "1.2.3")
    assert.strictEqual<string>(debug!.path, "/etc/crio/crio.conf.d/100-debug")
    same(meaning(debug!), { crio: { runtime: { log_level: "debug" } } })
    const tables = meaning(runtimes!).crio!.runtime!.runtimes!
    assert.deepStrictEqual(Object.keys(tables), ["kata-qemu", "kata-qemu-debug"])
    assert.strictEqual<unknown>(
      tables["kata-qemu-debug"]!.runtime_config_path,
      "/opt/kata/share/defaults/kata-containers/custom-runtimes/kata-qemu-debug/configuration-qemu.toml",
    )
  })

  it("has the instance in both names, since instances share the directory", () => {
    const paths = CrioDropIn.desired(settings({ DEBUG: "true", MULTI_INSTALL_SUFFIX: "dev" }), "1").map(
      (d) => d.path,
    )
    assert.deepStrictEqual<ReadonlyArray<string>>(paths, [
      "/etc/crio/crio.conf.d/99-kata-deploy-dev",
      "/etc/crio/crio.conf.d/100-debug-dev",
    ])
  })

  it("takes other pull types for none", () => {
    const [file] = CrioDropIn.desired(settings({ PULL_TYPE_MAPPING_X86_64: "qemu:host" }), "1")
    assert.notProperty(meaning(file!).crio!.runtime!.runtimes!["kata-qemu"], "runtime_pull_image")
  })

  it("does not look at forced guest pull, which is a matter of Kata's configuration", () => {
    const [file] = CrioDropIn.desired(settings({ EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: "qemu" }), "1")
    assert.notProperty(meaning(file!).crio!.runtime!.runtimes!["kata-qemu"], "runtime_pull_image")
  })

  it("tells whose file it is", () => {
    const [file] = CrioDropIn.desired(settings({ MULTI_INSTALL_SUFFIX: "dev" }), "1.2.3")
    assert.match(
      FileState.textOf(file!.state)!,
      /^# Written by kata-deploy 1\.2\.3 for the instance dev: .*CRI-O/,
    )
  })
})
