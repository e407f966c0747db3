import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { ArtifactSet, FileState } from "../../src/index.ts"
import { settings } from "../Sample.ts"

const manifest = {
  shims: {
    qemu: { x86_64: ["shim-v2-go", "qemu", "kernel"], aarch64: ["other"] },
    clh: { x86_64: ["shim-v2-go", "cloud-hypervisor", "kernel"] },
    "qemu-runtime-rs": { x86_64: [] },
  },
}

const parse = (state: FileState.FileState) => ArtifactSet.parseManifest(state, "/artifacts")
const select = (...given: Parameters<typeof settings>) => ArtifactSet.select(manifest, settings(...given))

describe("ArtifactSet", () => {
  it("takes the components of every shim, sorted and each once", () => {
    assert.deepStrictEqual(
      [...select({ SHIMS_X86_64: "qemu clh" }).components],
      ["cloud-hypervisor", "kernel", "qemu", "shim-v2-go"],
    )
  })

  it("takes those of a custom runtime's base, even when the base is not enabled", () => {
    const { components } = select(
      { CUSTOM_RUNTIMES_ENABLED: "true", SHIMS_X86_64: " " },
      { "custom-runtimes.list": "kata-a:clh" },
    )
    assert.deepStrictEqual([...components], ["cloud-hypervisor", "kernel", "shim-v2-go"])
  })

  it("adds the developer image for the devkit, and kata-ctl for debugging if it is there", () => {
    assert.deepStrictEqual([...select({}).optional], [])
    const debug = select({ DEBUG: "true" })
    assert.deepStrictEqual([...debug.optional], ["kata-ctl"])
    assert.notInclude(debug.components, "rootfs-image-devkit-extension")
    assert.include(select({ DEBUG: "true", DEVKIT: "true" }).components, "rootfs-image-devkit-extension")
  })

  it("warns of a shim that the manifest has nothing for on this architecture", () => {
    const { notices } = select({ SHIMS_X86_64: "qemu fc" })
    assert.deepStrictEqual(
      notices.map((n) => n.code),
      ["shim-without-components"],
    )
    assert.include(notices[0]!.message, "fc on x86_64")
    assert.deepStrictEqual(select({ SHIMS_X86_64: "qemu-runtime-rs" }).notices, [])
  })

  it("reads the manifest and ignores members that are no strings", () => {
    const text = JSON.stringify({
      version: 1,
      shims: { qemu: { x86_64: ["a", 1, null, "b"], y: "no" }, z: 1, l: [] },
    })
    assert.deepStrictEqual(Result.getOrThrow(parse(FileState.file(text))), {
      shims: { qemu: { x86_64: ["a", "b"], y: [] }, z: {}, l: {} },
    })
  })

  for (const [what, state] of [
    ["is missing", FileState.absent],
    ["cannot be read", { _tag: "Unreadable", why: "denied", detail: "x" }],
    ["is no JSON", FileState.file("{")],
    ["has no shims", FileState.file("{}")],
    ["is an array", FileState.file("[]")],
    ["is null", FileState.file("null")],
    ["is a word", FileState.file('"shims"')],
    ["has null for shims", FileState.file('{"shims": null}')],
    ["has a word for shims", FileState.file('{"shims": "qemu"}')],
    ["has shims of another shape", FileState.file('{"shims": []}')],
  ] as const) {
    it(`refuses a manifest that ${what}`, () => {
      const { problems } = Result.getOrThrow(Result.flip(parse(state)))
      assert.deepStrictEqual(
        problems.map((p) => [p.code, p.path]),
        [["E_MANIFEST", "/artifacts/shim-components.json"]],
      )
    })
  }

  it("tells a manifest that is missing from one that cannot be read or understood", () => {
    const says = (state: FileState.FileState) =>
      Result.getOrThrow(Result.flip(parse(state))).problems[0]!.message
    const messages = [FileState.absent, FileState.directory(), FileState.file("{")].map(says)
    assert.strictEqual(new Set(messages).size, 3)
    assert.include(messages[0], "is missing")
    assert.include(messages[1], "cannot be read")
  })

  it("names every archive that is missing, by its place", () => {
    assert.deepStrictEqual(
      ArtifactSet.missing(["kernel", "qemu"], "/artifacts").map((p) => [p.code, p.value, p.path]),
      [
        ["E_TARBALL_MISSING", "kernel", "/artifacts/tarballs/kata-static-kernel.tar.zst"],
        ["E_TARBALL_MISSING", "qemu", "/artifacts/tarballs/kata-static-qemu.tar.zst"],
      ],
    )
  })
})
