import { assert, describe, it } from "@effect/vitest"
import { accepted, codes, only } from "./Decoded.ts"

describe("SettingsRead", () => {
  it("takes values without the white space around them, and blank ones for unset", () => {
    const settings = accepted(
      {
        NODE_NAME: " worker-1\n",
        DAEMONSET_NAME: "  ",
        MULTI_INSTALL_SUFFIX: " dev ",
        CONTAINER_RUNTIME_VERSION: " containerd://2.1.5-k3s1 ",
        K8S_DISTRIBUTION: " ",
        DEBUG: "",
        HEALTH_PORT: " ",
        CONTAINERD_CONFIG_FILE_NAME: " ",
        INSTALLATION_PREFIX: "",
        AGENT_HTTPS_PROXY: " ",
        SNAPSHOTTER_HANDLER_MAPPING_X86_64: "",
      },
      { api: "used" },
    )
    assert.strictEqual(settings.nodeName, "worker-1")
    assert.strictEqual(settings.daemonSetName, "kata-deploy")
    assert.strictEqual(settings.instance.suffix, "dev")
    assert.strictEqual(settings.containerRuntimeVersion, "containerd://2.1.5-k3s1")
    assert.isUndefined(settings.k8sDistribution)
    assert.isFalse(settings.debug)
    assert.strictEqual(settings.healthPort, 8090)
    assert.strictEqual(settings.containerdConfigFileName, "config.toml")
    assert.strictEqual<string>(settings.instance.installDir, "/opt/kata-dev")
    assert.isUndefined(settings.httpsProxy)
    assert.deepStrictEqual([...settings.snapshotterMapping], [])
  })

  it("needs the name of the node only where the API is used", () => {
    assert.deepStrictEqual(codes({}, { api: "used" }), ["E_NODE_NAME_MISSING"])
    assert.deepStrictEqual(codes({ NODE_NAME: " " }, { api: "used" }), ["E_NODE_NAME_EMPTY"])
    assert.isUndefined(accepted({}).nodeName)
  })

  it("reads booleans and choices in any case, with one grammar", () => {
    const settings = accepted({
      DEBUG: "YES",
      DEVKIT: "on",
      EROFS_DMVERITY: "DmVerity",
      EROFS_MERGE_MODE: "UnMerged",
      EROFS_SNAPSHOTTER_MODE: "Memory",
    })
    assert.isTrue(settings.debug && settings.devkit)
    assert.deepStrictEqual(settings.erofs, { mergeMode: "unmerged", mode: "memory", dmverity: true })
    assert.deepStrictEqual(accepted({ EROFS_DMVERITY: "1" }).erofs, {
      mergeMode: "merged",
      mode: "disk",
      dmverity: true,
    })
  })

  it("shares a disk of each layer unless the export mode says otherwise", () => {
    const mode = (value: string) => accepted({ NYDUS_HS_EXPORT_MODE: value }).nydusHs.exportMode
    assert.strictEqual(accepted({}).nydusHs.exportMode, "layer_block")
    assert.strictEqual(mode(" Image_Block_With_Verity "), "image_block_with_verity")
    assert.strictEqual(mode(" "), "layer_block")
    for (const word of ["none", "layer_verity_only", "layer"])
      assert.strictEqual(only({ NYDUS_HS_EXPORT_MODE: word }).code, "E_NYDUS_HS_EXPORT_MODE")
  })

  it("normalises the host directories that it is given", () => {
    const settings = accepted({ INSTALLATION_PREFIX: "/custom//x/", CONTAINERD_CONFIG_DIR: "/etc//cd/" })
    assert.strictEqual<string>(settings.instance.installDir, "/custom/x/opt/kata")
    assert.strictEqual<string | undefined>(settings.containerdConfigDir, "/etc/cd")
    assert.deepStrictEqual(codes({ INSTALLATION_PREFIX: "/a/../b" }), ["E_PREFIX_NOT_ABSOLUTE"])
  })

  for (const name of [".", "..", "subdir/config.toml", "/etc/passwd", "config.toml/"]) {
    it(`refuses ${name} as the name of the main config`, () => {
      assert.strictEqual(only({ CONTAINERD_CONFIG_FILE_NAME: name }).code, "E_CONTAINERD_CONFIG_FILE_NAME")
    })
  }

  it("keeps a machine id that is set and blank, and reads the older name where the newer is not set", () => {
    assert.strictEqual(accepted({ NODE_MACHINE_ID: " " }).machineId, "")
    assert.strictEqual(accepted({ KATA_DEPLOY_NODE_MACHINE_ID: " abc\n" }).machineId, "abc")
    assert.strictEqual(
      accepted({ KATA_DEPLOY_NODE_MACHINE_ID: "old", NODE_MACHINE_ID: "new" }).machineId,
      "new",
    )
    assert.isUndefined(accepted({}).machineId)
  })

  it("splits lists at their own separators and drops empty items", () => {
    const settings = accepted({
      EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus, erofs,",
      STARTUP_TAINTS: " a/b:NoSchedule, c\td\n,,",
      EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: "qemu, clh,",
    })
    assert.deepStrictEqual([...settings.setupSnapshotters], ["nydus", "erofs"])
    assert.deepStrictEqual([...settings.startupTaints], ["a/b:NoSchedule", "c", "d"])
    assert.deepStrictEqual([...settings.forceGuestPull], ["qemu", "clh"])
  })

  it("allows annotations for all shims or for single ones", () => {
    assert.deepStrictEqual(
      accepted({ ALLOWED_HYPERVISOR_ANNOTATIONS_X86_64: "one :two,three qemu:four, clh:five,,six" })
        .allowedAnnotations,
      {
        all: ["one", "two", "three"],
        each: [
          { shim: "qemu", annotations: ["four"] },
          { shim: "clh", annotations: ["five", "six"] },
        ],
      },
    )
  })
})
