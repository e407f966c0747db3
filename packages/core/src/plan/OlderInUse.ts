/**
 * Answers: what runs from files that an install replaces or takes away? Replacing is safe, so it is only said who goes on
 * with the older ones; what no shim needs any more stays while a process runs it, since its sandbox is ended with it.
 * Source: decisions §1 step 0, §2.
 */
import * as InUse from "../decide/InUse.ts"
import * as FactsOf from "../input/Facts.ts"
import type { Notice } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as Handler from "../model/Handler.ts"
import * as Shim from "../model/Shim.ts"
import type { ExtractComponent } from "./Action.ts"
import type { Ledger, OwnedEntry } from "./Ledger.ts"

/** Whether somebody has to be asked: it takes a look at all processes, and mostly nothing of an earlier install goes. */
export const isAsked = (facts: FactsOf.Facts, archives: "observed" | "not-observed"): boolean =>
  (FactsOf.ledgerOf(facts)?.components ?? []).some(
    ({ archive, name, unused }) =>
      unused === true ||
      (archives === "observed" &&
        (facts.artifacts.damaged.has(name) ||
          facts.artifacts.archives.get(name)?.id.sha256 !== archive.sha256)),
  )

/** Sandboxes that go on with the files that they were started from. */
export const replaced = (
  { facts, settings }: { readonly facts: FactsOf.Facts; readonly settings: Settings },
  changed: ReadonlyArray<ExtractComponent>,
): ReadonlyArray<Notice> => {
  if (changed.every(({ replaces }) => replaces.length === 0)) return []
  const handlers = [
    ...(FactsOf.ledgerOf(facts)?.handlers ?? []),
    ...settings.handlers.map(({ name }) => name),
  ]
  const seen = InUse.verdict({ users: facts.sight.users, sandboxes: facts.sight.sandboxes, handlers })
  if (seen._tag !== "InUse" || seen.sandboxes.length === 0) return []
  const names = InUse.namesOf({ ...seen, processes: [] }).join(", ")
  return [
    {
      code: "replaced-while-in-use",
      severity: "info",
      message: `${settings.instance.installDir} is in use by ${names}. What runs goes on with the files that it was started from; what starts from now on gets the new ones.`,
    },
  ]
}

/** The path of ours that a program is, wherever links put the tree: `bin/x` is not `runtime-rs/bin/x`. */
const pathOf = (program: string, { components }: Ledger): string | undefined =>
  components
    .flatMap(({ entries }) => entries.map(({ path }) => path))
    .filter((path) => program.endsWith(`/${path}`))
    .reduce<string | undefined>(
      (longest, path) => (path.length > (longest?.length ?? 0) ? path : longest),
      undefined,
    )

/** Sandboxes of handlers that were of this instance and are no longer asked for. */
const formerSandboxes = (
  { sandboxes }: FactsOf.SightFacts,
  { handlers, instance }: Pick<Settings, "handlers" | "instance">,
): ReadonlyArray<string> => {
  const ours = new Set(Shim.names.map((shim) => Handler.nameOf(shim, instance)))
  for (const { name } of handlers) ours.delete(name)
  return (sandboxes._tag === "Known" ? sandboxes.value : []).flatMap(({ handler, id, pod }) =>
    ours.has(handler) ? [`sandbox ${id} of pod ${pod} (${handler})`] : [],
  )
}

/**
 * What keeps entries from being taken away: a process that runs one of them, or a sandbox of a handler that went, which
 * is all that is seen where processes are out of sight.
 */
export const kept = (
  facts: Pick<FactsOf.Facts, "sight">,
  settings: Pick<Settings, "handlers" | "instance">,
  ledger: Ledger,
  entries: ReadonlyArray<OwnedEntry>,
): ReadonlyArray<Notice> => {
  const { users } = facts.sight
  const going = new Set(entries.map(({ path }) => path))
  const running = (users._tag === "Known" ? users.value : []).filter(
    ({ program, through }) => through === "program" && going.has(pathOf(program, ledger) ?? ""),
  )
  const names = [
    ...(going.size === 0 ? [] : formerSandboxes(facts.sight, settings)),
    ...running.map(
      ({ pid, program, sandbox }) =>
        `process ${pid} (${program})${sandbox === undefined ? "" : ` of sandbox ${sandbox}`}`,
    ),
  ]
  if (names.length === 0) return []
  const components = ledger.components.flatMap(({ name, unused }) => (unused === true ? [name] : []))
  return [
    {
      code: "unused-in-use",
      severity: "warning",
      message: `No enabled shim needs ${components.join(", ")} any more, but it is in use by ${names.join(", ")}, so it stays.`,
      remedy: "Once that has ended, the next install takes it away.",
    },
  ]
}
