/**
 * Answers: which CRI runtime runs on this node? Two that fit are reported, never guessed between.
 * Source: spec 02 §2–§3, decisions §7.
 */
import { Context, Layer, Result } from "effect"
import type { Fact } from "../input/Fact.ts"
import { didYouMean } from "../input/NearestName.ts"
import {
  type DecisionError,
  type Notice,
  PrerequisiteError,
  type Problem,
  SettingsError,
} from "../input/Problem.ts"
import * as Distribution from "../model/Distribution.ts"
import type { UnitState } from "../ports/HostShell.ts"

/** What detection goes by. */
export interface DetectionFacts {
  /** `--cri-runtime`: named by the operator, nothing is detected. */
  readonly named: string | undefined
  /** `K8S_DISTRIBUTION`: a constraint on what may be found. */
  readonly declared: string | undefined
  /** The runtime that the ledger remembers from the install. */
  readonly remembered: string | undefined
  /** State of each known unit. */
  readonly units: ReadonlyMap<string, Fact<UnitState>>
  /** The runtime's version as the Node or the operator says it, e.g. `cri-o://1.34.0`. */
  readonly version: string | undefined
  /** Which of the marker paths exist on the host. */
  readonly exists: (path: string) => boolean
}

/** The runtime, why, and what is worth saying about it. */
export interface Detected {
  readonly row: Distribution.RuntimeRow
  /** How we know, as a clause. */
  readonly because: string
  readonly notices: ReadonlyArray<Notice>
}

const found = (
  runtime: Distribution.CriRuntime,
  because: string,
  notices: ReadonlyArray<Notice> = [],
): Result.Result<Detected, DecisionError> =>
  Result.succeed({ row: Distribution.rowOf(runtime), because, notices })

/** Detects the CRI runtime. */
export const detect = (facts: DetectionFacts): Result.Result<Detected, DecisionError> => {
  if (facts.named !== undefined) return named(facts.named, facts.declared)
  const active = Distribution.rows.filter((row) => {
    const state = facts.units.get(row.unit)
    return state?._tag === "Known" && state.value === "active"
  })
  const declared = facts.declared === undefined ? undefined : Distribution.fromDeclared(facts.declared)
  return active.length > 0 ? fromUnits(active, declared, facts) : fromHost(declared, facts)
}

const unsupported = (runtime: string, setting: string): Problem => ({
  code: "E_UNSUPPORTED_RUNTIME",
  setting,
  value: runtime,
  message: `The CRI runtime ${JSON.stringify(runtime)} is not one that can be configured.${didYouMean(runtime, Distribution.runtimeNames)}`,
  remedy: `Use one of ${Distribution.runtimeNames.join(", ")}.`,
})

const named = (runtime: string, declared: string | undefined): Result.Result<Detected, DecisionError> => {
  const row = Distribution.lookup(runtime)
  if (row === undefined) {
    return Result.fail(
      new SettingsError({ problems: [unsupported(runtime, "KATA_DEPLOY_DETECTED_RUNTIME")] }),
    )
  }
  return declared === undefined || Distribution.fits(declared, row.runtime).accepted
    ? found(row.runtime, "it was named by the operator")
    : mismatch(declared, row)
}

const isCrio = (version: string | undefined): boolean => version !== undefined && /cri-?o/.test(version)

/** Another daemon than those that we know, as a version such as `docker://24.0` names it. */
const otherDaemon = (version: string | undefined): string | undefined => {
  const match = /^\s*([^:\s]+):\/\//.exec(version ?? "")
  return match === null || match[1] === "containerd" || isCrio(version) ? undefined : match[1]
}

/**
 * Units are known: microk8s, then CRI-O by its version, then the first active unit in the table's order (spec 02 §2).
 * Of several, the declared distribution's comes first; `k8s` is what the chart declares unless told otherwise.
 */
const fromUnits = (
  active: ReadonlyArray<Distribution.RuntimeRow>,
  declared: Distribution.Distribution | undefined,
  facts: DetectionFacts,
): Result.Result<Detected, DecisionError> => {
  const crio = Distribution.rowOf("crio")
  const meant = declared === "k8s" ? undefined : active.find((row) => row.distribution === declared)
  const saysCrio = isCrio(facts.version)
  const isByVersion = saysCrio && active[0]!.runtime !== "microk8s"
  const first = isByVersion ? crio : (meant ?? active[0]!)
  if (facts.declared !== undefined && !Distribution.fits(facts.declared, first.runtime).accepted) {
    return mismatch(facts.declared, first)
  }
  // containerd.service runs beside many distributions that bring their own.
  const others = new Set([...(saysCrio ? [crio] : []), ...active]).difference(
    new Set([first, Distribution.rowOf("containerd")]),
  )
  const notices: ReadonlyArray<Notice> =
    others.size === 0
      ? []
      : [
          {
            code: "several-runtimes-active",
            severity: "warning",
            message: `This node runs ${[first, ...others].map((row) => row.unit).join(" and ")}; ${first.runtime} is configured.`,
            remedy: "Name the one that kubelet uses with --cri-runtime.",
          },
        ]
  const because = isByVersion ? `the version says ${facts.version}` : `its unit ${first.unit} is active`
  return found(first.runtime, because, notices)
}

const mismatch = (declared: string, row: Distribution.RuntimeRow): Result.Result<Detected, DecisionError> =>
  Result.fail(
    new PrerequisiteError({
      problems: [
        {
          code: "E_DISTRIBUTION_MISMATCH",
          setting: "K8S_DISTRIBUTION",
          value: declared,
          message: `K8S_DISTRIBUTION says ${declared}, but this node runs ${row.runtime}. The wrong host directory would be configured.`,
          remedy: `Set K8S_DISTRIBUTION=${row.distribution}.`,
        },
      ],
    }),
  )

/** No unit could be asked, or none is active: what was declared, remembered, or lies on the host (decisions §7). */
const fromHost = (
  declared: Distribution.Distribution | undefined,
  facts: DetectionFacts,
): Result.Result<Detected, DecisionError> => {
  const seen = Distribution.markers.filter((marker) => facts.exists(marker.path))
  return Result.map(byHost(declared, facts, seen), (detected) => ({
    ...detected,
    notices: [...detected.notices, ...besideTree(detected, facts, seen)],
  }))
}

/** CRI-O may run beside every distribution, but a tree that has a containerd of its own speaks against it. */
const besideTree = (
  { row }: Detected,
  { version }: DetectionFacts,
  seen: typeof Distribution.markers,
): ReadonlyArray<Notice> =>
  !isCrio(version) || seen.length === 0
    ? []
    : [
        {
          code: "version-beside-tree",
          severity: "warning",
          message: `The version of the CRI runtime is ${version}, but the host has ${seen.map(({ distribution, path }) => `${path} of ${distribution}`).join(" and ")}, which brings a containerd of its own; ${row.runtime} is configured.`,
          remedy: "Name the one that kubelet uses with --cri-runtime, or correct CONTAINER_RUNTIME_VERSION.",
        },
      ]

const byHost = (
  declared: Distribution.Distribution | undefined,
  facts: DetectionFacts,
  seen: typeof Distribution.markers,
): Result.Result<Detected, DecisionError> => {
  const other = otherDaemon(facts.version)
  if (other !== undefined) {
    return Result.fail(new PrerequisiteError({ problems: [unsupported(other, "CONTAINER_RUNTIME_VERSION")] }))
  }
  if (declared !== undefined) return fromDeclared(declared, facts, seen)
  const remembered = facts.remembered === undefined ? undefined : Distribution.lookup(facts.remembered)
  if (remembered !== undefined) return found(remembered.runtime, "the ledger remembers it from the install")
  if (isCrio(facts.version)) return found("crio", `the version says ${facts.version}`)
  if (seen.length > 1) {
    return Result.fail(
      new SettingsError({
        problems: [
          {
            code: "E_AMBIGUOUS_TREE",
            setting: "K8S_DISTRIBUTION",
            path: seen[0]!.path,
            message: `The host has both ${seen.map((m) => m.path).join(" and ")}, so it could be ${seen.map((m) => m.distribution).join(" or ")}.`,
            remedy: `Say which with --k8s-distribution, e.g. --k8s-distribution ${seen[0]!.distribution}.`,
          },
        ],
      }),
    )
  }
  if (seen.length === 1) return found(seen[0]!.stands, `the host has ${seen[0]!.path}`)
  const { containerd, crio } = Distribution.vanillaMarkers
  return facts.exists(crio) && !facts.exists(containerd)
    ? found("crio", `the host has ${crio} and no ${containerd}`)
    : found("containerd", "nothing on the host speaks for another distribution")
}

const fromDeclared = (
  declared: Distribution.Distribution,
  facts: DetectionFacts,
  seen: typeof Distribution.markers,
): Result.Result<Detected, DecisionError> => {
  const remembered = facts.remembered === undefined ? undefined : Distribution.lookup(facts.remembered)
  if (remembered?.distribution === declared) {
    return found(remembered.runtime, "the ledger remembers it from the install")
  }
  const because = `K8S_DISTRIBUTION says ${facts.declared}`
  const stands = Distribution.markers.find((marker) => marker.distribution === declared)
  // microk8s has no CRI-O, and while its unit is down nothing but the declaration speaks for it (spec 02 §2).
  if (isCrio(facts.version) && declared !== "microk8s") {
    return found("crio", `the version says ${facts.version}`)
  }
  if (stands === undefined) {
    // A vanilla node has none of the other distributions' directories; a tree that has is not what was declared.
    if (seen.length > 0 && !facts.exists(Distribution.vanillaMarkers.containerd)) {
      return mismatch(facts.declared!, Distribution.rowOf(seen[0]!.stands))
    }
    const { containerd, crio } = Distribution.vanillaMarkers
    return found(facts.exists(crio) && !facts.exists(containerd) ? "crio" : "containerd", because)
  }
  if (!facts.exists(stands.path) && seen.length > 0)
    return mismatch(facts.declared!, Distribution.rowOf(seen[0]!.stands))
  return found(stands.stands, because)
}

/** The replaceable policy behind `detect`. */
export class RuntimeDetection extends Context.Service<
  RuntimeDetection,
  {
    readonly detect: (facts: DetectionFacts) => Result.Result<Detected, DecisionError>
  }
>()("@kata-deploy/core/RuntimeDetection") {
  /** Detection as this module decides it. */
  static readonly layer = Layer.succeed(RuntimeDetection, RuntimeDetection.of({ detect }))
}
