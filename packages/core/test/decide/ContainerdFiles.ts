/** Generated main configs of containerd as operators write them: every layout that TOML allows in front of tables. */
import * as fc from "fast-check"

/** A generated file in three parts, so that tests can edit around the middle one. */
export interface RootFile {
  readonly before: string
  /** The statement that sets `imports`, or nothing. */
  readonly imports: string
  readonly after: string
}

/** Statements with keys of their own; several look like headers or imports and are none. */
const statements: ReadonlyArray<string> = [
  "version = 2",
  "  root = '/var/lib/containerd' # indented",
  'state = "/run/a \\" # \\\\" # a quote and a hash in a string',
  "oom_score = -999",
  "disabled_plugins = [\n  'a', # ]\n  # \"b\",\n]",
  "nested = [\n  [1, 2],\n  [3],\n]",
  'script = """\n[plugins]\nimports = ["x"]\n\\""""',
  "raw = '''\n[[a]]\nit's''''",
  "grpc.address = '/run/containerd.sock'",
  '"quoted = key" = 1979-05-27T07:32:00Z',
  "timeouts = { 'a.b' = '5s', list = [1.0, inf] }",
  "huge = 0xDEADBEEF\t",
]

const remarks: ReadonlyArray<string> = [
  "",
  "# plain",
  "  # imports = ['not', 'really']",
  "#[plugins]",
  "\t",
  "# \"\"\" ''' [ {",
]

/** Layouts of `imports`; all of them hold `/a.toml` or nothing. */
const importLayouts: ReadonlyArray<string> = [
  "imports = []",
  "imports = [ ] # none yet",
  "imports = [ # open\n]",
  "imports = [\n]",
  "imports=['/a.toml']",
  '"imports" = ["/a.toml"] # keep',
  "  'imports' = [ '/a.toml' , ]",
  "imports = [\n  '/a.toml'\n]",
  "imports = [\n\t'/a.toml', # one\n\t# two\n]",
  "imports = [\n  '/a.toml' # one\n  , '/b]#.toml'\n]",
  "imports = ['/a.toml', # one\n  '/b.toml',\n\n  # last\n\n  ] # end",
  "imports = [\n'/a.toml', '/a.toml'\n, ]",
]

const tables: ReadonlyArray<string> = [
  "[plugins]",
  "  [plugins.'io.containerd.grpc.v1.cri']\n    sandbox_image = 'pause'",
  "# about the table\n[debug]\nimports = ['inner']",
  "[[extra]]\nname = '''\n[x]\n'''",
]

const lines = (pieces: ReadonlyArray<string>, newline: string): string =>
  pieces
    .map((piece) => `${piece}\n`)
    .join("")
    .replaceAll("\n", newline)

const pieces = (items: ReadonlyArray<string>) =>
  fc.subarray([...items]).chain((some) => fc.shuffledSubarray(some, { minLength: some.length }))

const section = fc
  .tuple(
    pieces(statements),
    fc.array(fc.constantFrom(...remarks), { maxLength: 5 }),
    fc.infiniteStream(fc.boolean()),
  )
  .map(([own, others, coin]) => {
    const mixed: Array<string> = []
    const left = [...others]
    for (const piece of own) {
      while (left.length > 0 && coin.next().value) mixed.push(left.pop()!)
      mixed.push(piece)
    }
    return [...mixed, ...left]
  })

/** Any main config. */
export const rootFile: fc.Arbitrary<RootFile> = fc
  .record({
    start: fc.constantFrom("", "", "\uFEFF", '{{ template "base" . }}\n'),
    root: section,
    cut: fc.nat(20),
    imports: fc.option(fc.constantFrom(...importLayouts), { nil: undefined }),
    tables: fc.subarray([...tables]),
    newline: fc.constantFrom("\n", "\r\n"),
    final: fc.boolean(),
  })
  .map(({ cut, final, imports, newline, root, start, tables }) => {
    const at = Math.min(cut, root.length)
    const parts = {
      before: start.replaceAll("\n", newline) + lines(root.slice(0, at), newline),
      imports: lines(imports === undefined ? [] : [imports], newline),
      after: lines([...root.slice(at), ...tables], newline),
    }
    if (final) return parts
    const open = parts.after !== "" ? "after" : parts.imports !== "" ? "imports" : "before"
    // A template line without its line break would swallow whatever is put behind it.
    return open === "before" && root.length === 0
      ? parts
      : { ...parts, [open]: parts[open].replace(/\r?\n$/, "") }
  })

/** The whole text of a generated file. */
export const textOf = (file: RootFile): string => file.before + file.imports + file.after
