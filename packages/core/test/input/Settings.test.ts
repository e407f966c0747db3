import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { Shim } from "../../src/index.ts"
import * as Vectors from "../Vectors.ts"
import {
  accepted,
  codes,
  custom,
  decode,
  enabled,
  files,
  names,
  only,
  problems,
  type Variables,
} from "./Decoded.ts"

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

  it("finds the operator's drop-ins of enabled shims", () => {
    const settings = accepted(
      {},
      { customConfigs: files({ "dropin-qemu.toml": "q = 1", "dropin-fc.toml": "f" }) },
    )
    assert.deepStrictEqual([...settings.shimDropIns], [["qemu", "q = 1"]])
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
