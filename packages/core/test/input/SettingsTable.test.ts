import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Architecture, Settings, SettingsTable } from "../../src/index.ts"

const everything = SettingsTable.variables(Architecture.known)

describe("SettingsTable", () => {
  for (const [variable, key, flag] of [
    ["MULTI_INSTALL_SUFFIX", "multiInstallSuffix", "multi-install-suffix"],
    ["SHIMS", "shims", "shims"],
    ["SHIMS_X86_64", "shimsX8664", "shims-x86-64"],
    ["AGENT_HTTPS_PROXY", "agentHttpsProxy", "agent-https-proxy"],
    ["K8S_DISTRIBUTION", "k8sDistribution", "k8s-distribution"],
  ] as const) {
    it(`calls ${variable} ${key} in files and --${flag} on the command line`, () => {
      assert.strictEqual(SettingsTable.fileKey(variable), key)
      assert.strictEqual(SettingsTable.flagName(variable), flag)
    })
  }

  it("has one name for each setting in each of the three places", () => {
    const names = everything.map(({ variable }) => variable)
    assert.strictEqual(new Set(names).size, names.length)
    assert.strictEqual(new Set(names.map(SettingsTable.flagName)).size, names.length)
    assert.strictEqual(
      new Set(SettingsTable.rows.map((r) => SettingsTable.fileKey(r.variable))).size,
      SettingsTable.rows.length,
    )
  })

  it("documents every setting in whole sentences and tells what applies without it", () => {
    for (const row of SettingsTable.rows) {
      assert.match(row.description, /^[A-Z/].*[.]$/s, row.variable)
      assert.isNotEmpty(row.fallback, row.variable)
      assert.match(row.variable, /^[A-Z][A-Z0-9_]*$/)
    }
  })

  it("spells out one variable for each known architecture where there are several", () => {
    const shims = everything.filter(({ row }) => row.variable === "SHIMS").map(({ variable }) => variable)
    assert.deepStrictEqual(shims, ["SHIMS_X86_64", "SHIMS_AARCH64", "SHIMS_S390X", "SHIMS_PPC64LE"])
    assert.isFalse(everything.some(({ variable }) => variable === "SHIMS"))
  })

  it("names only settings that exist as successors of older names", () => {
    for (const now of Object.values(SettingsTable.olderNames)) {
      assert.isTrue(
        everything.some(({ variable }) => variable === now),
        now,
      )
    }
  })

  /** A value that the grammar of a row refuses, where there is one. */
  const wrong: Readonly<Partial<Record<SettingsTable.SettingKind["kind"], string>>> = {
    boolean: "maybe",
    choice: "maybe",
    mapping: "maybe",
    port: "maybe",
    "host-path": "maybe",
  }

  for (const { row, variable } of everything) {
    const value = wrong[row.value.kind]
    if (value === undefined || (row.perArchitecture && !variable.endsWith("_X86_64"))) continue
    it(`the grammar that it gives for ${variable} is the one that is read`, () => {
      const decoded = Settings.decode({
        architecture: "x86_64",
        variables: { SHIMS_X86_64: "qemu", [variable]: value },
        customConfigs: { _tag: "Files", files: new Map() },
        api: "not-used",
      })
      assert.isTrue(Result.isFailure(decoded))
      const { problems } = Result.getOrThrow(Result.flip(decoded))
      assert.deepStrictEqual(
        problems.map((p) => [p.setting, p.value]),
        [[variable, value]],
      )
    })
  }
})
