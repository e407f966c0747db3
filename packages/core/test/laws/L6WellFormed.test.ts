import { Effect } from "effect"
import * as SmolToml from "smol-toml"
import { assert, describe } from "vitest"
import { type FileState, HostPath, Plan } from "../../src/index.ts"
import { law, nodeOf, scenario } from "./Generators.ts"

type Table = { readonly [key: string]: unknown }

/** Another parser than ours, so that both would have to be wrong. It knows no byte order mark. */
const parse = (text: string): Table => SmolToml.parse(text.replace(/^\uFEFF/, ""))

const at = (table: Table, ...keys: ReadonlyArray<string>): Table | undefined =>
  keys.reduce<Table | undefined>((inner, key) => inner?.[key] as Table | undefined, table)

const plugins = ["cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"]

/** Handlers by the plugin, or the place in CRI-O, that a text gives them to. */
const handlersIn = (text: string): ReadonlyArray<readonly [place: string, handlers: Table]> => {
  const table = parse(text)
  const tables = [
    ...plugins.map((plugin) => [plugin, at(table, "plugins", plugin, "containerd", "runtimes")] as const),
    ["crio", at(table, "crio", "runtime", "runtimes")] as const,
  ]
  return tables.flatMap(([place, handlers]) => (handlers === undefined ? [] : [[place, handlers] as const]))
}

const textOf = (state: FileState.FileState): string => {
  assert(state._tag === "File")
  return state.text
}

describe("L6 WellFormed", () => {
  law(
    "every file that is written parses, and Kata's own are read by the shim as the settings say",
    scenario,
    Effect.fnUntraced(function* (example) {
      const plan = yield* nodeOf(example).plan("install", example.asked)
      for (const { after, path } of Plan.puts(plan)) {
        if (after._tag === "File" && path.endsWith(".toml")) assert.isObject(parse(after.text), path)
      }
    }),
  )

  law(
    "the CRI runtime's files name exactly the handlers of the settings, in one family of tables",
    scenario,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const before = node.snapshot()[example.host.kind.main]
      const settings = node.settingsOf(example.asked)
      yield* node.run("install", example.asked)
      const { facts } = yield* node.inputs("install", example.asked)
      assert(facts.ledger._tag === "Read")
      const { edits, files, handlers, loaded } = facts.ledger.ledger
      const own = files.filter((f) => f.stage === "cri").map((f) => f.path)
      const texts = [...new Set([...loaded, ...own])]
        .filter((path) => own.includes(path) || edits.some((e) => e.path === path))
        .map((path) => facts.files.get(path)!)
        .filter((state) => state._tag === "File" && state.text !== before?.["text" as never])
      const operators =
        before?._tag === "File" ? handlersIn(before.text).flatMap(([, h]) => Object.keys(h)) : []
      const found = texts.flatMap((state) => handlersIn(textOf(state)))
      assert.strictEqual(new Set(found.map(([place]) => place)).size, 1)
      const named = found.flatMap(([, each]) => Object.keys(each))
      const ours = settings.handlers.map((h) => h.name)
      assert.deepStrictEqual(handlers, ours)
      // containerd 1.x has runc only while nobody names a handler, so that ours bring it along.
      const theirs = new Set([...operators, "runc"])
      assert.sameMembers(
        named.filter((name) => !theirs.has(name)),
        ours,
      )
      for (const [place, each] of found)
        for (const name of ours.filter((n) => n in each)) {
          const config = at(each, name, ...(place === "crio" ? [] : ["options"]))
          const path = config?.[place === "crio" ? "runtime_config_path" : "ConfigPath"]
          const state = facts.files.get(HostPath.make(String(path)))
          assert.strictEqual(state?._tag, "File", `the configuration ${String(path)} of ${name} is there`)
        }
    }),
  )

  law(
    "an edited main config means what it meant, and imports our drop-ins once",
    scenario,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const { main } = example.host.kind
      const before = node.look(main)
      yield* node.run("install", example.asked)
      const after = node.look(main)
      const { facts } = yield* node.inputs("install", example.asked)
      assert(facts.ledger._tag === "Read")
      const edit = facts.ledger.ledger.edits[0]
      if (edit?.kind !== "import") return
      assert(before._tag === "File" || before._tag === "Absent")
      const { imports: old = [], ...meant } = parse(before._tag === "File" ? before.text : textOf(after))
      const { imports, ...means } = parse(textOf(after))
      assert.deepStrictEqual(means, meant)
      if (before._tag === "File")
        assert.deepStrictEqual(imports, [...(old as Array<string>), ...edit.elements])
      else assert.deepStrictEqual(imports, edit.elements)
    }),
  )
})
