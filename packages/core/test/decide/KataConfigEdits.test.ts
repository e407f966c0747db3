/** What is changed in the copy of a base configuration, and what is left as it is? */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { FileState, KataConfig } from "../../src/index.ts"
import { meaning, settings } from "../Sample.ts"

const copy = "/opt/kata/share/defaults/kata-containers/runtimes/qemu/configuration-qemu.toml"

const desired = (
  base: string,
  variables: Readonly<Record<string, string>> = {},
  custom: Readonly<Record<string, string>> = {},
) =>
  KataConfig.desired({
    settings: settings(variables, custom),
    bases: new Map([["configuration-qemu.toml", Result.getOrThrow(KataConfig.parseBase(base))]]),
    kubeletRoot: "default",
    devkitVerity: undefined,
  })

const text = (...given: Parameters<typeof desired>): string =>
  FileState.textOf(desired(...given).find((each) => each.path === copy)!.state)!
const copied = (base: string, value: string) => text(base, { ALLOWED_HYPERVISOR_ANNOTATIONS_X86_64: value })

describe("the copy of a base configuration", () => {
  it("keeps its very bytes where it has all annotations already, in the order of their names", () => {
    const base = "[hypervisor.qemu]\nenable_annotations = [ 'a',   'b' ] # both\n"
    assert.isTrue(copied(base, "qemu:b,a").endsWith(base))
    assert.isTrue(copied(base, "b").endsWith(base))
  })

  it("takes annotations that are missing, and sorts those that were out of order or twice", () => {
    const list = (base: string, value: string) =>
      meaning(copied(`[hypervisor.qemu]\nenable_annotations = [${base}]\n`, value))["hypervisor"]!["qemu"]![
        "enable_annotations"
      ]
    const is = (actual: unknown, expected: ReadonlyArray<string>) => assert.deepEqual(actual, expected)
    is(list("'a', 'b'", "c"), ["a", "b", "c"])
    is(list("'b', 'a'", "a"), ["a", "b"])
    is(list("'a', 'a'", "a"), ["a"])
    is(list("'a', 'c'", "b"), ["a", "b", "c"])
  })

  it("stays as it is where something else stands where a table would have to be", () => {
    const base = "runtime = 1\n[hypervisor]\nqemu = 2\n"
    const edits = { ALLOWED_HYPERVISOR_ANNOTATIONS_X86_64: "a", EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: "qemu" }
    assert.isTrue(text(base, edits).endsWith(base))
  })

  it("is edited by each run as by the first, though many other bases were edited in between", () => {
    const base = (n: number) => `[hypervisor.qemu]\nkernel = "/k/${n}"\n`
    const first = copied(base(0), "x")
    assert.strictEqual(copied(base(0), "x"), first)
    for (let n = 1; n <= 70; n++) assert.include(copied(base(n), "x"), `/k/${n}`)
    assert.strictEqual(copied(base(0), "x"), first)
    const other = meaning(copied(base(0), "y"))["hypervisor"]!["qemu"]!
    assert.deepEqual<unknown>(other["enable_annotations"], ["y"])
  })

  it("has its banner once where the base has it among its first lines, and gets one where that stands far below", () => {
    const marks = (base: string) => text(base).split(KataConfig.bannerMark).length - 1
    const stamp = `# ${KataConfig.bannerMark}\n`
    assert.strictEqual(marks(`${stamp}[hypervisor.qemu]\n`), 1)
    assert.strictEqual(marks(`[hypervisor.qemu]\n${"# filler\n".repeat(400)}${stamp}`), 2)
  })
})

describe("the reasons for a configuration", () => {
  it("name what asked for it", () => {
    const because = (variables: Readonly<Record<string, string>>, list: string) =>
      desired("[hypervisor.qemu]\n", variables, { "custom-runtimes.list": list })
        .filter((each) => each.path.includes("/custom-runtimes/"))
        .map((each) => each.because)
    const custom = because({ CUSTOM_RUNTIMES_ENABLED: "true" }, "kata-a:qemu\n").join("; ")
    assert.include(custom, "custom runtime kata-a is defined")
    assert.notInclude(custom, "variant")
    const debug = because({ DEBUG: "true" }, "").join("; ")
    assert.include(debug, "the debug variant of qemu is asked for")
    assert.notInclude(debug, "custom")
  })

  it("give each custom runtime its own drop-in of the operator's", () => {
    const found = desired(
      "[hypervisor.qemu]\n",
      { CUSTOM_RUNTIMES_ENABLED: "true" },
      {
        "custom-runtimes.list": "kata-a:qemu\nkata-b:qemu\n",
        "dropin-kata-a.toml": "a = 1\n",
        "dropin-kata-b.toml": "b = 1\n",
      },
    )
    const own = (name: string) =>
      found.flatMap(({ path, state }) =>
        path.includes(`/custom-runtimes/${name}/config.d/50`) ? [FileState.textOf(state)] : [],
      )
    assert.include(own("kata-a").join(), "a = 1")
    assert.include(own("kata-b").join(), "b = 1")
  })
})

describe("the developer image", () => {
  it("has the parameters of the first line that says something", () => {
    assert.strictEqual(KataConfig.verityParams("\n  \n root_hash=abc \nother\n"), "root_hash=abc")
    assert.isUndefined(KataConfig.verityParams(" \n\n"))
    assert.isUndefined(KataConfig.verityParams(undefined))
  })

  it("without them is told of, where it is asked for", () => {
    const codes = (devkit: boolean, hash: string | undefined) =>
      KataConfig.notices({ devkit }, hash).map((n) => n.code)
    assert.deepStrictEqual(codes(true, undefined), ["devkit-without-root-hash"])
    assert.deepStrictEqual(codes(true, "\n"), ["devkit-without-root-hash"])
    assert.deepStrictEqual(codes(true, "root_hash=abc\n"), [])
    assert.deepStrictEqual(codes(false, undefined), [])
  })
})
