/** Which template does an operator change where a distribution renders the main config, and who takes drop-ins at all? */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { ConfigPaths, Distribution, FileState, Instance } from "../../src/index.ts"

const k3s = "/var/lib/rancher/k3s/agent/etc/containerd"
const decide = (
  runtime: Distribution.CriRuntime,
  text: string | undefined,
  version: string | undefined,
): ReturnType<typeof ConfigPaths.decide> =>
  ConfigPaths.decide({
    instance: Instance.make({ prefix: undefined, suffix: undefined }),
    row: Distribution.rowOf(runtime),
    pinnedDir: undefined,
    fileName: "config.toml",
    version,
    mainConfig: text === undefined ? FileState.absent : FileState.file(text),
  })
const paths = (...given: Parameters<typeof decide>) => Result.getOrThrow(decide(...given))
const problem = (...given: Parameters<typeof decide>) =>
  Result.getOrThrow(Result.flip(decide(...given))).problems[0]!
const rendered = (version: number, directory: string) =>
  `version = ${version}\nimports = ["${k3s}/${directory}/*.toml"]\n`

describe("the template of a rendered main config", () => {
  for (const [schema, directory, template] of [
    [2, "config.toml.d", "config.toml.tmpl"],
    [3, "config-v3.toml.d", "config-v3.toml.tmpl"],
    [4, "config-v3.toml.d", "config-v3.toml.tmpl"],
  ] as const) {
    it(`of schema ${schema} is ${template}, whether it is told or has to be changed`, () => {
      assert.strictEqual<string | undefined>(
        paths("k3s", rendered(schema, directory), undefined).template,
        `${k3s}/${template}`,
      )
      assert.include(problem("k3s", `version = ${schema}\n`, undefined).remedy, `${k3s}/${template}`)
    })
  }

  it("is none of a main config that nobody renders", () => {
    assert.isUndefined(paths("containerd", "version = 3\n", "containerd://2.1.0").template)
    assert.isUndefined(paths("k0s-worker", "version = 3\n", undefined).template)
  })

  it("counts the daemon's version where the file declares an old schema", () => {
    const old = (version: string) => paths("k3s", rendered(1, "config-v3.toml.d"), version).schema
    assert.strictEqual(old("containerd://2.1.0"), 3)
    assert.strictEqual(
      problem("k3s", rendered(1, "config-v3.toml.d"), undefined).code,
      "E_NO_RUNTIME_VERSION",
    )
  })
})

describe("a version that cannot be read", () => {
  for (const version of ["containerd://new", "2", "docker://24.0"]) {
    it(`is refused where the main config is rendered, although that declares its schema: ${version}`, () => {
      const { code, setting, value } = problem("k3s", rendered(3, "config-v3.toml.d"), version)
      assert.deepStrictEqual(
        [code, setting, value],
        ["E_RUNTIME_VERSION_UNKNOWN", "CONTAINER_RUNTIME_VERSION", version],
      )
    })
  }

  it("matters nothing to k0s, which merges drop-ins whatever its containerd is", () => {
    assert.strictEqual(paths("k0s-worker", "version = 3\n", "containerd://new").schema, 3)
  })
})

describe("k0s without its containerd.toml", () => {
  it("goes by the version that the node reports, and by nothing where nobody knows it", () => {
    assert.strictEqual(paths("k0s-worker", undefined, "containerd://1.7.24").schema, 2)
    assert.strictEqual(paths("k0s-worker", undefined, "containerd://2.1.0").schema, 3)
    assert.strictEqual(problem("k0s-worker", undefined, undefined).code, "E_CONTAINERD_CONFIG_UNREADABLE")
  })
})

describe("taking drop-ins", () => {
  for (const [runtime, version, takes] of [
    ["k3s", undefined, true],
    ["k0s-worker", { major: 1, minor: 6 }, true],
    ["containerd", { major: 2, minor: 0 }, true],
    ["microk8s", { major: 2, minor: 1 }, true],
    ["containerd", { major: 1, minor: 7 }, false],
    ["containerd", undefined, false],
    ["crio", { major: 2, minor: 1 }, false],
  ] as const) {
    it(`is ${takes ? "" : "not "}for ${runtime} of ${version === undefined ? "an unknown version" : `${version.major}.${version.minor}`}`, () => {
      assert.strictEqual(ConfigPaths.takesDropIns(Distribution.rowOf(runtime), version), takes)
    })
  }
})

describe("a problem with a main config", () => {
  const at = (state: FileState.FileState) =>
    Result.getOrThrow(
      Result.flip(
        ConfigPaths.decide({
          instance: Instance.make({ prefix: undefined, suffix: undefined }),
          row: Distribution.rowOf("containerd"),
          pinnedDir: undefined,
          fileName: "config.toml",
          version: "containerd://2.1.0",
          mainConfig: state,
        }),
      ),
    ).problems[0]!.message

  it("tells a link from a directory", () => {
    assert.match(at(FileState.link("/x")), /is a link to \/x/)
    assert.match(at(FileState.directory()), /is a directory/)
  })

  it("tells a version that nobody knows from one that is none", () => {
    assert.match(problem("containerd", "", undefined).message, /version of containerd is not known/)
    const none = problem("containerd", "", "containerd://new")
    assert.match(none.message, /"containerd:\/\/new" is no version/)
    assert.deepStrictEqual([none.setting, none.value], ["CONTAINER_RUNTIME_VERSION", "containerd://new"])
  })
})
