/**
 * What happens when the operator asked for something wrong? Exit code 2, every problem at once, each with the nearest right
 * thing, and a node that was not touched.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Setting } from "./cli.ts"
import { sharedArtifacts } from "./Conditions.ts"
import { kataArchitecture } from "./hostTree/Artifacts.ts"
import { k0s } from "./hostTree/Bundled.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"
import { vanilla } from "./hostTree/Vanilla.ts"
import { expectRefused } from "./Refusal.ts"

const shimsVariable = `SHIMS_${kataArchitecture.toUpperCase()}`

let host: SampleHost
let folder: string

beforeAll(async () => {
  host = await vanilla("2.1.9", { schema: 3 })
  folder = await mkdtemp(join(tmpdir(), "kd-settings-"))
})
afterAll(async () => {
  await host[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const asking = (change: Partial<Setting>): Setting => ({
  host,
  artifacts: sharedArtifacts(),
  shims: ["qemu"],
  ...change,
})

const install = ["install", "--once"]

describe("a setting that is wrong", () => {
  test("unknown shims are all named, each with the nearest that there is", async () => {
    const problems = await expectRefused(asking({ shims: ["qemu", "clhh", "dragonbal"] }), install, {
      code: 2,
      says: [shimsVariable, "clhh", "dragonbal", /\bclh\b/, /\bdragonball\b/],
    })
    expect(problems.every(({ setting }) => setting === shimsVariable)).toBe(true)
  })

  test("all wrong settings are reported together", async () => {
    const env = { DEBUG: "maybe", EROFS_MERGE_MODE: "sideways", INSTALLATION_PREFIX: "relative/path" }
    const problems = await expectRefused(asking({ shims: ["clhh"], env }), install, {
      code: 2,
      says: [shimsVariable, ...Object.entries(env).flat()],
    })
    const named = new Set(problems.map(({ setting }) => setting))
    expect([...named].sort()).toEqual([...Object.keys(env), shimsVariable].sort())
  })

  test("a mapping for a shim that is not enabled is an error that names both", async () => {
    const variable = `SNAPSHOTTER_HANDLER_MAPPING_${kataArchitecture.toUpperCase()}`
    await expectRefused(asking({ env: { [variable]: "clh:nydus" } }), install, {
      code: 2,
      says: [variable, "clh"],
    })
  })

  test("an empty list of shims is no list: set and blank is refused", async () => {
    await expectRefused(asking({ shims: [" "] }), install, { code: 2, says: [shimsVariable] })
  })
})

describe("a command line that is wrong", () => {
  test("an unknown flag names the nearest", () =>
    expectRefused(asking({}), ["install", "--onec"], { code: 2, says: ["--onec", "--once"] }))

  test("an unknown action names the nearest", () =>
    expectRefused(asking({}), ["instal"], { code: 2, says: ["instal", /\binstall\b/] }))

  test("the actions that upstream gave up are refused", () =>
    expectRefused(asking({}), ["install-stage-label"], { code: 2, says: ["install-stage-label"] }))

  test("a flag's wrong value is refused like the variable's", () =>
    expectRefused(asking({}), [...install, "--debug=perhaps"], { code: 2, says: [/debug/i, "perhaps"] }))
})

describe("a settings file that is wrong", () => {
  const settingsFile = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, text)
    return path
  }

  test("that is not JSON is named with the place", async () => {
    const path = await settingsFile("broken.json", '{\n  "debug": true,\n  "shims": {\n}\n')
    await expectRefused(asking({}), ["--config", path, ...install], { code: 2, says: [path] })
  })

  test("with an unknown key is named with the nearest key", async () => {
    const path = await settingsFile("typo.json", JSON.stringify({ multiInstalSuffix: "a" }))
    await expectRefused(asking({}), ["--config", path, ...install], {
      code: 2,
      says: [path, "multiInstalSuffix", "multiInstallSuffix"],
    })
  })

  test("with values of the wrong kind has all of them named", async () => {
    const path = await settingsFile("kinds.json", JSON.stringify({ debug: "often", healthPort: "high" }))
    await expectRefused(asking({}), ["--config", path, ...install], {
      code: 2,
      says: [path, "debug", "often", "healthPort", "high"],
    })
  })

  test("that is not there is named", async () => {
    const path = join(folder, "nowhere.json")
    await expectRefused(asking({}), ["--config", path, ...install], { code: 2, says: [path] })
  })
})

describe("a tree that could be two distributions", () => {
  test("is refused with the setting that decides", async () => {
    await using both = await k0s("2.1.9")
    await both.write(
      "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
      "version = 3\nimports = ['/var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.d/*.toml']\n",
    )
    const undeclared = { ...both, criRuntime: "" }
    await expectRefused(asking({ host: undeclared, env: { K8S_DISTRIBUTION: undefined } }), install, {
      code: 2,
      says: ["k3s", "k0s", /K8S_DISTRIBUTION|--k8s-distribution/],
    })
  })
})
