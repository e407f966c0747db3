import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { HostPath, Recognition } from "../../src/index.ts"

const v2 = "io.containerd.grpc.v1.cri"
const v3 = "io.containerd.cri.v1.runtime"
const images = "io.containerd.cri.v1.images"

const without = (text: string) => Recognition.withoutOurs(text, HostPath.make("/opt/kata"))

const roots = [
  "",
  "\uFEFF",
  "version = 2\n",
  "# mine\n\nversion = 2 \nimports = [\n  '/a', # ]\n]\n",
  '{{ template "base" . }}\n',
]

const theirs = [
  `[plugins."${v2}"]\n  sandbox_image = 'pause'  \n`,
  `  [plugins."${v2}".containerd.runtimes.runc] # [kata-qemu]\n  # inside\n\n  runtime_type = "io.containerd.runc.v2"\t\n`,
  `[plugins.'${v2}'.containerd.runtimes.runc.options]\n\tSystemdCgroup = true\n`,
  `[ plugins . "${v3}" . containerd.runtimes.kata-clh ]\nruntime_path = "/opt/other/bin/shim"\n`,
  `[plugins."${images}".runtime_platforms.kata-clh]\nsnapshotter = 'nydus'\n`,
  `[[extra]]\nname = '''\n\n[plugins."${v2}".containerd.runtimes.kata-qemu]\nruntime_path = "/opt/kata/x"\n'''\n`,
  "[debug]\nlevel = 'info'\nlist = [\n  '[a]', # ]\n]\n",
  "[timeouts]\n",
]

const remarks = ["", "", "# about what follows", "\t ", '  # [plugins] """', "#"]

const program = `runtime_path = "/opt/kata/bin/containerd-shim-kata-v2"\n`

/** Our tables: those of one handler in each family and in each spelling, and what goes with them. */
const ours = fc
  .tuple(fc.constantFrom(v2, v3), fc.subarray([0, 1, 2, 3], { minLength: 1 }))
  .map(([plugin, which]) => [
    `[plugins."${plugin}".containerd.runtimes.kata-qemu]\nruntime_type = "io.containerd.kata-qemu.v2"\n${program}`,
    ...[
      `[plugins.'${plugin}'.containerd."runtimes".kata-qemu.options] # ours\n# inside\nConfigPath = "/opt/kata/x.toml"\n`,
      `[plugins."${images}".runtime_platforms.'kata-qemu']\nsnapshotter = "nydus"\n`,
      `  [ plugins . '${plugin}' . containerd.runtimes . "kata-dev" ]\n  ${program}\n  pod_annotations = [\n    "[a]", # ]\n  ] # end\n`,
      `["plugins"."${plugin}".containerd.runtimes.kata-fc]\n${program}options.list = [{ a = "]" }]\n`,
    ].filter((_, at) => which.includes(at)),
  ])

/** Lines of others that no table of ours may tear apart. */
const pieces = fc
  .record({
    root: fc.constantFrom(...roots),
    tables: fc.shuffledSubarray([...theirs]),
    remarks: fc.array(fc.array(fc.constantFrom(...remarks), { maxLength: 4 }), {
      minLength: 9,
      maxLength: 9,
    }),
  })
  .map(({ remarks, root, tables }) => [
    root,
    ...tables.flatMap((table, at) => [...remarks[at]!.map((remark) => `${remark}\n`), table]),
    ...remarks[8]!.map((remark) => `${remark}\n`),
  ])

const newline = fc.constantFrom("\n", "\r\n")

interface Inserted {
  readonly table: string
  readonly at: number
  /** Whether an empty line is in front of it even where none has to be. */
  readonly apart: boolean
}

/** The file with our tables in it: behind an empty line as upstream writes them, or right below what is there. */
const written = (file: ReadonlyArray<string>, inserted: ReadonlyArray<Inserted>, ending: string): string =>
  file.reduce((above, piece, index) => {
    const here = inserted.filter(({ at }) => at % file.length === index)
    return here.reduce((text, { apart, table }) => {
      const needed = text.endsWith("\n") && (apart || /\n\r?\n$/.test(text))
      return text + (needed ? ending : "") + table.replaceAll("\n", ending)
    }, above + piece)
  }, "")

describe("cutting our tables out of a file of others", () => {
  it("gives back the very bytes that were there before they were written", () => {
    const insertions = ours.chain((tables) =>
      fc.tuple(
        ...tables.map((table) =>
          fc.record({ table: fc.constant(table), at: fc.nat(60), apart: fc.boolean() }),
        ),
      ),
    )
    fc.assert(
      fc.property(pieces, insertions, newline, newline, (lines, inserted, theirEnding, ourEnding) => {
        const file = lines.map((piece) => piece.replaceAll("\n", theirEnding))
        assert.strictEqual(without(written(file, inserted, ourEnding)), file.join(""))
      }),
      { numRuns: 400 },
    )
  })

  it("leaves remarks above the next table there, and those above and below ours as well", () => {
    const kata = `[plugins."${v2}".containerd.runtimes.kata-qemu]\n${program}`
    const runc = `# about runc\n[plugins."${v2}".containerd.runtimes.runc]\nruntime_type = "x"\n`
    assert.strictEqual(
      without(`version = 2\n# above\n${kata}# below\n\n${runc}`),
      `version = 2\n# above\n# below\n\n${runc}`,
    )
  })

  it("cuts handlers that are set in their parent's table, with dotted keys or inline", () => {
    const dotted = `kata-qemu.${program}kata-fc = { runtime_path = "/opt/kata/bin/shim" } # ours\n`
    const text = (lines: string) =>
      `[plugins."${v2}".containerd.runtimes]\n  # first  \n${lines}# last\n\nrunc = { runtime_type = "x" }  \n`
    assert.strictEqual(without(text(dotted)), text(""))
  })

  it("cuts handlers out of an inline table that holds others' as well", () => {
    const cut = without(
      `[plugins."${v2}".containerd]\nruntimes = { runc = { runtime_type = "x" }, kata-qemu = { runtime_path = "/opt/kata/x" } }\n`,
    )
    assert.deepStrictEqual(
      Recognition.handlersOf(cut ?? "").map(({ name }) => name),
      ["runc"],
    )
  })

  it("finds a header that is written with escapes", () => {
    const rest = `[plugins."${v2}"]\nsandbox_image = "pause"\n`
    const cut = without(`${rest}[plugins."${v2}".containerd.runtimes."kata\\u002Dqemu"]\n${program}`)
    assert.strictEqual(cut?.trim(), rest.trim())
  })
})
