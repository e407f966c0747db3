import { assert, describe, it } from "vitest"
import * as SettingSources from "../../src/command/SettingSources.ts"
import * as SettingsFile from "../../src/command/SettingsFile.ts"

const layer = (sources: {
  readonly given?: Record<string, string>
  readonly env?: Record<string, string>
  readonly file?: string
  readonly architecture?: string
}) =>
  SettingSources.layer({
    given: new Map(Object.entries(sources.given ?? {})),
    env: sources.env ?? {},
    file: sources.file === undefined ? undefined : SettingsFile.parse(sources.file, "s.yaml"),
    architecture: sources.architecture ?? "x86_64",
  })

describe("the sources of settings", () => {
  it("are flags over variables over the file", () => {
    const { origins, variables } = layer({
      given: { "node-name": "flag" },
      env: { NODE_NAME: "variable", DAEMONSET_NAME: "variable", UNRELATED: "x" },
      file: "nodeName: file\ndaemonsetName: file\nhealthPort: 1\n",
    })
    assert.deepStrictEqual(variables, { NODE_NAME: "flag", DAEMONSET_NAME: "variable", HEALTH_PORT: "1" })
    assert.deepStrictEqual(Object.fromEntries(origins), {
      NODE_NAME: "--node-name",
      HEALTH_PORT: "healthPort in s.yaml",
    })
  })

  it("let the file count where a variable is empty, except for shims", () => {
    const { variables } = layer({
      env: { DAEMONSET_NAME: " ", SHIMS_X86_64: "" },
      file: "daemonsetName: file\nshims: {x86_64: [qemu]}\n",
    })
    assert.deepStrictEqual(variables, { DAEMONSET_NAME: "file", SHIMS_X86_64: "" })
  })

  it("keep an empty variable where there is nothing else, since it may be wrong to be empty", () => {
    assert.deepStrictEqual(layer({ env: { NODE_NAME: "" } }).variables, { NODE_NAME: "" })
  })

  it("take a flag without architecture for this node's", () => {
    assert.deepStrictEqual(layer({ given: { shims: "qemu" }, architecture: "aarch64" }).variables, {
      SHIMS_AARCH64: "qemu",
    })
    assert.match(
      layer({ given: { shims: "qemu" }, architecture: "riscv64" }).problems[0]?.message ?? "",
      /riscv64/,
    )
  })

  it("object to two flags that mean the same and differ", () => {
    const twice = { shims: "qemu", "shims-x86-64": "clh" }
    assert.match(
      layer({ given: twice }).problems[0]?.message ?? "",
      /--shims and --shims-x86-64 mean the same/,
    )
    assert.deepStrictEqual(layer({ given: twice, architecture: "s390x" }).problems, [])
  })

  it("know the older name of a variable", () => {
    assert.deepStrictEqual(layer({ env: { KATA_DEPLOY_NODE_MACHINE_ID: "x" } }).variables, {
      KATA_DEPLOY_NODE_MACHINE_ID: "x",
    })
  })

  it("put problems into the words of whoever gave the setting", () => {
    const problem = { code: "E", setting: "SHIMS_X86_64", message: "SHIMS_X86_64 names x.", remedy: "Do." }
    const told = SettingSources.inOperatorsWords([problem], new Map([["SHIMS_X86_64", "--shims"]]))
    assert.deepStrictEqual(told, [{ ...problem, message: "--shims names x." }])
    assert.deepStrictEqual(SettingSources.inOperatorsWords([problem], new Map()), [problem])
  })
})
