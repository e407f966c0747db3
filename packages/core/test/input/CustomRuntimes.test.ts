import { assert, describe, it } from "@effect/vitest"
import { accepted, codes, custom, enabled, names, only } from "./Decoded.ts"

describe("CustomRuntimes", () => {
  describe("custom runtimes", () => {
    it("are read with trimmed fields, comments and blank lines skipped", () => {
      const list =
        "# mine\n\nkata-gpu:qemu-nvidia-gpu:nydus:guest-pull\r\n  kata-two : qemu  \nkata-three:clh::\n:qemu::\nkata-four:fc:a:b:c:d\n"
      const { customRuntimes } = accepted(enabled, custom(list, { "dropin-kata-gpu.toml": "[a]\n" }))
      assert.deepStrictEqual(
        customRuntimes.map((c) => [c.handler, c.base, c.snapshotter, c.pullType, c.dropIn]),
        [
          ["kata-gpu", "qemu-nvidia-gpu", "nydus", "guest-pull", "[a]\n"],
          ["kata-two", "qemu", undefined, undefined, undefined],
          ["kata-three", "clh", undefined, undefined, undefined],
          ["kata-four", "fc", "a", "b", undefined],
        ],
      )
    })

    for (const [what, list, code] of [
      ["without a base", "kata-gpu::\n", "E_CUSTOM_RUNTIME_WITHOUT_BASE"],
      ["on an unknown base", "kata-gpu:stratovirt\n", "E_UNKNOWN_SHIM"],
      ["on a base that leaves its directory", "kata-gpu:qemu/../x\n", "E_UNKNOWN_SHIM"],
      ["with a dot in its name", "kata.gpu:qemu\n", "E_CUSTOM_RUNTIME_NAME"],
      ["with a slash in its name", "../gpu:qemu\n", "E_CUSTOM_RUNTIME_NAME"],
      ["that is there twice", "kata-gpu:qemu\nkata-gpu:clh\n", "E_HANDLER_COLLISION"],
      ["named like an enabled shim's handler", "kata-clh:qemu\n", "E_HANDLER_COLLISION"],
      ["named like the runtime's default handler", "runc:qemu\n", "E_CUSTOM_RUNTIME_NAME"],
    ] as const) {
      it(`are refused ${what}`, () => {
        const problem = only(enabled, custom(list))
        assert.strictEqual(problem.code, code)
        assert.strictEqual(problem.setting, "CUSTOM_RUNTIMES_ENABLED")
      })
    }

    it("report every bad line", () => {
      assert.deepStrictEqual(codes(enabled, custom("a:\nB:qemu\nc:d\n")), [
        "E_CUSTOM_RUNTIME_WITHOUT_BASE",
        "E_CUSTOM_RUNTIME_NAME",
        "E_UNKNOWN_SHIM",
      ])
    })

    it("fail when their list is missing or cannot be read, and only when they are enabled", () => {
      const unreadable = { customConfigs: { _tag: "Unreadable", why: "no permission" } } as const
      assert.strictEqual(only(enabled).code, "E_CUSTOM_RUNTIMES_LIST")
      assert.include(only(enabled, unreadable).message, "no permission")
      assert.deepStrictEqual(codes({}, unreadable), [])
      assert.deepStrictEqual(names(accepted({}, custom("kata-mine:qemu"))), ["kata-qemu", "kata-clh"])
    })
  })
})
