/** Answers the vectors about unpacking: real archives on a real tree. */
import fs from "node:fs"
import { dirname, join } from "node:path"
import zlib from "node:zlib"
import { ArchiveEntry, type HostError, HostPath } from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"
import { Effect, Result, Schema } from "effect"
import { pack } from "tar-stream"
import { packed, portOver, sampleHost } from "../SampleHost.ts"

const optional = Schema.optionalKey(Schema.String)

const Entry = Schema.Struct({
  type: Schema.Literals(["file", "dir", "symlink", "hardlink"]),
  path: Schema.String,
  mode: optional,
  content: optional,
  target: optional,
})
type Entry = typeof Entry.Type

const Archive = Schema.Struct({
  destDir: Schema.String,
  entries: Schema.Array(Entry),
  existing: Schema.optionalKey(Schema.Array(Entry)),
})

const Expected = Schema.Struct({
  tree: Schema.optionalKey(Schema.Array(Entry)),
  skipped: Schema.optionalKey(Schema.Array(Schema.String)),
  error: optional,
})

const tarTypes = { file: "file", dir: "directory", symlink: "symlink", hardlink: "link" } as const

const archiveOf = async (entries: ReadonlyArray<Entry>): Promise<Buffer> => {
  const packing = pack()
  for (const entry of entries) {
    const header = {
      name: entry.path,
      type: tarTypes[entry.type],
      ...(entry.mode === undefined ? {} : { mode: Number.parseInt(entry.mode, 8) }),
      ...(entry.target === undefined ? {} : { linkname: entry.target }),
    }
    packing.entry(header, entry.type === "file" ? (entry.content ?? "") : "")
  }
  return zlib.zstdCompressSync(await packed(packing))
}

const plant = (directory: string, entry: Entry): void => {
  const path = join(directory, entry.path)
  fs.mkdirSync(dirname(path), { recursive: true })
  if (entry.type === "dir") fs.mkdirSync(path, { recursive: true })
  else if (entry.type === "symlink") fs.symlinkSync(entry.target ?? "", path)
  else fs.writeFileSync(path, entry.content ?? "")
}

const typeOf = (stats: fs.Stats): string =>
  stats.isSymbolicLink() ? "symlink" : stats.isDirectory() ? "dir" : "file"

const modeOf = (stats: fs.Stats): string => (stats.mode & 0o7777).toString(8).padStart(4, "0")

/** What differs from an expected entry; only what it speaks of is looked at. */
const entryDifference = (directory: string, expected: Entry): string | undefined => {
  const path = join(directory, expected.path)
  const stats = fs.lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return `${expected.path} is not there`
  const target = (): string => fs.readlinkSync(path)
  const isHardLink =
    expected.type === "hardlink" && fs.lstatSync(join(directory, expected.target ?? "")).ino === stats.ino
  const found = {
    type: isHardLink ? "hardlink" : typeOf(stats),
    mode: expected.mode === undefined ? undefined : modeOf(stats),
    target: isHardLink ? expected.target : expected.target === undefined ? undefined : target(),
    content: expected.content === undefined ? undefined : fs.readFileSync(path, "utf8"),
  }
  const wanted = {
    type: expected.type,
    mode: expected.mode,
    target: expected.target,
    content: expected.content,
  }
  return JSON.stringify(found) === JSON.stringify(wanted)
    ? undefined
    : `${expected.path}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(found)}`
}

/** Files and links below a directory, ours for the state left out. */
const inventory = (directory: string): ReadonlyArray<string> =>
  fs
    .readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => !path.startsWith(".kata-deploy"))
    .filter((path) => !fs.lstatSync(join(directory, path)).isDirectory())

/** Which of the vectors' errors a refusal is, by what it says. */
const errorOf = ({ reason }: HostError.HostError): string => {
  const detail = "detail" in reason ? reason.detail : reason._tag
  if (/hard link/.test(detail)) return "E_LINK_ESCAPE"
  if (/directory of somebody else is in the way/.test(detail)) return "E_IS_DIRECTORY"
  if (/`\.\.` component/.test(detail)) return "E_PATH_TRAVERSAL"
  return /link/.test(detail) ? "E_PATH_ESCAPE" : `${reason._tag}: ${detail}`
}

interface Unpacked {
  readonly directory: string
  readonly error: string | undefined
}

/** Unpacks the entries as one component over what exists, and shows the tree to `look`. */
const unpack = <A>(input: typeof Archive.Type, look: (unpacked: Unpacked) => A): Promise<A> =>
  Effect.gen(function* () {
    const host = yield* sampleHost({})
    const directory = join(host.root, input.destDir)
    fs.mkdirSync(join(directory, ".kata-deploy/staging"), { recursive: true })
    for (const entry of input.existing ?? []) plant(directory, entry)
    const bytes = yield* Effect.promise(() => archiveOf(input.entries))
    fs.writeFileSync(join(host.artifacts, "it.tar.zst"), bytes)
    const into = HostPath.make(input.destDir)
    const extraction = portOver(host).extract(
      {
        _tag: "Extract",
        into,
        staging: HostPath.join(into, ".kata-deploy/staging"),
        components: [
          {
            name: "it",
            archive: "it.tar.zst",
            id: { sha256: "", size: bytes.length, modifiedMs: 0 },
            replaces: [],
          },
        ],
        except: [],
        owned: "everything",
      },
      () => Effect.void,
      () => Effect.void,
    )
    const result = yield* Effect.result(Effect.flatMap(extraction, (done) => done.commit))
    return look({ directory, error: Result.isFailure(result) ? errorOf(result.failure) : undefined })
  }).pipe(Effect.scoped, Effect.runPromise)

const skippedOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> =>
  entries.filter(({ path }) => ArchiveEntry.place(path)._tag === "Outside").map(({ path }) => path)

const archive = (input: typeof Archive.Type, expected: typeof Expected.Type): Promise<Vectors.Verdict> =>
  unpack(input, ({ directory, error }) => {
    if (error !== expected.error) return Vectors.compare({ error: expected.error }, { error })
    if (error !== undefined) return Vectors.passed
    const tree = expected.tree ?? []
    const surplus = inventory(directory).filter((path) => !tree.some((entry) => entry.path === path))
    return Vectors.verdictOf([
      ...tree.flatMap((entry) => entryDifference(directory, entry) ?? []),
      ...surplus.map((path) => `${path} should not be there`),
      ...(expected.skipped === undefined
        ? []
        : Vectors.differences(expected.skipped, skippedOf(input.entries))),
    ])
  })

const Permissions = Schema.Struct({
  tree: Schema.Array(Schema.Struct({ path: Schema.String, mode: Schema.String })),
})

const permissions = ({ tree }: typeof Permissions.Type): Promise<object> =>
  unpack(
    {
      destDir: "/opt/kata",
      entries: tree.map(({ mode, path }) => ({ type: "file" as const, path: `opt/kata/${path}`, mode })),
    },
    ({ directory }) =>
      Object.fromEntries(tree.map(({ path }) => [path, modeOf(fs.lstatSync(join(directory, path)))])),
  )

/** Runner of the sections of `05-artifacts` that are about unpacking. */
export const runner: Vectors.Runner = {
  file: "05-artifacts",
  sections: {
    archive: (vector) =>
      Result.match(
        Result.all([Vectors.read(Archive, vector.input), Vectors.read(Expected, vector.expected)]),
        {
          onFailure: (why) => Promise.resolve(Vectors.failed(why)),
          onSuccess: ([input, expected]) => archive(input, expected),
        },
      ),
    executablePermissions: (vector) =>
      Result.match(Vectors.read(Permissions, vector.input), {
        onFailure: (why) => Promise.resolve(Vectors.failed(why)),
        onSuccess: async (input) => Vectors.compare(vector.expected, await permissions(input)),
      }),
  },
}
