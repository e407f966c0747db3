import { assert, describe, it } from "@effect/vitest"
import { accepted, codes, custom, enabled, names, only, problems } from "./Decoded.ts"

describe("SettingsChecks", () => {
  for (const [variable, value, named] of [
    ["ALLOWED_HYPERVISOR_ANNOTATIONS", "all qemu:a fc:b", "fc"],
    ["SNAPSHOTTER_HANDLER_MAPPING", "qemu:nydus,fc:nydus", "fc"],
    ["PULL_TYPE_MAPPING", "clh:guest-pull,qmeu:guest-pull", "qmeu"],
    ["EXPERIMENTAL_FORCE_GUEST_PULL", "qemu, dragonball", "dragonball"],
  ] as const) {
    it(`refuses ${variable} of a shim that is not enabled`, () => {
      const problem = only({ [`${variable}_X86_64`]: value })
      assert.strictEqual(problem.code, `E_UNKNOWN_SHIM_IN_${variable}`)
      assert.strictEqual(problem.setting, `${variable}_X86_64`)
      assert.strictEqual(problem.value, named)
      assert.include(problem.remedy, "qemu, clh")
    })

    it(`does not look at ${variable} of another architecture`, () => {
      assert.deepStrictEqual(codes({ [`${variable}_AARCH64`]: value, [variable]: value }), [])
    })
  }

  it("refuses a mapping that maps a shim twice, or an item that is no pair", () => {
    assert.strictEqual(only({ SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:a,clh:b,qemu:c" }).value, "qemu")
    assert.strictEqual(only({ PULL_TYPE_MAPPING_X86_64: "clh:a:b" }).value, "clh:a:b")
  })

  it("warns about an export mode without the snapshotter that exports", () => {
    const found = (setup: string) =>
      accepted({
        NYDUS_HS_EXPORT_MODE: "image_block",
        EXPERIMENTAL_SETUP_SNAPSHOTTER: setup,
      }).notices.map((notice) => notice.code)
    assert.deepStrictEqual(found("nydus"), ["nydus-hs-export-mode-unused"])
    assert.deepStrictEqual(found("nydus,nydus-hs"), [])
    assert.deepStrictEqual([...accepted({}).notices], [])
  })

  it("warns about a pull type that nothing goes by, of a shim and of a custom runtime", () => {
    const found = (text: string) => accepted({ PULL_TYPE_MAPPING_X86_64: text }).notices
    assert.deepStrictEqual([...found("qemu:guest-pull,clh:guest-pull")], [])
    const [notice, ...others] = found("qemu:sideways,clh:guest-pull")
    assert.deepStrictEqual(others, [])
    assert.strictEqual(notice?.code, "pull-type-unknown")
    assert.match(notice!.message, /^PULL_TYPE_MAPPING_X86_64 maps qemu to "sideways"/)
    const list = (line: string) => accepted(enabled, custom(line)).notices
    assert.deepStrictEqual([...list("kata-a:qemu::guest-pull\nkata-b:qemu")], [])
    const [told] = list("kata-a:qemu::Guest-pull")
    assert.strictEqual(told?.code, "pull-type-unknown")
    assert.include(told!.message, "kata-a")
  })

  it("warns about a startup taint that no taint can be called", () => {
    const found = (text: string) => accepted({ STARTUP_TAINTS: text }).notices
    for (const text of ["k", "example.com/k:NoSchedule", "a:PreferNoSchedule,b:NoExecute c"])
      assert.deepStrictEqual([...found(text)], [])
    for (const text of ["k:NoSchedul", "k=v:NoSchedule", "k:NoSchedule:x", ":NoSchedule", "k:"]) {
      const [notice] = found(text)
      assert.strictEqual(notice?.code, "startup-taint-fits-none")
      assert.include(notice?.message, JSON.stringify(text))
    }
  })

  describe("proxies", () => {
    it("are one value for all, or one for each shim", () => {
      assert.deepStrictEqual(accepted({ AGENT_HTTPS_PROXY: "http://p:1" }).httpsProxy, {
        _tag: "All",
        value: "http://p:1",
      })
      assert.deepStrictEqual(accepted({ AGENT_NO_PROXY: "qemu=a,b; clh = c" }).noProxy, {
        _tag: "Each",
        values: [
          { key: "qemu", value: "a,b" },
          { key: "clh", value: "c" },
        ],
      })
    })

    it("of a shim that is not enabled are a warning, of an unknown one an error", () => {
      const settings = accepted({ AGENT_HTTPS_PROXY: "qemu=http://a;fc=http://b" })
      assert.deepStrictEqual(
        settings.notices.map((n) => [n.code, n.severity]),
        [["proxy-for-disabled-shim", "warning"]],
      )
      assert.include(settings.notices[0]!.message, "fc")
      assert.strictEqual(
        only({ AGENT_HTTPS_PROXY: "nobody=http://a" }).code,
        "E_UNKNOWN_SHIM_IN_AGENT_HTTPS_PROXY",
      )
    })

    it("of a custom runtime's base are none of both", () => {
      const settings = accepted({ AGENT_HTTPS_PROXY: "fc=http://b", ...enabled }, custom("kata-mine:fc"))
      assert.deepStrictEqual(settings.notices, [])
    })

    it("never show credentials in a problem", () => {
      for (const value of [
        "qemu=x;http://user:s3cret=1@proxy",
        "nobody=http://user:s3cret@proxy",
        "user:s3cret=1@proxy",
      ]) {
        assert.notInclude(JSON.stringify(problems({ AGENT_HTTPS_PROXY: value })), "s3cret")
      }
    })
  })

  it("masks credentials in the values that problems show", () => {
    const url = "http://user:s3cret@host"
    for (const variables of [
      { DEBUG: url },
      { INSTALLATION_PREFIX: url },
      { DEFAULT_SHIM_X86_64: url },
      { MULTI_INSTALL_SUFFIX: url },
      { SHIMS_X86_64: url },
      { SNAPSHOTTER_HANDLER_MAPPING_X86_64: `qemu:${url}` },
      { EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: url },
      { CONTAINERD_CONFIG_FILE_NAME: url },
    ]) {
      const found = problems(variables)
      assert.isNotEmpty(found)
      assert.notInclude(JSON.stringify(found), "s3cret", JSON.stringify(variables))
    }
  })

  describe("MULTI_INSTALL_SUFFIX", () => {
    for (const suffix of ["dev", "a", "canary-2", "0"]) {
      it(`may be ${suffix}`, () => {
        const settings = accepted({ MULTI_INSTALL_SUFFIX: suffix, SHIMS_X86_64: "qemu", DEBUG: "true" })
        assert.deepStrictEqual(names(settings), [`kata-qemu-${suffix}`, `kata-qemu-${suffix}-debug`])
      })
    }

    for (const suffix of [
      "../x",
      "A",
      "a.b",
      "a b",
      "-a",
      "a-",
      "a".repeat(64),
      "default",
      "debug",
      "devkit",
    ]) {
      it(`may not be ${suffix.slice(0, 12)}`, () => {
        assert.include(codes({ MULTI_INSTALL_SUFFIX: suffix }), "E_SUFFIX")
      })
    }

    for (const shim of ["qemu-snp", "clh-azure", "qemu-coco-dev", "qemu-runtime-rs"]) {
      const suffix = shim.slice(shim.indexOf("-") + 1)
      it(`may not be ${suffix}, or kata-${shim} would have two meanings`, () => {
        const problem = only({ MULTI_INSTALL_SUFFIX: suffix })
        assert.strictEqual(problem.code, "E_SUFFIX")
        assert.include(problem.message, `-${suffix}`)
      })
    }

    it("may not make a handler's name longer than a label", () => {
      const longest = "a".repeat(63 - "kata-qemu-nvidia-gpu-snp-runtime-rs-".length)
      const shims = { SHIMS_X86_64: "qemu-nvidia-gpu-snp-runtime-rs" }
      assert.deepStrictEqual(codes({ ...shims, MULTI_INSTALL_SUFFIX: longest }), [])
      const problem = only({ ...shims, MULTI_INSTALL_SUFFIX: `${longest}a` })
      assert.strictEqual(problem.code, "E_HANDLER_NAME")
      assert.deepStrictEqual(codes({ ...shims, MULTI_INSTALL_SUFFIX: longest, DEBUG: "1" }), [
        "E_HANDLER_NAME",
      ])
    })
  })
})
