import { assert, describe, it } from "@effect/vitest"
import { accepted, codes, custom, enabled, names, only, problems } from "./Decoded.ts"

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

    it("and shims are refused with a drop-in that Kata's runtime could not read", () => {
      const broken = { "dropin-kata-gpu.toml": "[a\n", "dropin-qemu.toml": "a = \n", "dropin-fc.toml": "[" }
      const found = problems(enabled, custom("kata-gpu:qemu\n", broken))
      assert.deepStrictEqual(
        found.map(({ code, path }) => [code, path]),
        [
          ["E_CUSTOM_DROP_IN", "/custom-configs/dropin-qemu.toml"],
          ["E_CUSTOM_DROP_IN", "/custom-configs/dropin-kata-gpu.toml"],
        ],
      )
      const unreadable = new Map([["dropin-clh.toml", "it is not UTF-8 text"]])
      const problem = only({}, { customConfigs: { _tag: "Files", files: new Map(), unreadable } })
      assert.include(problem.message, "cannot be used (it is not UTF-8 text), and no pod of clh would start")
    })

    it("that somebody broke since do not keep anything from being taken away", () => {
      const relaxed = { customFiles: "best-effort" } as const
      const none = { customConfigs: { _tag: "Unreadable", why: "no permission" }, ...relaxed } as const
      const blank = { ...enabled, SHIMS_X86_64: "" }
      assert.deepStrictEqual(codes(blank, none), [])
      assert.deepStrictEqual(codes(enabled, { ...custom("kata-clh:qemu\nb:\n"), ...relaxed }), [])
      assert.deepStrictEqual(codes({}, { ...custom("", { "dropin-qemu.toml": "[" }), ...relaxed }), [])
      assert.deepStrictEqual(codes({ SHIMS_X86_64: "" }, relaxed), ["E_NO_RUNTIMES"])
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
