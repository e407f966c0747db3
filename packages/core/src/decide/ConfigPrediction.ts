/**
 * Answers: would containerd still do its work with the planned files? Compares what it makes of the files as they are
 * with what it would make of them afterwards; only what our change breaks is held against the plan.
 * Source: decisions §5, §12; facts toml-safety §2 (rule 15).
 */
import type { Notice, Problem } from "../input/Problem.ts"
import * as ContainerdVersion from "../model/ContainerdVersion.ts"
import type { HostPath } from "../model/HostPath.ts"
import * as EffectiveConfig from "./EffectiveConfig.ts"

/** What is compared. */
export interface PredictionInput {
  /** The file that containerd is started with. */
  readonly root: HostPath
  readonly version: ContainerdVersion.ContainerdVersion
  readonly before: EffectiveConfig.Files
  /** The very same map where nothing changes. */
  readonly after: EffectiveConfig.Files
  /** Handlers that have to be served afterwards. */
  readonly wanted: ReadonlyArray<string>
  /** Whether a handler is ours, and may change or go. */
  readonly isOurs: (name: string, handler: EffectiveConfig.Handler) => boolean
  /** The operator's own drop-in, which may change handlers on purpose; `undefined` where there is none. */
  readonly userDropIn: HostPath | undefined
}

/** What keeps the plan from being carried out, and what is worth telling. */
export interface Verdict {
  readonly problems: ReadonlyArray<Problem>
  readonly notices: ReadonlyArray<Notice>
}

/** Judges a plan by its files. */
export const judge = (input: PredictionInput): Verdict => {
  const { root, version } = input
  const after = EffectiveConfig.simulate({ root, version, files: input.after })
  const before =
    input.before === input.after ? after : EffectiveConfig.simulate({ root, version, files: input.before })
  if (after._tag === "Refused") return { problems: [refused(input, before, after)], notices: [] }
  if (after.cri._tag === "NotLoaded") {
    return { problems: [notLoaded(input, before, after, after.cri.why)], notices: after.warnings }
  }
  return {
    problems: [...notServed(input, after), ...dropped(input, before, after)],
    notices: [...after.warnings, ...changed(input, before, after)],
  }
}

const look = "`containerd config dump` shows what containerd reads."

const effective = (input: PredictionInput, path: HostPath, what: string, remedy: string): Problem => ({
  code: "E_EFFECTIVE_CONFIG",
  path,
  message: `With the planned files containerd ${ContainerdVersion.format(input.version)} ${what}.`,
  remedy: `${remedy} ${look}`,
})

const refused = (
  input: PredictionInput,
  before: EffectiveConfig.EffectiveConfig,
  after: EffectiveConfig.Refused,
): Problem => {
  const { file, line, why } = after
  const place = line === undefined ? file : `${file} (line ${line})`
  if (before._tag === "Refused" && before.file === file && before.why === why) {
    return {
      code: "E_CONTAINERD_CONFIG_REFUSED",
      path: file,
      message: `containerd ${ContainerdVersion.format(input.version)} does not start with its configuration as it is, because of ${place}: ${why}.`,
      remedy: `Repair ${file} first. ${look}`,
    }
  }
  return effective(
    input,
    file,
    `would not start, because of ${place}: ${why}`,
    `Repair ${file}, or leave out what brings it in.`,
  )
}

const notLoaded = (
  input: PredictionInput,
  before: EffectiveConfig.EffectiveConfig,
  after: EffectiveConfig.Loaded,
  why: string,
): Problem => {
  const path = lastOf(input, after)
  if (before._tag === "Loaded" && before.cri._tag === "NotLoaded" && before.cri.why === why) {
    return {
      code: "E_CRI_NOT_LOADED",
      path: input.root,
      message: `The CRI of containerd ${ContainerdVersion.format(input.version)} is not loaded with its configuration as it is, so it would serve no handler: ${why}.`,
      remedy: `Repair ${input.root} or what it imports first. ${look}`,
    }
  }
  return effective(
    input,
    path,
    `would start without its CRI, and the node could run no pods: ${why}`,
    `Repair ${path}.`,
  )
}

/** The file that has the last word. */
const lastOf = (input: PredictionInput, after: EffectiveConfig.Loaded): HostPath =>
  after.order.at(-1) ?? input.root

const notServed = (input: PredictionInput, after: EffectiveConfig.Loaded): ReadonlyArray<Problem> => {
  const missing = input.wanted.filter((name) => !Object.hasOwn(after.handlers, name))
  if (missing.length === 0) return []
  const path = lastOf(input, after)
  const reasons = after.warnings.filter((w) => explains.has(w.code)).map((w) => w.message)
  return [
    effective(
      input,
      path,
      `would not serve ${missing.join(", ")}, whatever is written for ${missing.length === 1 ? "it" : "them"}: ${
        reasons.length > 0
          ? reasons.join(" ").replace(/\.$/, "")
          : `${path}, which it loads last, takes the place of the table that they are in`
      }`,
      `Bring ${input.root} and the files that it imports into one schema, or move the CRI settings of imported files into ${input.root}.`,
    ),
  ]
}

/** Warnings that say why a handler that is written down is not there. */
const explains = new Set(["containerd-table-not-read", "containerd-handlers-not-migrated"])

/** Handlers of others before the change. */
const others = (
  input: PredictionInput,
  before: EffectiveConfig.EffectiveConfig,
): ReadonlyArray<readonly [string, EffectiveConfig.Handler]> =>
  before._tag === "Refused" || before.cri._tag === "NotLoaded"
    ? []
    : Object.entries(before.handlers).filter(([name, handler]) => !input.isOurs(name, handler))

const dropped = (
  input: PredictionInput,
  before: EffectiveConfig.EffectiveConfig,
  after: EffectiveConfig.Loaded,
): ReadonlyArray<Problem> => {
  const gone = others(input, before).flatMap(([name]) => (Object.hasOwn(after.handlers, name) ? [] : [name]))
  const path = lastOf(input, after)
  const lost = gone.length === 0 ? [] : [`would lose the handlers of others: ${gone.join(", ")}`]
  // Without a file of the operator's in the plan nothing of theirs may come out different.
  const altered = input.userDropIn === undefined ? differing(input, before, after) : []
  if (altered.length > 0) lost.push(`would change the handlers of others: ${altered.join(", ")}`)
  return lost.map((what) =>
    effective(input, path, what, `Bring ${input.root} and the files that it imports into one schema.`),
  )
}

const differing = (
  input: PredictionInput,
  before: EffectiveConfig.EffectiveConfig,
  after: EffectiveConfig.Loaded,
): ReadonlyArray<string> =>
  others(input, before).flatMap(([name, was]) => {
    const is = after.handlers[name]
    return is === undefined || same(was, is) ? [] : [name]
  })

const same = (a: EffectiveConfig.Handler, b: EffectiveConfig.Handler): boolean =>
  a.runtimeType === b.runtimeType &&
  a.runtimePath === b.runtimePath &&
  a.snapshotter === b.snapshotter &&
  a.imageSnapshotter === b.imageSnapshotter &&
  sameValue(a.options, b.options)

const sameValue = (a: unknown, b: unknown): boolean => {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return Object.is(a, b)
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key as never], b[key as never]))
  )
}

const changed = (
  input: PredictionInput,
  before: EffectiveConfig.EffectiveConfig,
  after: EffectiveConfig.Loaded,
): ReadonlyArray<Notice> => {
  const names = input.userDropIn === undefined ? [] : differing(input, before, after)
  return names.length === 0
    ? []
    : [
        {
          code: "user-drop-in-changes-handlers",
          severity: "warning",
          message: `With the operator's drop-in ${input.userDropIn} these handlers become others than they are: ${names.join(", ")}.`,
        },
      ]
}
