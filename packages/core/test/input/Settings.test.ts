import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { type CustomRuntimes, type Problem, Settings, Shim } from "../../src/index.ts"
import * as Vectors from "../Vectors.ts"

type Variables = Readonly<Record<string, string>>

const files = (texts: Variables = {}): CustomRuntimes.CustomConfigs => ({
  _tag: "Files",
  files: new Map(Object.entries(texts)),
})

const decode = (variables: Variables, rest: Partial<Settings.SettingsInput> = {}) =>
  Settings.decode({ architecture: "x86_64", variables, customConfigs: files(), api: "not-used", ...rest })

const accepted = (variables: Variables, rest?: Partial<Settings.SettingsInput>): Settings.Settings =>
  Result.getOrThrow(decode({ SHIMS_X86_64: "qemu clh", ...variables }, rest))

const problems = (
  variables: Variables,
  rest?: Partial<Settings.SettingsInput>,
): ReadonlyArray<Problem.Problem> => {
  const result = decode({ SHIMS_X86_64: "qemu clh", ...variables }, rest)
  return Result.isSuccess(result) ? [] : result.failure.problems
}

const codes = (...given: Parameters<typeof problems>) => problems(...given).map((p) => p.code)

const only = (...given: Parameters<typeof problems>): Problem.Problem => {
  const found = problems(...given)
  assert.strictEqual(found.length, 1, JSON.stringify(found))
  return found[0]!
}

const names = (settings: Settings.Settings) => settings.handlers.map((h) => h.name)

const custom = (list: string, rest: Variables = {}): Partial<Settings.SettingsInput> => ({
  customConfigs: files({ "custom-runtimes.list": list, ...rest }),
})
const enabled = { CUSTOM_RUNTIMES_ENABLED: "true" }

describe("Settings", () => {
  it("reports every problem at once, each with its variable, its value and a remedy", () => {
    const found = problems(
      {
        SHIMS_X86_64: "qemu qmeu",
        DEFAULT_SHIM_X86_64: "clh",
        DEBUG: "maybe",
        INSTALLATION_PREFIX: "relative",
        MULTI_INSTALL_SUFFIX: "Not.A.Label",
        EROFS_MERGE_MODE: "x",
        EROFS_SNAPSHOTTER_MODE: "tape",
        EROFS_DMVERITY: "x",
        CONTAINERD_CONFIG_FILE_NAME: "a/b",
        CONTAINERD_CONFIG_DIR: "etc",
        HEALTH_PORT: "65536",
        SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu",
        PULL_TYPE_MAPPING_X86_64: "fc:guest-pull",
        AGENT_NO_PROXY: "nobody=x",
        ...enabled,
      },
      { api: "used" },
    )
    assert.sameMembers(
      found.map((p) => `${p.setting} ${p.code}`),
      [
        "SHIMS_X86_64 E_UNKNOWN_SHIM",
        "DEFAULT_SHIM_X86_64 E_DEFAULT_SHIM_UNKNOWN",
        "DEBUG E_DEBUG",
        "INSTALLATION_PREFIX E_PREFIX_NOT_ABSOLUTE",
        "MULTI_INSTALL_SUFFIX E_SUFFIX",
        "EROFS_MERGE_MODE E_EROFS_MERGE_MODE",
        "EROFS_SNAPSHOTTER_MODE E_EROFS_SNAPSHOTTER_MODE",
        "EROFS_DMVERITY E_EROFS_DMVERITY",
        "CONTAINERD_CONFIG_FILE_NAME E_CONTAINERD_CONFIG_FILE_NAME",
        "CONTAINERD_CONFIG_DIR E_CONTAINERD_CONFIG_DIR",
        "HEALTH_PORT E_HEALTH_PORT",
        "SNAPSHOTTER_HANDLER_MAPPING_X86_64 E_MAPPING",
        "PULL_TYPE_MAPPING_X86_64 E_UNKNOWN_SHIM_IN_PULL_TYPE_MAPPING",
        "AGENT_NO_PROXY E_UNKNOWN_SHIM_IN_AGENT_NO_PROXY",
        "CUSTOM_RUNTIMES_ENABLED E_CUSTOM_RUNTIMES_LIST",
        "NODE_NAME E_NODE_NAME_MISSING",
      ],
    )
    for (const problem of found) {
      assert.include(
        problem.message,
        problem.setting === "CUSTOM_RUNTIMES_ENABLED" ? "list" : problem.setting!,
      )
      assert.match(problem.message, /[.?]$/)
      assert.isNotEmpty(problem.remedy)
      if (problem.value !== undefined) assert.include(problem.message, problem.value)
    }
  })

  describe("SHIMS", () => {
    it("is the list of this architecture, each shim once, in the operator's order", () => {
      assert.deepStrictEqual(
        [...accepted({ SHIMS_X86_64: "fc\tqemu\n clh qemu", SHIMS_AARCH64: "dragonball" }).shims],
        ["fc", "qemu", "clh"],
      )
    })

    for (const architecture of ["x86_64", "aarch64", "s390x", "ppc64le", "riscv64"]) {
      it(`is the default list of ${architecture} when nothing is set`, () => {
        const settings = Result.getOrThrow(decode({}, { architecture }))
        assert.deepStrictEqual([...settings.shims], [...Shim.defaultShims(architecture)])
        assert.isFalse(settings.nothingToDo)
      })
    }

    it("set but blank and without custom runtimes is an error", () => {
      for (const blank of ["", "  \n"]) {
        const problem = only({ SHIMS_X86_64: blank })
        assert.strictEqual(problem.code, "E_NO_RUNTIMES")
        assert.include(problem.message + problem.remedy, "CUSTOM_RUNTIMES_ENABLED")
      }
    })

    it("set but blank leaves the custom runtimes alone", () => {
      const settings = accepted({ SHIMS_X86_64: " ", ...enabled }, custom("kata-mine:clh"))
      assert.deepStrictEqual(names(settings), ["kata-mine"])
      assert.isFalse(settings.nothingToDo)
    })

    it("not set is none when custom runtimes are enabled", () => {
      const settings = Result.getOrThrow(decode(enabled, custom("kata-mine:clh")))
      assert.deepStrictEqual([...settings.shims], [])
    })

    it("not set is nothing to do when only another architecture has shims", () => {
      for (const architecture of ["x86_64", "riscv64"]) {
        const settings = Result.getOrThrow(decode({ SHIMS_AARCH64: "qemu" }, { architecture }))
        assert.isTrue(settings.nothingToDo)
        assert.deepStrictEqual([...settings.shims], [])
      }
    })

    it("an empty list of custom runtimes is nothing to do, and no error", () => {
      assert.isTrue(Result.getOrThrow(decode(enabled, custom("# none\n"))).nothingToDo)
    })

    it("is not read on an architecture without variables", () => {
      assert.deepStrictEqual(
        [
          ...Result.getOrThrow(decode({ SHIMS_RISCV64: "clh", SHIMS: "clh" }, { architecture: "riscv64" }))
            .shims,
        ],
        ["qemu"],
      )
    })

    it("suggests the name that was meant, and lists the valid ones", () => {
      const problem = only({ SHIMS_X86_64: "qemu draogn-ball" })
      assert.strictEqual(problem.code, "E_UNKNOWN_SHIM")
      assert.include(problem.message, "Did you mean dragonball?")
      for (const name of Shim.names) assert.include(problem.remedy, name)
    })

    it("accepts further names that begin with qemu, but none that could leave a directory", () => {
      assert.deepStrictEqual(names(accepted({ SHIMS_X86_64: "qemu-mine" })), ["kata-qemu-mine"])
      for (const shim of ["qemu/../../x", "qemu.x", "qemu-", "qemu_x", "QEMU", "qemu:x", 'qemu"']) {
        assert.include(codes({ SHIMS_X86_64: shim }), "E_UNKNOWN_SHIM", shim)
      }
    })
  })

  describe("DEFAULT_SHIM", () => {
    it("is no error when it is not set, whatever the shims are", () => {
      assert.isUndefined(accepted({ SHIMS_X86_64: "clh", DEFAULT_SHIM_X86_64: " " }).defaultShim)
    })

    it("has to be one of the shims when it is set", () => {
      assert.strictEqual(accepted({ DEFAULT_SHIM_X86_64: " clh " }).defaultShim, "clh")
      const problem = only({ DEFAULT_SHIM_X86_64: "fc" })
      assert.strictEqual(problem.code, "E_DEFAULT_SHIM_UNKNOWN")
      assert.include(problem.remedy, "qemu, clh")
    })
  })

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

  describe("variants", () => {
    it("follow all shims and custom runtimes, debug before devkit, each in the order of the shims", () => {
      const settings = accepted({ DEBUG: "true", DEVKIT: "true", ...enabled }, custom("kata-mine:fc"))
      assert.deepStrictEqual(names(settings), [
        "kata-qemu",
        "kata-clh",
        "kata-mine",
        "kata-qemu-debug",
        "kata-clh-debug",
        "kata-qemu-devkit",
        "kata-clh-devkit",
      ])
      assert.deepStrictEqual(
        settings.handlers.map((h) => h.kind),
        ["shim", "shim", "custom", "debug", "debug", "devkit", "devkit"],
      )
    })

    it("take snapshotter and pull type of their shim", () => {
      const settings = accepted({
        DEBUG: "true",
        SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:erofs",
        PULL_TYPE_MAPPING_X86_64: "clh:guest-pull",
      })
      assert.deepStrictEqual(
        settings.handlers.map((h) => [h.name, h.snapshotter, h.pullType]),
        [
          ["kata-qemu", "erofs", undefined],
          ["kata-clh", undefined, "guest-pull"],
          ["kata-qemu-debug", "erofs", undefined],
          ["kata-clh-debug", undefined, "guest-pull"],
        ],
      )
    })

    it("give way to the operator's own runtime of that name", () => {
      const settings = accepted({ DEBUG: "true", ...enabled }, custom("kata-qemu-debug:clh"))
      assert.deepStrictEqual(
        settings.handlers.filter((h) => h.name === "kata-qemu-debug").map((h) => [h.kind, h.shim]),
        [["custom", "clh"]],
      )
    })

    it("of the devkit need debug, and say so", () => {
      const settings = accepted({ DEVKIT: "true" })
      assert.isFalse(settings.devkit)
      assert.deepStrictEqual(names(settings), ["kata-qemu", "kata-clh"])
      assert.deepStrictEqual(
        settings.notices.map((n) => n.code),
        ["devkit-without-debug"],
      )
    })
  })

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

  it("finds the operator's drop-ins of enabled shims", () => {
    const settings = accepted(
      {},
      { customConfigs: files({ "dropin-qemu.toml": "q", "dropin-fc.toml": "f" }) },
    )
    assert.deepStrictEqual([...settings.shimDropIns], [["qemu", "q"]])
  })

  it("does not depend on the order of the variables", () => {
    const variables = Object.entries({
      SHIMS_X86_64: "qemu clh",
      DEBUG: "true",
      SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:erofs,clh:nydus",
      AGENT_NO_PROXY: "qemu=a;clh=b",
      MULTI_INSTALL_SUFFIX: "dev",
      KATA_DEPLOY_NODE_MACHINE_ID: "x",
      HEALTH_PORT: "80a",
    })
    const expected = decode(Object.fromEntries(variables))
    fc.assert(
      fc.property(fc.shuffledSubarray(variables, { minLength: variables.length }), (shuffled) => {
        assert.deepStrictEqual(decode(Object.fromEntries(shuffled)), expected)
      }),
      { numRuns: 20 },
    )
  })

  it("either succeeds or names known variables, whatever the texts are", () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom("qemu", "true", "qemu:nydus", "a=b", "/x", "8080", "dev"),
    )
    const variable = fc.constantFrom(
      "SHIMS_X86_64",
      "DEFAULT_SHIM_X86_64",
      "DEBUG",
      "MULTI_INSTALL_SUFFIX",
      "INSTALLATION_PREFIX",
      "SNAPSHOTTER_HANDLER_MAPPING_X86_64",
      "AGENT_HTTPS_PROXY",
      "HEALTH_PORT",
    )
    fc.assert(
      fc.property(fc.dictionary(variable, value), (variables) => {
        const result = decode(variables)
        if (Result.isFailure(result)) {
          assert.isNotEmpty(result.failure.problems)
          for (const problem of result.failure.problems) assert.property(variables, problem.setting!)
        } else {
          for (const { name } of result.success.handlers)
            assert.match(name, /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
        }
      }),
      { numRuns: 300 },
    )
  })

  interface ConfigCase {
    readonly name: string
    readonly input: { readonly arch: string; readonly env: Variables; readonly customConfigs?: Variables }
    readonly expected: {
      readonly error?: string
      readonly messageMentions?: ReadonlyArray<string>
      readonly config?: {
        readonly shims?: ReadonlyArray<string>
        readonly destDir?: string
        readonly shimHandlers?: ReadonlyArray<string>
      }
    }
    readonly upstreamQuirk?: boolean
  }

  /** A proxy of a shim that is merely not enabled here is a warning with us, an error upstream. */
  const deviations = ["https proxy unknown shim", "no proxy unknown shim"]

  for (const { expected, input, name, upstreamQuirk } of Vectors.section<ConfigCase>("01-config", "cases")) {
    if (upstreamQuirk === true || deviations.includes(name)) continue
    it(`agrees with upstream about: ${name}`, () => {
      const result = decode(input.env, {
        architecture: input.arch,
        customConfigs: files(input.customConfigs),
        api: "used",
      })
      if (expected.error !== undefined) {
        const found = Result.getOrThrow(Result.flip(result)).problems.find((p) => p.code === expected.error)
        assert.isDefined(found)
        for (const word of expected.messageMentions ?? [])
          assert.include(found!.message + found!.remedy, word)
        return
      }
      const settings = Result.getOrThrow(result)
      assert.deepStrictEqual([...settings.shims], [...(expected.config?.shims ?? ["qemu"])])
      assert.strictEqual<string>(settings.instance.installDir, expected.config?.destDir ?? "/opt/kata")
      assert.deepStrictEqual(
        settings.handlers.filter((h) => h.kind === "shim").map((h) => h.name),
        [...(expected.config?.shimHandlers ?? ["kata-qemu"])],
      )
    })
  }
})
