import { Architecture, SettingsTable } from "@kata-deploy/core"
import { assert, describe, it } from "vitest"
import * as SettingsFile from "../../src/command/SettingsFile.ts"

const parse = (text: string) => SettingsFile.parse(text, "settings.yaml")
const variables = (text: string) => {
  const file = parse(text)
  assert.deepStrictEqual(file.problems, [])
  return Object.fromEntries(file.variables)
}
const problems = (text: string) => parse(text).problems.map(({ message, remedy }) => `${message} ${remedy}`)

describe("a file that grows without end", () => {
  it("is refused like any other that cannot be read", () => {
    const grown = "bcdefgh".split("").map((name, at) => {
      const above = "abcdefg"[at]
      return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${above}`).join(", ")}]`
    })
    const { problems } = SettingsFile.parse(["a: &a [x, x]", ...grown].join("\n"), "s.yaml")
    assert.match(
      problems[0]?.message ?? "",
      /^The settings file s\.yaml cannot be used: Excessive alias count/,
    )
  })
})

describe("the settings file", () => {
  it("turns every value into the text of its variable", () => {
    assert.deepStrictEqual(
      variables(`
nodeName: worker-1
debug: true
healthPort: 8091
multiInstallSuffix: 42
shims: { x86_64: [qemu, clh], aarch64: qemu }
snapshotterHandlerMapping: { x86_64: { qemu: overlayfs, clh: erofs } }
experimentalForceGuestPull: { x86_64: [qemu] }
experimentalSetupSnapshotter: [erofs, nydus]
agentHttpsProxy: { qemu: "http://a:1", clh: "http://b:2" }
agentNoProxy: 10.0.0.0/8
startupTaints: [a, "b:NoSchedule"]
erofsDmverity: dmverity
`),
      {
        NODE_NAME: "worker-1",
        DEBUG: "true",
        HEALTH_PORT: "8091",
        MULTI_INSTALL_SUFFIX: "42",
        SHIMS_X86_64: "qemu clh",
        SHIMS_AARCH64: "qemu",
        SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:overlayfs,clh:erofs",
        EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: "qemu",
        EXPERIMENTAL_SETUP_SNAPSHOTTER: "erofs,nydus",
        AGENT_HTTPS_PROXY: "qemu=http://a:1;clh=http://b:2",
        AGENT_NO_PROXY: "10.0.0.0/8",
        STARTUP_TAINTS: "a,b:NoSchedule",
        EROFS_DMVERITY: "dmverity",
      },
    )
  })

  it("can be JSON, and may name its schema", () => {
    assert.deepStrictEqual(variables('{ "$schema": "x", "shims": { "x86_64": [] } }'), { SHIMS_X86_64: "" })
  })

  it("can be empty, and keys without value are unset", () => {
    assert.deepStrictEqual(variables("# nothing yet\n"), {})
    assert.deepStrictEqual(variables("nodeName:\nshims:\n"), {})
  })

  it("knows a key for every setting", () => {
    for (const { row, variable } of SettingsTable.variables(Architecture.known)) {
      assert.include(SettingsFile.keys, SettingsTable.fileKey(row.variable), variable)
    }
  })

  it("names the nearest of an unknown key", () => {
    assert.deepStrictEqual(problems("nodName: x\n"), [
      'The settings file settings.yaml has the unknown key "nodName". Did you mean nodeName? kata-deploy schema settings lists the keys.',
    ])
  })

  it("names the nearest of an unknown architecture", () => {
    assert.match(
      problems("shims: { x86-64: [qemu] }")[0] ?? "",
      /unknown architecture "x86-64"\. Did you mean x86_64\?/,
    )
  })

  it("wants settings of one architecture below its name", () => {
    assert.match(
      problems("shims: [qemu]")[0] ?? "",
      /does not say for which architecture it is\. Write a map/,
    )
  })

  it("reports wrong types with what is expected, all at once", () => {
    assert.deepStrictEqual(
      problems("debug: 1\nnodeName: [a]\nstartupTaints: ['a b']\nagentNoProxy: {qemu: 'a;b'}\n"),
      [
        "debug in settings.yaml is 1, which it cannot be. Write true or false.",
        'nodeName in settings.yaml is ["a"], which it cannot be. Write a text.',
        'startupTaints in settings.yaml is ["a b"], which it cannot be. Write a list of words without blanks or commas, unlike "a b".',
        'agentNoProxy in settings.yaml is {"qemu":"a;b"}, which it cannot be. Write one value, or a map from shims to values, without "=" in a name and ";" anywhere.',
      ],
    )
  })

  it("says where the text cannot be read", () => {
    assert.match(problems("nodeName: a\n  b: c\n")[0] ?? "", /cannot be used: line \d+, column \d+: /)
    assert.match(
      SettingsFile.parse('{ "nodeName": "a", }', "s.json").problems[0]?.message ?? "",
      /JSON at position/,
    )
    assert.match(problems("- a\n- b\n")[0] ?? "", /it holds no map of settings/)
    assert.match(problems("nodeName: a\nnodeName: b\n")[0] ?? "", /unique/)
  })

  it("remembers where each value stands", () => {
    assert.strictEqual(
      parse("shims: {x86_64: [x]}").places.get("SHIMS_X86_64"),
      "shims.x86_64 in settings.yaml",
    )
  })
})
