/** Answers the vectors about setting up, removing and clearing snapshotters. */
import { Result, Schema } from "effect"
import {
  Distribution,
  Erofs,
  ErofsPrerequisites,
  Fact,
  FileState,
  HostPath,
  Instance,
  Settings,
  SettingsGrammar,
  Snapshotter,
  SnapshotRemoval,
  SnapshotterSetup,
} from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"
import { parse as parseToml } from "smol-toml"

const Text = Schema.NullOr(Schema.String)
const optionalText = Schema.optionalKey(Text)

/** The instance of a case; `destDir` is what prefix and suffix make of it. */
const instanceOf = (suffix: string | null | undefined, destDir?: string): Instance.Instance => {
  const plain = Instance.make({ prefix: undefined, suffix: suffix ?? undefined })
  return destDir === undefined ? plain : { ...plain, installDir: HostPath.make(destDir) }
}

/** Calls in the words of `systemctl`. */
const calls = (steps: ReadonlyArray<SnapshotterSetup.UnitStep>): ReadonlyArray<ReadonlyArray<string>> =>
  steps.map(({ unit, verb }) => (verb === "reload" ? ["daemon-reload"] : [verb, unit]))

/** `disable --now` stands for stopping and disabling (spec 09 §10). */
const spelledOut = (expected: unknown): unknown => {
  if (typeof expected !== "object" || expected === null || !("systemdCalls" in expected)) return expected
  const systemdCalls = expected.systemdCalls as Array<Array<string>>
  return {
    ...expected,
    systemdCalls: systemdCalls.flatMap((call): Array<Array<string | undefined>> =>
      call[0] === "disable" && call[1] === "--now"
        ? [
            ["stop", call[2]],
            ["disable", call[2]],
          ]
        : [call],
    ),
  }
}

/** Settings that are lists in a unit; the others have one value. */
const lists = new Set(["After", "Before", "WantedBy"])

/** Sections of a unit; what is said for people is left out. */
const unitOf = (text: string): Record<string, Record<string, unknown>> => {
  const sections: Record<string, Record<string, unknown>> = {}
  let at: Record<string, unknown> = {}
  for (const line of text.split("\n")) {
    const header = /^\[(.*)\]$/.exec(line)
    if (header !== null) sections[header[1]!] = at = {}
    else if (line.includes("=")) {
      const key = line.slice(0, line.indexOf("="))
      const value = line.slice(key.length + 1)
      if (key !== "Description") at[key] = lists.has(key) ? value.split(" ") : value
    }
  }
  return sections
}

const Install = Schema.Struct({ runtime: Schema.String, suffix: Text, destDir: Schema.String })

/** Read as "installed before, something changed" (decisions §15). */
const nydusInstall = ({
  destDir,
  runtime,
  suffix,
}: typeof Install.Type): Readonly<Record<string, unknown>> => {
  const instance = instanceOf(suffix, destDir)
  const setup = SnapshotterSetup.ofMode("guest-pull", {
    instance,
    nydusHs: { exportMode: "layer_block" },
    criUnit: Distribution.lookup(runtime)!.unit,
  })
  const [config, unit] = setup.files
  const touched = [...setup.programs, ...setup.files].map(({ path }) => path)
  return {
    systemdCalls: calls(setup.whenChanged),
    ignoreErrorsOf: setup.whenChanged.flatMap(({ onFailure, verb }) =>
      onFailure === "ignore" ? [verb] : [],
    ),
    unitFile: unit!.path,
    unit: unitOf(FileState.textOf(unit!.state) ?? ""),
    configFile: config!.path,
    config: parseToml(FileState.textOf(config!.state) ?? ""),
    copied: setup.programs.map(({ path }) => path),
    dataDirTouched: touched.some((path) => HostPath.isWithin(path, setup.dataDirectory)),
  }
}

/** Upstream stops it first and leaves it stopped until a later stage; ours runs on and is restarted at the end. */
const runningOn = (expected: unknown): unknown => {
  const wanted = expected as {
    readonly systemdCalls: ReadonlyArray<ReadonlyArray<string>>
    readonly ignoreErrorsOf: ReadonlyArray<string>
  }
  const stopped = wanted.systemdCalls.find(([verb]) => verb === "stop")
  if (stopped === undefined) return expected
  return {
    ...wanted,
    systemdCalls: [...wanted.systemdCalls.filter((call) => call !== stopped), ["restart", stopped[1]]],
    ignoreErrorsOf: wanted.ignoreErrorsOf.filter((verb) => verb !== "stop"),
  }
}

const installed: Vectors.Section = (vector) =>
  Result.flatMap(Vectors.read(Install, vector.input), (input) =>
    Result.flatMap(Vectors.compare(runningOn(vector.expected), nydusInstall(input)), () =>
      Vectors.passedBut("nydus-runs-on-while-it-is-renewed"),
    ),
  )

const Uninstall = Schema.Struct({
  snapshotter: optionalText,
  unitFileExists: Schema.optionalKey(Schema.Boolean),
  suffix: optionalText,
  destDir: Schema.optionalKey(Schema.String),
})

const uninstall = (input: typeof Uninstall.Type, { name }: Vectors.Case): object => {
  const { kinds, problems } = Snapshotter.parse([input.snapshotter ?? "nydus"])
  // What cannot be set up cannot have been set up: only an install refuses it (spec 07).
  if (name.startsWith("install") && problems.length > 0) return { error: problems[0]!.code }
  if (!kinds.includes("nydus")) return { systemdCalls: [] }
  const teardown = SnapshotterSetup.teardown("guest-pull", instanceOf(input.suffix, input.destDir))
  const isThere = input.unitFileExists !== false
  return {
    systemdCalls: calls([...(isThere ? teardown.before : []), ...teardown.after]),
    removed: [...(isThere ? [teardown.unitFile] : []), `${teardown.directory}/`],
    kept: [teardown.dataDirectory],
  }
}

/** What a case asks for; it need not ask for everything. */
const asked = (expected: unknown, answer: object): unknown =>
  typeof expected === "object" && expected !== null
    ? Object.fromEntries(Object.entries(answer).filter(([key]) => Object.hasOwn(expected, key)))
    : answer

/** The settings that a node would have with these variables. */
const decode = (variables: Readonly<Record<string, string>>) =>
  Settings.decode({
    architecture: "x86_64",
    variables,
    customConfigs: { _tag: "Files", files: new Map() },
    api: "not-used",
  })

const defaultSize = ({ mode }: { readonly mode: string | null }): unknown =>
  Result.match(decode(mode === null ? {} : { EROFS_SNAPSHOTTER_MODE: mode }), {
    onFailure: (error) => ({ error: error.problems[0]!.code }),
    onSuccess: ({ erofs }) => Erofs.defaultSize(erofs.mode),
  })

const Guard = Schema.Struct({
  mapping: Text,
  mergeMode: optionalText,
  custom: Schema.optionalKey(
    Schema.Array(Schema.Struct({ handler: Schema.String, base: Schema.String, snapshotter: Text })),
  ),
})

const goGuard = ({ custom, mapping, mergeMode }: typeof Guard.Type): Vectors.Verdict | unknown => {
  const settings = decode(
    mergeMode === null || mergeMode === undefined ? {} : { EROFS_MERGE_MODE: mergeMode },
  )
  if (Result.isFailure(settings)) return { error: settings.failure.problems[0]!.code }
  const items = mapping === null ? Result.succeed([]) : SettingsGrammar.mapping(mapping)
  if (Result.isFailure(items)) return { error: "E_MAPPING" }
  const problems = Erofs.goGuard(settings.success.erofs.mergeMode, [
    ...items.success.map((item) => ({ name: item.key, shim: item.key, snapshotter: item.value })),
    ...(custom ?? []).map((c) => ({
      name: c.handler,
      shim: c.base,
      snapshotter: c.snapshotter ?? undefined,
    })),
  ])
  return problems[0] === undefined ? "ok" : { error: problems[0].code, message: problems[0].message }
}

/** An error by its code, and by the words that its message has to have. */
const compareError = (expected: unknown, actual: unknown): Vectors.Verdict => {
  if (typeof actual !== "object" || actual === null || !("message" in actual))
    return Vectors.compare(expected, actual)
  const { message, ...rest } = actual as { readonly message: string }
  const { messageMentions, shims, ...wanted } = (expected ?? {}) as {
    readonly messageMentions?: ReadonlyArray<string>
    readonly shims?: ReadonlyArray<string>
  }
  const missing = [...(messageMentions ?? []), ...(shims ?? [])].filter((word) => !message.includes(word))
  return missing.length > 0
    ? Vectors.failed(`the message does not mention ${missing.join(", ")}: ${message}`)
    : Vectors.compare(wanted, rest)
}

const Rounds = Schema.Struct({
  namespaces: Schema.Record(
    Schema.String,
    Schema.Union([
      Schema.Literal("error"),
      Schema.Array(
        Schema.Struct({ key: Schema.String, parent: Text, busy: Schema.optionalKey(Schema.Boolean) }),
      ),
    ]),
  ),
})

const ExpectedRounds = Schema.Struct({
  clean: Schema.Boolean,
  removed: Schema.optionalKey(Schema.Array(Schema.String)),
  removedInSomeLeafFirstOrder: Schema.optionalKey(Schema.Array(Schema.String)),
  left: Schema.optionalKey(Schema.Array(Schema.String)),
  rounds: Schema.optionalKey(Schema.Record(Schema.String, Schema.Number)),
})

const factsOf = ({ namespaces }: typeof Rounds.Type): ReadonlyArray<SnapshotRemoval.NamespaceSnapshots> =>
  Object.entries(namespaces).map(([namespace, listed]) => ({
    namespace,
    snapshots:
      listed === "error"
        ? Fact.unknown("failed", "it cannot be listed")
        : Fact.known(
            listed.map(({ busy, key, parent }) => ({
              key,
              parent: parent ?? undefined,
              kind: busy === true ? ("active" as const) : ("committed" as const),
            })),
          ),
    users: Fact.known(
      new Map(listed === "error" ? [] : listed.filter((s) => s.busy === true).map((s) => [s.key, ["a pod"]])),
    ),
  }))

/** Whether every snapshot is removed before the one that it lies on. */
const leavesFirst = (
  facts: ReadonlyArray<SnapshotRemoval.NamespaceSnapshots>,
  plan: SnapshotRemoval.RemovalPlan,
): boolean =>
  facts.every(({ snapshots }, at) => {
    const place = new Map(plan.namespaces[at]!.order.map((key, index) => [key, index]))
    return (Fact.valueOf(snapshots) ?? []).every(({ key, parent }) => {
      const below = parent === undefined ? undefined : place.get(parent)
      return below === undefined || (place.get(key) ?? Infinity) < below
    })
  })

const historicRounds: Vectors.Section = (vector) =>
  Result.flatMap(Vectors.read(Rounds, vector.input), (input) =>
    Result.flatMap(Vectors.read(ExpectedRounds, vector.expected), (expected) => {
      const facts = factsOf(input)
      const plan = SnapshotRemoval.plan(facts)
      if (!leavesFirst(facts, plan)) return Vectors.failed("a snapshot is removed before one that lies on it")
      const removed = plan.namespaces.flatMap((n) => n.order).sort()
      const rounds = Object.fromEntries(
        facts.map((fact, at) => [
          fact.namespace,
          SnapshotRemoval.asRounds(fact, plan.namespaces[at]!).listings,
        ]),
      )
      const wanted = expected.removed ?? expected.removedInSomeLeafFirstOrder
      return Vectors.compare(
        {
          clean: expected.clean,
          ...(wanted === undefined ? {} : { removed: wanted.toSorted() }),
          ...(expected.left === undefined ? {} : { left: expected.left.toSorted() }),
          ...(expected.rounds === undefined ? {} : { rounds: expected.rounds }),
        },
        {
          clean: plan.outcome === "clean",
          ...(wanted === undefined ? {} : { removed }),
          ...(expected.left === undefined
            ? {}
            : { left: plan.namespaces.flatMap((n) => n.blocked.map((b) => b.key)).sort() }),
          ...(expected.rounds === undefined ? {} : { rounds }),
        },
      )
    }),
  )

/** Runner of `07-snapshotters`. */
export const runner: Vectors.Runner = {
  file: "07-snapshotters",
  sections: {
    nydusInstall: installed,
    uninstall: (vector) =>
      Result.flatMap(Vectors.read(Uninstall, vector.input), (input) => {
        const expected = spelledOut(vector.expected)
        return Vectors.compare(expected, asked(expected, uninstall(input, vector)))
      }),
    erofsDefaultSize: Vectors.answering(Schema.Struct({ mode: Text }), defaultSize),
    erofsGoGuard: (vector) =>
      Result.flatMap(Vectors.read(Guard, vector.input), (input) =>
        compareError(vector.expected, goGuard(input)),
      ),
    mkfsOptionProbe: Vectors.answering(
      Schema.Struct({ bytesLatin1: Schema.String, needle: Schema.String }),
      ({ bytesLatin1, needle }) =>
        ErofsPrerequisites.hasOption(
          Uint8Array.from(bytesLatin1, (char) => char.charCodeAt(0)),
          needle,
        ),
    ),
    requiredMkfsOptions: ({ file }) =>
      Vectors.compare(file["requiredMkfsOptions"], ErofsPrerequisites.requiredMkfsOptions),
    historicSnapshotRounds: historicRounds,
  },
}
