import { assert, describe, it } from "vitest"
import * as Arguments from "../../src/command/Arguments.ts"

const messages = (...argv: ReadonlyArray<string>) =>
  Arguments.parse(argv).problems.map(({ message }) => message)
const given = (...argv: ReadonlyArray<string>) => Object.fromEntries(Arguments.parse(argv).given)

describe("the command line", () => {
  it("takes flags before and behind the action", () => {
    const { given, problems, words } = Arguments.parse([
      "--kube",
      "none",
      "plan",
      "install",
      "--shims=qemu clh",
    ])
    assert.deepStrictEqual([...words], ["plan", "install"])
    assert.deepStrictEqual(Object.fromEntries(given), { kube: "none", shims: "qemu clh" })
    assert.deepStrictEqual(problems, [])
  })

  it("reads boolean flags with and without value", () => {
    assert.deepStrictEqual(given("--debug", "--devkit=no", "--once=1"), {
      debug: "true",
      devkit: "false",
      once: "true",
    })
    assert.deepStrictEqual(given("-h"), { help: "true" })
    assert.deepStrictEqual(messages("--debug=maybe"), ['--debug is "maybe", which it cannot be.'])
  })

  it("ignores case in words of a choice", () => {
    assert.deepStrictEqual(given("--kube=NONE", "--output", "Json"), { kube: "none", output: "json" })
  })

  it("names the nearest flag and the nearest word of a choice", () => {
    assert.deepStrictEqual(messages("--host-rot", "/x"), [
      "--host-rot is no flag of this program. Did you mean --host-root?",
    ])
    assert.deepStrictEqual(messages("--kube", "nome"), [
      '--kube is "nome", which it cannot be. Did you mean none?',
    ])
  })

  it("names an unknown flag once, however often it is there", () => {
    assert.deepStrictEqual(messages("-vvv", "plan", "--fast", "--fast"), [
      "-v is no flag of this program.",
      "--fast is no flag of this program.",
    ])
  })

  it("does not take the value of an unknown flag for an action", () => {
    assert.deepStrictEqual([...Arguments.parse(["--host-rot", "/x", "plan"]).words], ["plan"])
  })

  it("notices a missing value and still looks at the flag behind it", () => {
    assert.deepStrictEqual(messages("plan", "--node-name", "--shimz=qemu", "--artifacts"), [
      "--node-name has no value.",
      "--artifacts has no value.",
      "--shimz is no flag of this program. Did you mean --shims?",
    ])
  })

  it("takes a value that starts with dashes behind an equals sign", () => {
    assert.deepStrictEqual(given("--node-name=--x"), { "node-name": "--x" })
  })

  it("objects to a flag that is given twice with different values", () => {
    assert.deepStrictEqual(messages("--shims=qemu", "--shims=clh"), [
      "--shims is given twice with different values.",
    ])
    assert.deepStrictEqual(messages("--shims=qemu", "--shims=qemu"), [])
  })

  it("masks secrets in values that it objects to", () => {
    assert.deepStrictEqual(messages("--kube=https://me:secret@host"), [
      '--kube is "https://***@host", which it cannot be.',
    ])
  })

  it("is not confused by names that objects inherit", () => {
    assert.deepStrictEqual(messages("--constructor", "--toString=1"), [
      "--constructor is no flag of this program.",
      "--toString is no flag of this program.",
    ])
  })
})
