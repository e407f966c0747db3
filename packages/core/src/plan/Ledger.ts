/**
 * Answers: what on this host is ours? The ledger lies in the state directory of its instance and records every
 * path that we own with its digest, and every edit in files that are not ours. Source: decisions §3, §4.
 */
import { Result, Schema } from "effect"
import type { FileState } from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import { ModeChoice } from "../model/ModeChoice.ts"
import { PathSchema } from "./Change.ts"

/** A file or link that came out of a component archive; `path` is relative to the install directory. */
export const OwnedEntry = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("file"),
    path: Schema.String,
    /** SHA-256 in lower-case hexadecimal. */
    sha256: Schema.String,
    /** Permission bits. */
    mode: Schema.Int,
    /** Bytes. */
    size: Schema.Int,
    /**
     * When the bytes were last written and when anything about the file last changed (its inode's ctime, which nobody
     * can set), in milliseconds since the epoch, as they were when it had this digest. Left out where nobody looked
     * after the file was in its place, as by early releases.
     */
    modifiedMs: Schema.optionalKey(Schema.Number),
    changedMs: Schema.optionalKey(Schema.Number),
  }),
  Schema.Struct({ type: Schema.Literal("link"), path: Schema.String, target: Schema.String }),
  Schema.Struct({ type: Schema.Literal("directory"), path: Schema.String }),
])
/** A file, link or directory that came out of a component archive. */
export type OwnedEntry = typeof OwnedEntry.Type

/**
 * How a component archive is recognised: by digest; size (bytes), time (ms) and inode (decimal) let us skip computing
 * it again.
 */
export const ArchiveId = Schema.Struct({
  /**
   * Lower-case hexadecimal. `null` in a plan, for an archive that has to be unpacked whatever its digest is: it is read
   * once, and the engine fills in what came of that.
   */
  sha256: Schema.NullOr(Schema.String),
  size: Schema.Int,
  modifiedMs: Schema.Number,
  inode: Schema.optionalKey(Schema.String),
})
/** How a component archive is recognised. */
export type ArchiveId = typeof ArchiveId.Type

/** A component that is unpacked in the install directory. */
export const OwnedComponent = Schema.Struct({
  name: Schema.String,
  archive: ArchiveId,
  entries: Schema.Array(OwnedEntry),
  /** Set where no setting asks for it any more; it goes once the CRI runtime offers no handler that needs it. */
  unused: Schema.optionalKey(Schema.Literal(true)),
})
/** A component that is unpacked in the install directory. */
export type OwnedComponent = typeof OwnedComponent.Type

/** A whole file or link outside the archives that is ours. `stage` is the stage that answers for it. */
export const OwnedFile = Schema.Struct({
  path: PathSchema,
  stage: Schema.Literals(["artifacts", "cri"]),
  /**
   * SHA-256 of the bytes in hexadecimal, or `link:<target>`. `null` in a plan, for a file that its stage is about to
   * write: the engine fills it in, so that planning does not digest what nobody may ever write.
   */
  digest: Schema.NullOr(Schema.String),
  /** Set where no setting asks for it any more; it goes once the CRI runtime offers no handler that needs it. */
  unused: Schema.optionalKey(Schema.Literal(true)),
})
/** A whole file or link outside the archives that is ours. */
export type OwnedFile = typeof OwnedFile.Type

/** What we added to a file of somebody else. */
export const Edit = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("import"),
    path: PathSchema,
    /** The elements that we added to `imports`. */
    elements: Schema.Array(Schema.String),
    /** Whether the whole file is our creation. */
    createdFile: Schema.Boolean,
    /** The lines around the edit as they were, and as we left them; replacing one by the other is the exact undo. */
    region: Schema.Struct({
      before: Schema.String,
      after: Schema.String,
      /** Set where the key `imports` itself is the creation of another install, so that the last one takes it away. */
      createdKey: Schema.optionalKey(Schema.Literal(true)),
    }),
  }),
  Schema.Struct({
    kind: Schema.Literal("block"),
    path: PathSchema,
    createdFile: Schema.Boolean,
    /** The text that we put in, marker lines and all. */
    block: Schema.String,
  }),
  Schema.Struct({
    /** Handlers that an installer without a ledger wrote into the file; told by the programs that they start. */
    kind: Schema.Literal("tables"),
    path: PathSchema,
    createdFile: Schema.Boolean,
    /** The install directory that the programs lie in. */
    below: PathSchema,
    /** The file as that installer found it, where it kept a copy. */
    backup: Schema.NullOr(Schema.String),
  }),
])
/** What we added to a file of somebody else. */
export type Edit = typeof Edit.Type

/** Everything that one instance owns on this host. */
export const Ledger = Schema.Struct({
  schemaVersion: Schema.Literal(1),
  kind: Schema.Literal("ledger"),
  /** Instance name: the suffix or `default`. */
  instance: Schema.String,
  /** The install directory that the ledger is for; left out by early releases. */
  installDir: Schema.optionalKey(PathSchema),
  /** Version of the program that wrote this. */
  release: Schema.String,
  /** The CRI runtime that was configured. */
  runtime: Schema.String,
  /** Runtime handlers that were written. */
  handlers: Schema.Array(Schema.String),
  /** Digest over the files that the runtime loads, at the last restart that we saw succeed; `null` when none was. */
  startedWith: Schema.NullOr(Schema.String),
  /**
   * A restart that was asked for and not seen to its end, because it may end this program as well: the digest that it
   * loads, and when the runtime had become active before (milliseconds since the epoch; `null` when unknown).
   */
  restarting: Schema.optionalKey(Schema.Struct({ with: Schema.String, since: Schema.NullOr(Schema.Number) })),
  /**
   * Set where configuration of ours was taken back that the runtime has loaded: a restart is due until it became active
   * anew. When it had become active before (milliseconds since the epoch; 0 when it did not run, `null` when unknown).
   */
  restartDue: Schema.optionalKey(
    Schema.Struct({
      since: Schema.NullOr(Schema.Number),
      /** Set where the operator leaves it to another install on the node, so that nobody waits for it. */
      leftTo: Schema.optionalKey(Schema.Literal("others")),
    }),
  ),
  /** The files that the runtime loads, in the order of loading; what `startedWith` is a digest over. */
  loaded: Schema.Array(PathSchema),
  components: Schema.Array(OwnedComponent),
  files: Schema.Array(OwnedFile),
  /** Directories that we created, parents first; they go when empty. */
  directories: Schema.Array(PathSchema),
  edits: Schema.Array(Edit),
  /** Set where an install without a ledger was taken over: all below the install directory is ours. */
  adopted: Schema.optionalKey(Schema.Literal("everything")),
  /** Modes of nydus that were chosen on this node over the settings; left out where there are none. */
  modes: Schema.optionalKey(Schema.Array(ModeChoice)),
}).annotate({ identifier: "Ledger" })
/** Everything that one instance owns on this host. */
export type Ledger = typeof Ledger.Type

/** The ledger's text codec. */
const Text = Schema.fromJsonString(Ledger)

/** Reads a ledger from its text; fails on anything that is not a ledger of a schema version that we know. */
export const decode = Schema.decodeUnknownResult(Text)

/** What is at a ledger's path, read: nothing, a ledger, or something that cannot be read and may be one. */
export type Reading =
  | { readonly _tag: "None" }
  | { readonly _tag: "Read"; readonly ledger: Ledger }
  | { readonly _tag: "Unreadable"; readonly why: string }

/** Reads what is at a ledger's path; never takes what cannot be read for nothing. */
export const from = (state: FileState): Reading => {
  if (state._tag === "Absent") return { _tag: "None" }
  if (state._tag !== "File") {
    const why = state._tag === "Unreadable" ? state.detail : `it is a ${state._tag.toLowerCase()}`
    return { _tag: "Unreadable", why }
  }
  return Result.match(decode(state.text), {
    onFailure: (): Reading => ({
      _tag: "Unreadable",
      why: "it is no ledger of a version that this program knows",
    }),
    onSuccess: (ledger): Reading => ({ _tag: "Read", ledger }),
  })
}

/** A list with one member to a line. */
const lines = (members: ReadonlyArray<string>): string =>
  members.length === 0 ? "[]" : `[\n${members.join(",\n")}\n]`

/** JSON that people can read, in which the empty list at `key` is the given one instead. */
const withList = (json: object, key: string, list: string): string =>
  // No string of JSON has a line break, so this line is the key and nothing else.
  JSON.stringify({ ...json, [key]: [] }, null, 1).replace(`\n "${key}": []`, () => `\n "${key}": ${list}`)

/** The ledger as it is written to the host: an entry takes one line, since there are thousands. */
export const encode = (ledger: Ledger): string => {
  const encoded = Schema.encodeSync(Ledger)(ledger)
  const components = encoded.components.map((component) =>
    withList(component, "entries", lines(component.entries.map((entry) => JSON.stringify(entry)))),
  )
  return `${withList(encoded, "components", lines(components))}\n`
}

/** Recorded as an archive's digest where it is not known to be unpacked whole; no real one equals it. */
export const unfinished = "unfinished"

/** A ledger that owns nothing yet. */
export const empty = (instance: string, release: string, runtime: string): Ledger => ({
  schemaVersion: 1,
  kind: "ledger",
  instance,
  release,
  runtime,
  handlers: [],
  startedWith: null,
  loaded: [],
  components: [],
  files: [],
  directories: [],
  edits: [],
})

/** Whether nothing on the host is owned any more, directories left aside. */
export const ownsNothing = (ledger: Ledger): boolean =>
  ledger.components.length === 0 &&
  ledger.files.length === 0 &&
  ledger.edits.length === 0 &&
  ledger.adopted === undefined

/** A ledger with these chosen modes and no others. */
export const withModes = (ledger: Ledger, modes: ReadonlyArray<ModeChoice>): Ledger => {
  const { modes: _, ...others } = ledger
  return modes.length === 0 ? others : { ...ledger, modes }
}

/** What a stage did that could not be known when it was planned. */
export interface Settled {
  /** What each component put down, by name. */
  readonly extracted: ReadonlyMap<string, ReadonlyArray<OwnedEntry>>
  /** SHA-256 of the archive that each of these components came out of, by name. */
  readonly digests: ReadonlyMap<string, string>
  /** Directories that unpacking created. */
  readonly created: ReadonlyArray<HostPath>
  /** Directories that were empty and went. */
  readonly gone: ReadonlyArray<HostPath>
}

/** A ledger with the digests of files that were not digested yet, as far as `digestAt` knows them. */
export const withDigests = (ledger: Ledger, digestAt: (path: HostPath) => string | undefined): Ledger => ({
  ...ledger,
  files: ledger.files.map((file) =>
    file.digest === null ? { ...file, digest: digestAt(file.path) ?? null } : file,
  ),
})

/** What two ledgers can be told apart by without any digest. */
const outline = (ledger: Ledger): string =>
  JSON.stringify([
    { ...ledger, files: undefined, components: undefined },
    ledger.files.map((file) => [file.path, file.unused]),
    ledger.components.map((component) => [
      component.name,
      component.unused,
      component.archive.sha256,
      component.entries.length,
    ]),
  ])

/** Entries are many, and those of a component that stays are the very same objects. */
const haveSameEntries = (a: ReadonlyArray<OwnedComponent>, b: ReadonlyArray<OwnedComponent>): boolean =>
  a.every(({ entries }, at) => {
    const others = b[at]!.entries
    return entries.every(
      (entry, i) => entry === others[i] || JSON.stringify(entry) === JSON.stringify(others[i]),
    )
  })

const withoutEntries = (ledger: Ledger): Ledger => ({
  ...ledger,
  components: ledger.components.map((component) => ({ ...component, entries: [] })),
})

/** Whether a planned ledger says what `before` says; digests are asked for only where nothing else differs. */
export const isSame = (
  before: Ledger,
  planned: Ledger,
  digestAt: (path: HostPath) => string | undefined,
): boolean =>
  before.files.length === planned.files.length &&
  outline(before) === outline(planned) &&
  haveSameEntries(before.components, planned.components) &&
  encode(withoutEntries(before)) === encode(withoutEntries(withDigests(planned, digestAt)))

/**
 * A planned ledger with what really happened filled in. Directories are recorded once for the whole instance and
 * only where we created them, so that one that somebody else made stays even when it is empty.
 */
export const settle = (ledger: Ledger, { created, digests, extracted, gone }: Settled): Ledger => ({
  ...ledger,
  directories: [...new Set([...ledger.directories, ...created])].filter((d) => !gone.includes(d)).sort(),
  components: ledger.components.map((component) => {
    const entries = extracted.get(component.name)
    if (entries === undefined) return component
    const sha256 = digests.get(component.name) ?? component.archive.sha256 ?? unfinished
    return {
      ...component,
      archive: { ...component.archive, sha256 },
      entries: entries.filter((entry) => entry.type !== "directory"),
    }
  }),
})

/** What helps where a ledger cannot be read. */
export const whenUnreadable =
  "Where a newer release wrote it, use that one; else restore it, or give this program permission to read it. Where it is broken for good, move ledger.json and journal/ away: the next run goes by what lies on the host."

/** Where the ledger of a state directory lies. */
export const pathIn = (stateDir: HostPath): HostPath => `${stateDir}/ledger.json` as HostPath
