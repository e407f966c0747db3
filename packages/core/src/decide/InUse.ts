/**
 * Answers: does something on this node still run from our tree, so that removing it would kill it? Replacing files is
 * safe under running sandboxes and does not ask. Source: decisions §1 step 0, §2.
 */
import type { Fact } from "../input/Fact.ts"
import type { Notice, Problem } from "../input/Problem.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { RunningSandbox, TreeUser } from "../ports/HostSight.ts"

/** `--when-in-use`: what becomes of a removal while the tree is in use. */
export type WhenInUse = "refuse" | "force"

/** What was seen of the node. */
export interface UseFacts {
  /** Processes that use the tree. */
  readonly users: Fact<ReadonlyArray<TreeUser>>
  /** Pod sandboxes that the CRI runtime has running. */
  readonly sandboxes: Fact<ReadonlyArray<RunningSandbox>>
  /** Names of this instance's runtime handlers. */
  readonly handlers: ReadonlyArray<string>
}

/** A sandbox that runs from the tree. */
export interface SandboxInUse {
  readonly id: string
  /** `namespace/name` of its pod, where the CRI runtime told. */
  readonly pod: string | undefined
  /** Its runtime handler, where the CRI runtime told. */
  readonly handler: string | undefined
  /** Its processes that use the tree, where they can be seen. */
  readonly pids: ReadonlyArray<number>
}

/** Whether the tree is in use. */
export type UseVerdict =
  | { readonly _tag: "Free" }
  | {
      readonly _tag: "InUse"
      /** Sorted by pod, then by id. */
      readonly sandboxes: ReadonlyArray<SandboxInUse>
      /** Processes that belong to no sandbox that we know of. */
      readonly processes: ReadonlyArray<TreeUser>
    }
  /** `failed` was tried; the others are not to be seen from here, or nobody asked. `why` is a clause. */
  | { readonly _tag: "CouldNotSee"; readonly how: "failed" | "out-of-sight"; readonly why: string }

/**
 * Judges what was seen. Use that is seen by either way is use. Without any, processes decide: a running sandbox has
 * some, whatever the runtime says. Where they are out of sight, the runtime's own answer is all that there is.
 */
export const verdict = ({ handlers, sandboxes, users }: UseFacts): UseVerdict => {
  const ours = (sandboxes._tag === "Known" ? sandboxes.value : []).filter(({ handler }) =>
    handlers.includes(handler),
  )
  const using = (users._tag === "Known" ? users.value : []).filter(keeps)
  if (ours.length + using.length > 0) return inUse(ours, using, sandboxes)
  if (users._tag === "Known") return { _tag: "Free" }
  const failed = [users, sandboxes].find((fact) => fact._tag === "Unknown" && fact.how === "failed")
  if (failed?._tag === "Unknown") return { _tag: "CouldNotSee", how: "failed", why: failed.why }
  if (sandboxes._tag === "Known") return { _tag: "Free" }
  return { _tag: "CouldNotSee", how: "out-of-sight", why: `${users.why}; ${sandboxes.why}` }
}

/** A shell that merely stands in a directory of the tree loses nothing when that goes. */
const keeps = ({ sandbox, through }: TreeUser): boolean => sandbox !== undefined || through !== "directory"

const inUse = (
  ours: ReadonlyArray<RunningSandbox>,
  using: ReadonlyArray<TreeUser>,
  sandboxes: UseFacts["sandboxes"],
): UseVerdict => {
  const known = new Map((sandboxes._tag === "Known" ? sandboxes.value : []).map((one) => [one.id, one]))
  const ids = new Set([
    ...ours.map(({ id }) => id),
    ...using.flatMap(({ sandbox }) => (sandbox === undefined ? [] : [sandbox])),
  ])
  const named = [...ids].map((id): SandboxInUse => ({
    id,
    pod: known.get(id)?.pod,
    handler: known.get(id)?.handler,
    pids: using.filter(({ sandbox }) => sandbox === id).map(({ pid }) => pid),
  }))
  return {
    _tag: "InUse",
    sandboxes: named.sort((a, b) => byText(a.pod ?? "", b.pod ?? "") || byText(a.id, b.id)),
    processes: using.filter(({ sandbox }) => sandbox === undefined),
  }
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** What a verdict means for a removal. */
export type Guard =
  /** It goes on; `notice` says what is lost or could not be checked. */
  | { readonly _tag: "GoOn"; readonly notice: Notice | undefined }
  /** Only the node's labels are demoted (decisions §1); exit status 5. */
  | { readonly _tag: "Refuse"; readonly problem: Problem }
  /** Nothing destructive is done, because we asked and got no answer; exit status 1. */
  | { readonly _tag: "CannotTell"; readonly problem: Problem }

/** What to do about a removal of `tree`. */
export const guard = (tree: HostPath, seen: UseVerdict, whenInUse: WhenInUse): Guard => {
  switch (seen._tag) {
    case "Free":
      return { _tag: "GoOn", notice: undefined }
    case "InUse": {
      const used = `${tree} is in use by ${namesOf(seen).join(", ")}`
      return whenInUse === "force"
        ? goOn("removed-while-in-use", `${used}; it goes all the same, since --when-in-use is force.`)
        : {
            _tag: "Refuse",
            problem: {
              code: "E_IN_USE",
              path: tree,
              message: `${used}. Removing it would end them.`,
              remedy: "Drain the node (kubectl drain) and try again, or use --when-in-use force.",
            },
          }
    }
    case "CouldNotSee": {
      const unseen = `It could not be checked whether ${tree} is in use (${seen.why})`
      if (seen.how === "out-of-sight") return goOn("use-not-checked", `${unseen}.`)
      return whenInUse === "force"
        ? goOn("use-not-checked", `${unseen}; it goes all the same, since --when-in-use is force.`)
        : {
            _tag: "CannotTell",
            problem: {
              code: "E_USE_UNKNOWN",
              path: tree,
              message: `${unseen}, so nothing is removed.`,
              remedy:
                "See to it that the container runtime answers, or use --when-in-use force once the node is drained.",
            },
          }
    }
  }
}

const goOn = (code: string, message: string): Guard => ({
  _tag: "GoOn",
  notice: { code, severity: "warning", message },
})

/** What a process that belongs to no sandbox does with the tree; one that runs a program of it is named by that. */
const ways: Readonly<Record<Exclude<NonNullable<TreeUser["through"]>, "program">, string>> = {
  mapped: ", which has a file of it mapped",
  open: ", which has a file of it open",
  arguments: ", which names it in its command line",
  directory: ", which stands in it",
}

const wayOf = ({ through }: TreeUser): string =>
  through === undefined || through === "program" ? "" : ways[through]

/**
 * Names for people: `sandbox 1234 of pod default/web (kata-qemu)`, `process 42 (/opt/kata/bin/qemu)`, `process 43
 * (/bin/less), which has a file of it open`.
 */
export const namesOf = (seen: Extract<UseVerdict, { readonly _tag: "InUse" }>): ReadonlyArray<string> => [
  ...seen.sandboxes.map(
    ({ handler, id, pod }) =>
      `sandbox ${id}${pod === undefined ? "" : ` of pod ${pod}`}${handler ? ` (${handler})` : ""}`,
  ),
  ...seen.processes.map((user) => `process ${user.pid} (${user.program})${wayOf(user)}`),
]
