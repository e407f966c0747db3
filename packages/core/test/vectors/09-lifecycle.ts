/** Answers the vectors about cleanup, restarts, the host check and the machine. */
import { Result, Schema } from "effect"
import {
  CleanupOrder,
  CleanupPolicy,
  Distribution,
  ErofsPrerequisites,
  Fact,
  FileState,
  HostCheck,
  HostPath,
  KubeletAdvice,
  MachineId,
  NodeMarks,
  Plan,
  RestartNeed,
  Settings,
  WholeFileDisposition,
} from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"

const Text = Schema.NullOr(Schema.String)
const optionalText = Schema.optionalKey(Text)
const flag = Schema.optionalKey(Schema.NullOr(Schema.Boolean))

const Told = Schema.Struct({
  actions: Schema.optionalKey(Schema.Array(Schema.String)),
  stage: Schema.optionalKey(Schema.Number),
  error: Schema.optionalKey(Schema.String),
})

/** Words of the vectors' actions, by the part of a cleanup that they stand for. */
const words: ReadonlyArray<readonly [RegExp, CleanupOrder.CleanupPart]> = [
  [/^release labels?|^release /, "demote"],
  [/lock/, "lock"],
  [/snapshotter/, "snapshotters"],
  [/revert/, "configuration"],
  [/artifacts/, "artifacts"],
  [/^remove .*label/, "release"],
  [/restart/, "restart"],
  [/^wait/, "wait-ready"],
]

const partOf = (action: string): string => words.find(([word]) => word.test(action))?.[1] ?? action

/** Several actions of one kind behind each other are one part. */
const partsOf = (actions: ReadonlyArray<string>): ReadonlyArray<string> =>
  actions.map(partOf).filter((part, at, all) => part !== all[at - 1])

const order = (
  verdict: CleanupPolicy.CleanupVerdict,
  runtime: string,
  snapshotters: ReadonlyArray<string>,
  restartBesideOthers: "now" | "defer",
): ReadonlyArray<CleanupOrder.CleanupPart> =>
  CleanupOrder.decide({
    verdict,
    row: Distribution.lookup(runtime)!,
    snapshotters,
    data: [],
    restartBesideOthers,
  })

const Cleanup = Schema.Struct({
  ownDaemonSetSelectsNode: Schema.Union([Schema.Boolean, Schema.Literal("error")]),
  labels: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  runtime: Schema.optionalKey(Schema.String),
  snapshotters: Schema.optionalKey(Schema.Array(Schema.String)),
})

/** Which error of ours is meant; the vectors call every failure of the API by one name. */
const errorOf = (code: string): string => (code === "E_DAEMONSET_UNKNOWN" ? "E_API" : code)

const cleanup: Vectors.Section = (vector) =>
  Result.flatMap(Vectors.read(Cleanup, vector.input), (input) =>
    Result.flatMap(Vectors.read(Told, vector.expected), (expected) => {
      const own = input.ownDaemonSetSelectsNode
      const marks = Object.keys(input.labels ?? {}).filter((key) => key.startsWith(NodeMarks.markOf("")))
      const verdict = CleanupPolicy.decide({
        ownDaemonSet: own === "error" ? Fact.unknown("failed", "the API did not answer") : Fact.known(own),
        // One of the marks is ours.
        otherInstances: marks.slice(1),
      })
      const wanted = { error: expected.error, parts: partsOf(expected.actions ?? []) }
      if (Result.isFailure(verdict))
        return Vectors.compare(wanted, { error: errorOf(verdict.failure.problems[0]!.code), parts: [] })
      const runtime = input.runtime ?? "containerd"
      // An install sets up none with CRI-O, so that none of ours is there.
      const snapshotters = runtime === "crio" ? [] : (input.snapshotters ?? [])
      const parts = order(verdict.success, runtime, snapshotters, "now")
      // Marks go only after all that had no failure (decisions §1), which upstream does at once in front.
      return Vectors.compare(wanted, { error: undefined, parts: parts.filter((part) => part !== "release") })
    }),
  )

const ThreeStages = Schema.Struct({
  ownDaemonSetExists: Schema.Union([Schema.Boolean, Schema.Literal("terminating")]),
  otherKataDeployDaemonSets: Schema.optionalKey(Schema.Number),
})

const stages = { skip: 1, instance: 2, everything: 3 } as const

/** The older logic: whether a DaemonSet exists and how many others do, with the restart left to the last of them. */
const threeStages: Vectors.Section = (vector) =>
  Result.flatMap(Vectors.read(ThreeStages, vector.input), (input) =>
    Result.flatMap(Vectors.read(Told, vector.expected), (expected) => {
      const count = input.otherKataDeployDaemonSets ?? 0
      const verdict = Result.getOrThrow(
        CleanupPolicy.decide({
          ownDaemonSet: Fact.known(input.ownDaemonSetExists === true),
          otherInstances: Array.from({ length: count }, (_, at) => `other-${at}`),
        }),
      )
      const parts = order(verdict, "containerd", ["nydus"], "defer")
      // It knew neither marks nor a lock; beside others the label stays with us, too.
      const known = parts.filter(
        (part) =>
          part !== "demote" && part !== "lock" && (part !== "release" || verdict.scope === "everything"),
      )
      return Vectors.compare(
        {
          stage: expected.stage,
          ...(expected.actions === undefined ? {} : { parts: partsOf(expected.actions) }),
        },
        { stage: stages[verdict.scope], ...(expected.actions === undefined ? {} : { parts: known }) },
      )
    }),
  )

const there = (value: boolean | null | undefined): "present" | "absent" =>
  value === true ? "present" : "absent"

const disposition = (input: {
  readonly backup?: boolean | null
  readonly marker?: boolean | null
  readonly block?: boolean | null
}): WholeFileDisposition.Disposition =>
  WholeFileDisposition.decide({
    block: there(input.block),
    backup: there(input.backup),
    createdMark: there(input.marker),
  })

const Revert = Schema.Struct({ mode: Schema.String, dropInExists: flag, marker: flag, backup: flag })

const revertCriRestart = (input: typeof Revert.Type): object => ({
  restart: RestartNeed.revertNeedsRestart(
    input.mode === "error"
      ? { _tag: "Unresolved" }
      : input.mode === "whole-file"
        ? { _tag: "WholeFile", disposition: disposition(input) }
        : {
            _tag: "DropIn",
            state: input.dropInExists === true ? FileState.file("") : FileState.absent,
          },
  ),
})

const Staged = Schema.Struct({
  runtime: Schema.optionalKey(Schema.String),
  before: optionalText,
  after: optionalText,
  unitActiveSince: optionalText,
})

const file = HostPath.make("/etc/containerd/conf.d/kata-deploy.toml")

const digestOf = (content: string | null | undefined): string =>
  RestartNeed.loadedDigest([file], () =>
    content === null || content === undefined ? FileState.absent : FileState.file(content),
  )

/** Where upstream compares times, we know what the runtime has loaded from the restart that we saw succeed. */
const stagedCriRestart = ({
  after,
  before,
  runtime,
  unitActiveSince,
}: typeof Staged.Type): { readonly restart: boolean; readonly then?: string } => {
  const row = Distribution.lookup(runtime ?? "containerd")!
  const restarted = unitActiveSince === "newer" || row.restart === "reloads-itself"
  const startedWith = before === null || before === undefined || !restarted ? null : digestOf(before)
  const control = Fact.known("systemd" as const)
  const hasLoaded = RestartNeed.hasLoaded({
    ledger: { startedWith },
    digest: digestOf(after ?? before ?? "A"),
    run: Fact.unknown("not-asked", "the case does not say"),
  })
  const due = hasLoaded ? undefined : RestartNeed.of(row, control)
  return due === undefined ? { restart: false, then: "wait unit active (300 s)" } : { restart: true }
}

const Machine = Schema.Struct({ action: Schema.optionalKey(Schema.String), env: optionalText, file: Text })
const ExpectedError = Schema.Union([
  Schema.String,
  Schema.Struct({ error: Schema.String, messageMentions: Schema.optionalKey(Schema.Array(Schema.String)) }),
])

/** `ok`, or the first problem by its code and the words that its message has to have. */
const compareProblems = (
  expected: unknown,
  problems: ReadonlyArray<{ readonly code: string; readonly message: string }>,
): Vectors.Verdict =>
  Result.flatMap(Vectors.read(ExpectedError, expected), (wanted) => {
    const first = problems[0]
    if (typeof wanted === "string") return Vectors.compare(wanted, first?.code ?? "ok")
    const missing = (wanted.messageMentions ?? []).filter((word) => !(first?.message ?? "").includes(word))
    return missing.length > 0
      ? Vectors.failed(`the message does not mention ${missing.join(", ")}: ${first?.message}`)
      : Vectors.compare(wanted.error, first?.code)
  })

const machineId: Vectors.Section = (vector) =>
  Result.flatMap(Vectors.read(Machine, vector.input), (input) => {
    const action = Result.getOrElse(
      Schema.decodeUnknownResult(Plan.ActionName)(input.action),
      () => "install-stage-artifacts" as const,
    )
    const result = MachineId.check({
      action,
      expected: input.env ?? undefined,
      file:
        input.file === null
          ? { _tag: "Unreadable", why: "denied", detail: "EACCES" }
          : FileState.file(input.file),
    })
    return compareProblems(vector.expected, Result.isFailure(result) ? result.failure.problems : [])
  })

const GuestPull = Schema.Struct({
  forceGuestPull: Schema.Array(Schema.String),
  pullMapping: Text,
  custom: Schema.Array(Text),
})

const Check = Schema.Struct({
  runtime: Schema.String,
  declared: optionalText,
  crv: optionalText,
  mapping: optionalText,
  suffix: optionalText,
  shims: Schema.optionalKey(Schema.Array(Schema.String)),
  setup: Schema.optionalKey(Schema.Array(Schema.String)),
})

const hostCheck: Vectors.Section = (vector) =>
  Result.flatMap(Vectors.read(Check, vector.input), (input) => {
    const variables = {
      SHIMS_X86_64: (input.shims ?? ["qemu", "qemu-runtime-rs"]).join(" "),
      SNAPSHOTTER_HANDLER_MAPPING_X86_64: input.mapping ?? "",
      EXPERIMENTAL_SETUP_SNAPSHOTTER: (input.setup ?? []).join(","),
      MULTI_INSTALL_SUFFIX: input.suffix ?? "",
      K8S_DISTRIBUTION: input.declared ?? "",
      CONTAINER_RUNTIME_VERSION: input.crv ?? "",
    }
    const settings = Settings.decode({
      architecture: "x86_64",
      variables,
      customConfigs: { _tag: "Files", files: new Map() },
      api: "not-used",
    })
    if (Result.isFailure(settings)) return compareProblems(vector.expected, settings.failure.problems)
    const unseen = Fact.unknown("not-asked", "the case does not say")
    const { problems } = HostCheck.check(settings.success, {
      runtime: input.runtime,
      version: settings.success.containerRuntimeVersion,
      kernel: { sysModules: undefined, procModules: undefined, procConfig: undefined, bootConfig: undefined },
      mkfs: { _tag: "Unknown", why: "the case does not say" },
      machine: { kvm: unseen, vhostVsock: unseen },
      configz: unseen,
    })
    return compareProblems(vector.expected, problems)
  })

const Feature = Schema.Struct({
  feature: Schema.Literals(["erofs", "device-mapper", "dm-verity", "fs-verity"]),
  sysModule: Schema.optionalKey(Schema.Array(Schema.String)),
  procModules: optionalText,
  configGz: optionalText,
  osrelease: optionalText,
  bootConfig: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
})

const kernelFeature = (input: typeof Feature.Type): boolean | "unknown" => {
  const seen = ErofsPrerequisites.kernelFeature(input.feature, {
    sysModules: input.sysModule,
    procModules: input.procModules ?? undefined,
    procConfig: input.configGz ?? undefined,
    // A file of another kernel says nothing about this one.
    bootConfig:
      input.bootConfig === undefined
        ? undefined
        : (input.bootConfig[ErofsPrerequisites.bootConfigPath(input.osrelease ?? "")] ?? ""),
  })
  return seen === "unknown" ? seen : seen === "present"
}

/** Runner of `09-lifecycle`; what concerns the command line is answered by `@kata-deploy/cli`. */
export const runner: Vectors.Runner = {
  file: "09-lifecycle",
  sections: {
    cleanup,
    cleanupThreeStageHistoric: threeStages,
    revertCriRestart: Vectors.answering(Revert, revertCriRestart),
    wholeFileDisposition: Vectors.answering(
      Schema.Struct({ backup: flag, marker: flag, block: flag }),
      disposition,
    ),
    stagedCriRestart: (vector) =>
      Result.flatMap(Vectors.read(Staged, vector.input), (input) => {
        const { expected } = vector
        const { restart, then } = stagedCriRestart(input)
        const asksThen = typeof expected === "object" && expected !== null && "then" in expected
        return Vectors.compare(expected, asksThen ? { restart, then } : { restart })
      }),
    machineId,
    usesGuestPull: Vectors.answering(GuestPull, ({ custom, forceGuestPull, pullMapping }) =>
      KubeletAdvice.usesGuestPull({
        forced: forceGuestPull,
        pullTypes: [
          ...(pullMapping === null ? [] : KubeletAdvice.pullTypesIn(pullMapping)),
          ...custom.map((pullType) => pullType ?? undefined),
        ],
      }),
    ),
    hostCheck,
    kernelFeature: Vectors.answering(Feature, kernelFeature),
    kernelFeatureNames: ({ file: whole }) =>
      Vectors.compare(whole["kernelFeatureNames"], ErofsPrerequisites.kernelFeatures),
  },
}
