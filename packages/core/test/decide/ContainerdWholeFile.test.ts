import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import * as SmolToml from "smol-toml"
import { type ContainerdVersion, ContainerdWholeFile, HostPath } from "../../src/index.ts"
import { rootFile, textOf } from "./ContainerdFiles.ts"

const path = HostPath.make("/etc/containerd/config.toml")

const handlers = {
  "kata-qemu": { runtime_type: "io.containerd.kata-qemu.v2", options: { ConfigPath: "/opt/kata/q.toml" } },
  "kata-clh": { runtime_type: "io.containerd.kata-clh.v2", options: { ConfigPath: "/opt/kata/c.toml" } },
}

/** What a main config without any handler gets: naming one takes containerd's own `runc` away. */
const withRunc = { runc: { runtime_type: "io.containerd.runc.v2" }, ...handlers }

const splice = (text: string, rest: Partial<ContainerdWholeFile.SpliceInput> = {}) =>
  ContainerdWholeFile.splice({ path, text, instance: "default", schema: 2, handlers, debug: false, ...rest })

const spliced = (text: string, rest: Partial<ContainerdWholeFile.SpliceInput> = {}) =>
  Result.getOrThrow(splice(text, rest)).text

const refusal = (text: string, rest: Partial<ContainerdWholeFile.SpliceInput> = {}) =>
  Result.getOrThrow(Result.flip(splice(text, rest)))

const cut = (text: string, instance = "default") => ContainerdWholeFile.cut(text, instance)

const meaning = (text: string): Record<string, unknown> =>
  SmolToml.parse(text.replace(/^\uFEFF/, "").replace(/^\{\{[^\n]*\n/, ""))

const runtimes = (text: string, plugin = "io.containerd.grpc.v1.cri"): unknown =>
  ["plugins", plugin, "containerd", "runtimes"].reduce<unknown>(
    (table, key) => (table as Record<string, unknown> | undefined)?.[key],
    meaning(text),
  )

const texts = rootFile.map(textOf)

describe("ContainerdWholeFile", () => {
  it("cutting takes out exactly what splicing put in", () => {
    fc.assert(
      fc.property(texts, fc.boolean(), (text, debug) => {
        assert.strictEqual(cut(spliced(text, { debug })), text)
      }),
      { numRuns: 120 },
    )
  })

  it("splicing adds the handlers and changes the meaning of nothing else", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const after = spliced(text)
        assert.isTrue(after.startsWith(text))
        assert.deepStrictEqual(runtimes(after), withRunc)
        const { plugins: before, ...rest } = meaning(text)
        const { plugins, ...others } = meaning(after)
        assert.deepStrictEqual(others, rest)
        assert.sameMembers(Object.keys(plugins as object), [
          ...new Set([...Object.keys(before ?? {}), "io.containerd.grpc.v1.cri"]),
        ])
      }),
      { numRuns: 120 },
    )
  })

  it("splicing twice is splicing once", () => {
    fc.assert(
      fc.property(texts, fc.boolean(), (text, debug) => {
        const once = spliced(text, { debug })
        assert.strictEqual(spliced(once, { debug }), once)
      }),
    )
  })

  it("replaces an older block of ours instead of adding a second one", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const older = spliced(text, { handlers: { "kata-fc": { runtime_type: "io.containerd.kata-fc.v2" } } })
        assert.strictEqual(spliced(older), spliced(text))
      }),
    )
  })

  it("uses the line ending of the file throughout", () => {
    const after = spliced("version = 2\r\n[plugins]\r\n")
    assert.strictEqual(after.replaceAll("\r\n", "").includes("\n"), false)
    assert.notInclude(spliced("version = 2\n"), "\r")
  })

  it("keeps what somebody wrote behind the block, on a line of its own", () => {
    for (const [text, left] of [
      ["version = 2", "version = 2\n[debug]\n"],
      ["version = 2\n", "version = 2\n[debug]\n"],
      ["version = 2\r\n[a]", "version = 2\r\n[a]\r\n[debug]\n"],
      ["", "[debug]\n"],
    ] as const) {
      assert.strictEqual(cut(`${spliced(text)}[debug]\n`), left)
    }
  })

  it("stays where it is when somebody wrote behind it and nothing of ours changes", () => {
    const edited = `${spliced("version = 2\n")}[debug]\nlevel = "warn"\n`
    assert.strictEqual(spliced(edited), edited)
  })

  it("moves behind what somebody wrote when our tables change", () => {
    const edited = `${spliced("version = 2\n", { handlers: { "kata-fc": {} } })}[debug]\n`
    assert.strictEqual(spliced(edited), spliced("version = 2\n[debug]\n"))
  })

  it("tells blocks of instances apart whose names begin alike", () => {
    const two = ContainerdWholeFile.block("b", { y: { a: 1 } }, "\n")
    const text = `version = 2\n${ContainerdWholeFile.block("bb", { x: { a: 1 } }, "\n")}${two}`
    assert.strictEqual(cut(text, "b"), text.slice(0, -two.length))
    assert.strictEqual(cut(cut(text, "b")!, "bb"), "version = 2\n")
    assert.isUndefined(cut(text, "default"))
  })

  it("takes a mark for a mark only on a line of its own", () => {
    const block = ContainerdWholeFile.block("default", { x: { a: 1 } }, "\n")
    const mark = block.split("\n")[1]!
    assert.isUndefined(cut(`a = "${mark}"\n${block.replace(mark, "# gone")}`))
    assert.isUndefined(cut(block.slice(0, block.lastIndexOf("# <<<"))))
    assert.strictEqual(cut(`a = 1 ${mark}\n${block}b = 2\n`), `a = 1 ${mark}\nb = 2\n`)
    assert.strictEqual(cut(`${mark}!\n${block}`), `${mark}!\n`)
    assert.strictEqual(cut(`${mark} \n${block}`), `${mark} \n`)
  })

  it("finds the block also at the very beginning of a file, and where the last line break was lost", () => {
    const block = ContainerdWholeFile.block("default", { x: { a: 1 } }, "\n")
    assert.strictEqual(cut(block.slice(1)), "")
    assert.strictEqual(cut(`${block.slice(1)}a = 1\n`), "a = 1\n")
    assert.strictEqual(cut(`version = 2\n${block.slice(0, -1)}`), "version = 2\n")
  })

  describe("a key for the CRI's own table", () => {
    const plugin = "io.containerd.grpc.v1.cri"
    const key = "disable_snapshot_annotations"
    const extraTables = {
      plugins: { [plugin]: { containerd: { [key]: false } } },
      proxy_plugins: { nydus: { type: "snapshot" } },
    }
    const containerd = (text: string) =>
      (meaning(text)["plugins"] as Record<string, Record<string, Record<string, unknown>>>)[plugin]![
        "containerd"
      ]!

    it("goes into that table where the file has it, and out again with the block", () => {
      const text = `[plugins."${plugin}".containerd]\nsnapshotter = "overlayfs"\n${key} = true\n[debug]\n`
      const after = spliced(text, { extraTables })
      assert.strictEqual(containerd(after)[key], false)
      assert.strictEqual(containerd(after)["snapshotter"], "overlayfs")
      assert.deepStrictEqual(meaning(after)["proxy_plugins"], { nydus: { type: "snapshot" } })
      assert.strictEqual(cut(after), text)
      assert.strictEqual(spliced(after, { extraTables }), after)
    })

    it("is set anew where somebody took it out and left the block", () => {
      const text = `[plugins."${plugin}".containerd]\nsnapshotter = "overlayfs"\n`
      const after = spliced(text, { extraTables })
      const taken = after.replace(new RegExp(`^${key} = .*\n`, "m"), "")
      assert.notStrictEqual(taken, after)
      assert.strictEqual(spliced(taken, { extraTables }), after)
    })

    it("goes into the block where the file does not have the table, and no key is no key", () => {
      assert.strictEqual(containerd(spliced("version = 2\n", { extraTables }))[key], false)
      const text = `[plugins."${plugin}".containerd]\nsnapshotter = "overlayfs"\n`
      const { proxy_plugins } = extraTables
      const after = spliced(text, { extraTables: { proxy_plugins } })
      assert.notProperty(containerd(after), key)
      assert.deepStrictEqual(meaning(after)["proxy_plugins"], proxy_plugins)
    })
  })

  for (const [schema, plugin] of [
    [1, "cri"],
    [2, "io.containerd.grpc.v1.cri"],
    [3, "io.containerd.cri.v1.runtime"],
    [4, "io.containerd.cri.v1.runtime"],
  ] as const satisfies ReadonlyArray<readonly [ContainerdVersion.ConfigSchema, string]>) {
    it(`writes the handlers of schema ${schema} below ${plugin}`, () => {
      assert.deepStrictEqual(runtimes(spliced("", { schema }), plugin), withRunc)
    })
  }

  it("leaves runc to the operator where the file names any handler", () => {
    const named = "[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.crun]\nruntime_type = 'c'\n"
    assert.deepStrictEqual(runtimes(spliced(named)), { crun: { runtime_type: "c" }, ...handlers })
    const none = "[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes]\n"
    assert.deepStrictEqual(runtimes(spliced(none)), withRunc)
  })

  it("asks for debug logs only where the operator has no debug table", () => {
    assert.deepStrictEqual(meaning(spliced("", { debug: true }))["debug"], { level: "debug" })
    assert.deepStrictEqual(meaning(spliced("[debug]\n", { debug: true }))["debug"], {})
    assert.isUndefined(meaning(spliced(""))["debug"])
  })

  it("refuses a handler table that is there and not ours, and names it", () => {
    const problem = refusal(
      "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.kata-qemu]\nruntime_type = 'x'\n",
    )
    assert.strictEqual(problem.code, "E_HANDLER_TABLE_TAKEN")
    assert.strictEqual(problem.path, path)
    assert.include(problem.message, '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata-qemu]')
    assert.notInclude(problem.message, "kata-clh")
  })

  it("is not disturbed by handler tables of other names or of another schema's plugin", () => {
    const text =
      "[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.kata-qemu-dev]\n[plugins.cri.containerd.runtimes.kata-qemu]\n"
    assert.strictEqual(cut(spliced(text)), text)
  })

  for (const [layout, text] of [
    ["the whole plugins table", "plugins = { 'io.containerd.grpc.v1.cri' = { sandbox_image = 'p' } }\n"],
    ["the CRI plugin", "[plugins]\n'io.containerd.grpc.v1.cri' = { sandbox_image = 'p' }\n"],
    [
      "the runtimes table",
      "[plugins.'io.containerd.grpc.v1.cri'.containerd]\nruntimes = { runc = { runtime_type = 'r' } }\n",
    ],
  ] as const) {
    it(`refuses a file that writes ${layout} as an inline table`, () => {
      const problem = refusal(text)
      assert.strictEqual(problem.code, "E_MAIN_CONFIG_LAYOUT")
      assert.include(problem.message, path)
    })
  }

  it("refuses a file that is no TOML, with or without our block in it", () => {
    assert.strictEqual(refusal("version = \n").code, "E_CONTAINERD_CONFIG_NOT_TOML")
    assert.strictEqual(refusal(`= =${spliced("")}`).code, "E_CONTAINERD_CONFIG_NOT_TOML")
  })
})
