/**
 * Answers: how are facts written down? As JSON, so that a plan can be made far from its node: for a preview, for a bug
 * report, for a test. Parsed forms are left out and made again on reading. What is left out was not seen.
 */
import { Result, Schema } from "effect"
import * as KataConfig from "../decide/KataConfig.ts"
import { Outlook } from "../decide/SnapshotterData.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import { defaultInstallDir } from "../model/Instance.ts"
import { PathSchema } from "../plan/Change.ts"
import { ArchiveId, Ledger, OwnedEntry } from "../plan/Ledger.ts"
import { StageName } from "../plan/Plan.ts"
import * as Fact from "./Fact.ts"
import { type ArchivedBase, type Facts, unseen } from "./Facts.ts"
import { SettingsError } from "./Problem.ts"
import { decode as decodeSight, encode as encodeSight, factOf, SightDocument } from "./SightDocument.ts"

const Labels = Schema.Record(Schema.String, Schema.String)

const Artifacts = Schema.Struct({
  /** Where the artifact directory is, for messages. */
  directory: Schema.String,
  manifest: FileState.FileState,
  versions: FileState.FileState,
  /** Archives by component; `null` where there is none. */
  archives: Schema.Record(
    Schema.String,
    Schema.NullOr(
      Schema.Struct({ archive: Schema.String, id: ArchiveId, unpackedBytes: Schema.NullOr(Schema.Int) }),
    ),
  ),
  damaged: Schema.Array(Schema.String),
  /** Base configurations by key; `text` is the TOML of the archive with that digest. */
  bases: Schema.Record(Schema.String, Schema.Struct({ text: Schema.String, archiveSha256: Schema.String })),
  /** Names of the programs of nydus. */
  nydusPrograms: Schema.optionalKey(factOf(Schema.Array(Schema.String))),
  devkitRootHash: Schema.optionalKey(Schema.String),
})

/** The document. Everything but `files` may be left out. */
export const FactsDocument = Schema.Struct({
  schemaVersion: Schema.Literal(1),
  kind: Schema.Literal("facts"),
  /** Version of the program that makes the plan. */
  release: Schema.optionalKey(Schema.String),
  stateDir: Schema.optionalKey(PathSchema),
  namedRuntime: Schema.optionalKey(Schema.String),
  control: Schema.optionalKey(factOf(Schema.Literal("systemd"))),
  units: Schema.optionalKey(
    Schema.Record(Schema.String, factOf(Schema.Literals(["active", "inactive", "activating", "failed"]))),
  ),
  snapshotterUnits: Schema.optionalKey(
    Schema.Record(Schema.String, factOf(Schema.Literals(["active", "inactive", "activating", "failed"]))),
  ),
  /** What containerd at that socket has of each snapshotter whose data is to be purged. */
  snapshotterData: Schema.optionalKey(
    factOf(Schema.Struct({ socket: PathSchema, outlooks: Schema.Record(Schema.String, Outlook) })),
  ),
  node: Schema.optionalKey(
    factOf(
      Schema.Struct({
        containerRuntimeVersion: Schema.NullOr(Schema.String),
        labels: Labels,
        runtimeHandlers: Schema.NullOr(Schema.Array(Schema.String)),
      }),
    ),
  ),
  ownDaemonSet: Schema.optionalKey(factOf(Schema.Boolean)),
  otherDaemonSets: Schema.optionalKey(factOf(Schema.Array(Schema.String))),
  configz: Schema.optionalKey(factOf(Schema.Unknown)),
  sight: Schema.optionalKey(SightDocument),
  leftovers: Schema.optionalKey(Schema.Array(PathSchema)),
  ledger: Schema.optionalKey(
    Schema.Union([
      Schema.TaggedStruct("None", {}),
      Schema.TaggedStruct("Read", { ledger: Ledger }),
      Schema.TaggedStruct("Adopted", { ledger: Ledger }),
      Schema.TaggedStruct("Recovered", { ledger: Ledger, stages: Schema.Array(StageName) }),
      Schema.TaggedStruct("Unreadable", { why: Schema.String }),
    ]),
  ),
  /** What is at each path where something is. */
  files: Schema.Record(Schema.String, FileState.FileState),
  /** Paths that were looked at, and nothing is there. */
  absent: Schema.optionalKey(Schema.Array(PathSchema)),
  imported: Schema.optionalKey(Schema.Array(PathSchema)),
  unlisted: Schema.optionalKey(Schema.Array(Schema.Struct({ path: PathSchema, detail: Schema.String }))),
  deadEnds: Schema.optionalKey(Schema.Array(PathSchema)),
  neighbours: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        installDir: PathSchema,
        ledger: Schema.Union([
          Schema.TaggedStruct("None", {}),
          Schema.TaggedStruct("Read", { ledger: Ledger }),
          Schema.TaggedStruct("Unreadable", { why: Schema.String }),
        ]),
        handlers: Schema.Array(Schema.String),
      }),
    ),
  ),
  artifacts: Schema.optionalKey(Artifacts),
  unpacked: Schema.optionalKey(
    Schema.Struct({
      changed: Schema.Record(Schema.String, Schema.Array(Schema.String)),
      renewed: Schema.Record(Schema.String, Schema.Array(OwnedEntry)),
    }),
  ),
  freeBytes: Schema.optionalKey(factOf(Schema.Int)),
  userDropIn: Schema.optionalKey(FileState.FileState),
}).annotate({ identifier: "FactsDocument" })
/** The document. */
export type FactsDocument = typeof FactsDocument.Type

const record = <A, B>(map: ReadonlyMap<string, A>, value: (a: A) => B): Readonly<Record<string, B>> =>
  Object.fromEntries([...map].map(([key, a]) => [key, value(a)]))

const mapFact = <A, B>(fact: Fact.Fact<A>, f: (a: A) => B): Fact.Fact<B> =>
  fact._tag === "Known" ? Fact.known(f(fact.value)) : fact

/** Facts as a document. */
export const encode = (facts: Facts): FactsDocument => ({
  schemaVersion: 1,
  kind: "facts",
  release: facts.release,
  stateDir: facts.stateDir,
  ...(facts.namedRuntime === undefined ? {} : { namedRuntime: facts.namedRuntime }),
  control: facts.control,
  units: record(facts.units, (unit) => unit),
  snapshotterUnits: record(facts.snapshotterUnits, (unit) => unit),
  snapshotterData: facts.snapshotterData,
  node: mapFact(facts.node, ({ containerRuntimeVersion, labels, runtimeHandlers }) => ({
    containerRuntimeVersion: containerRuntimeVersion ?? null,
    labels,
    runtimeHandlers: runtimeHandlers ?? null,
  })),
  ownDaemonSet: facts.ownDaemonSet,
  otherDaemonSets: facts.otherDaemonSets,
  configz: facts.configz,
  sight: encodeSight(facts.sight),
  leftovers: facts.leftovers,
  ledger: facts.ledger,
  files: Object.fromEntries([...facts.files].filter(([, state]) => state._tag !== "Absent")),
  absent: [...facts.files].flatMap(([path, state]) => (state._tag === "Absent" ? [path] : [])),
  imported: facts.imported,
  unlisted: facts.unlisted,
  deadEnds: facts.deadEnds,
  neighbours: facts.neighbours,
  artifacts: {
    directory: facts.artifacts.directory,
    manifest: facts.artifacts.manifest,
    versions: facts.artifacts.versions,
    archives: record(facts.artifacts.archives, (archive) =>
      archive === undefined ? null : { ...archive, unpackedBytes: archive.unpackedBytes ?? null },
    ),
    damaged: [...facts.artifacts.damaged],
    bases: record(facts.artifacts.bases, ({ archiveSha256, text }) => ({ text, archiveSha256 })),
    ...(facts.artifacts.nydusPrograms === undefined
      ? {}
      : { nydusPrograms: mapFact(facts.artifacts.nydusPrograms, (names) => [...names]) }),
    ...(facts.artifacts.devkitRootHash === undefined
      ? {}
      : { devkitRootHash: facts.artifacts.devkitRootHash }),
  },
  unpacked: {
    changed: record(facts.unpacked.changed, (paths) => paths),
    renewed: record(facts.unpacked.renewed, (entries) => entries),
  },
  freeBytes: facts.freeBytes,
  ...(facts.userDropIn === undefined ? {} : { userDropIn: facts.userDropIn }),
})

const refuse = (why: string): Result.Result<never, SettingsError> =>
  Result.fail(
    new SettingsError({
      problems: [
        {
          code: "E_FACTS_DOCUMENT",
          message: `This is no document of facts: ${why}.`,
          remedy: "Write one with FactsDocument.encode, or see examples/plan-only.facts.json.",
        },
      ],
    }),
  )

const decodeDocument = Schema.decodeUnknownResult(FactsDocument)

/** Facts from parsed JSON. What the document leaves out was not seen. */
export const decode = (json: unknown): Result.Result<Facts, SettingsError> => {
  const decoded = decodeDocument(json)
  if (Result.isFailure(decoded)) return refuse(String(decoded.failure))
  const document = decoded.success
  const bases = new Map<string, ArchivedBase>()
  for (const [key, { archiveSha256, text }] of Object.entries(document.artifacts?.bases ?? {})) {
    const parsed = KataConfig.parseBase(text)
    if (Result.isFailure(parsed)) return refuse(`the base configuration ${key} is not TOML`)
    bases.set(key, { ...parsed.success, archiveSha256 })
  }
  return Result.succeed(factsFrom(document, bases))
}

const factsFrom = (document: FactsDocument, bases: ReadonlyMap<string, ArchivedBase>): Facts => {
  const nobody = unseen(
    document.release ?? "preview",
    document.stateDir ?? HostPath.join(defaultInstallDir, ".kata-deploy"),
    document.control ?? Fact.unknown("not-asked", "the document does not say"),
  )
  const { artifacts } = document
  const present = Object.entries(document.files).map(([path, state]) => [HostPath.make(path), state] as const)
  return {
    ...nobody,
    namedRuntime: document.namedRuntime,
    units: new Map(Object.entries(document.units ?? {})),
    snapshotterUnits: new Map(Object.entries(document.snapshotterUnits ?? {})),
    snapshotterData: document.snapshotterData ?? nobody.snapshotterData,
    node:
      document.node === undefined
        ? nobody.node
        : mapFact(document.node, ({ containerRuntimeVersion, labels, runtimeHandlers }) => ({
            containerRuntimeVersion: containerRuntimeVersion ?? undefined,
            labels,
            runtimeHandlers: runtimeHandlers ?? undefined,
          })),
    ownDaemonSet: document.ownDaemonSet ?? nobody.ownDaemonSet,
    otherDaemonSets: document.otherDaemonSets ?? nobody.otherDaemonSets,
    configz: document.configz ?? nobody.configz,
    sight: document.sight === undefined ? nobody.sight : decodeSight(document.sight),
    leftovers: document.leftovers ?? [],
    ledger: document.ledger ?? nobody.ledger,
    files: new Map([...present, ...(document.absent ?? []).map((path) => [path, FileState.absent] as const)]),
    imported: document.imported ?? [],
    unlisted: document.unlisted ?? [],
    deadEnds: document.deadEnds ?? [],
    neighbours: document.neighbours ?? [],
    artifacts: artifacts === undefined ? nobody.artifacts : artifactsFrom(artifacts, bases),
    unpacked: {
      changed: new Map(Object.entries(document.unpacked?.changed ?? {})),
      renewed: new Map(Object.entries(document.unpacked?.renewed ?? {})),
    },
    freeBytes: document.freeBytes ?? nobody.freeBytes,
    userDropIn: document.userDropIn,
  }
}

const artifactsFrom = (
  { nydusPrograms, ...artifacts }: typeof Artifacts.Type,
  bases: ReadonlyMap<string, ArchivedBase>,
): Facts["artifacts"] => ({
  ...artifacts,
  ...(nydusPrograms === undefined
    ? {}
    : { nydusPrograms: mapFact(nydusPrograms, (names): ReadonlySet<string> => new Set(names)) }),
  archives: new Map(
    Object.entries(artifacts.archives).map(([name, archive]) => [
      name,
      archive === null ? undefined : { ...archive, unpackedBytes: archive.unpackedBytes ?? undefined },
    ]),
  ),
  damaged: new Set(artifacts.damaged),
  bases,
})
