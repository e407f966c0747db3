/**
 * Answers: what is worth saying where a stage is run by itself and the one that belongs before it was not? Handlers then
 * name programs that are not on the host. Stages are separate on purpose, so it is only told, by what is seen on the host,
 * whoever put it there; a whole install or cleanup has both stages and says nothing. Source: spec 09 §2, §3.
 */
import * as FactsOf from "../input/Facts.ts"
import type { Notice } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import * as Shim from "../model/Shim.ts"
import type { Ledger } from "./Ledger.ts"

type Asked = Pick<Settings, "handlers" | "instance">

const programOf = (shim: string, { instance }: Asked): HostPath.HostPath | undefined => {
  const row = Shim.lookup(shim)
  return row === undefined ? undefined : Shim.binary(instance.installDir, row)
}

/** The programs that the handlers start; to be looked at before the CRI stage is planned by itself. */
export const programs = (settings: Asked): ReadonlyArray<HostPath.HostPath> => [
  ...new Set(settings.handlers.flatMap(({ shim }) => programOf(shim, settings) ?? [])),
]

/** Handlers that the CRI stage registers and whose programs are seen to be absent; what was not seen is not told. */
export const withoutPrograms = (
  facts: Pick<FactsOf.Facts, "files">,
  settings: Asked,
): ReadonlyArray<Notice> => {
  const missing = programs(settings).filter((path) => FactsOf.at(facts, path)._tag === "Absent")
  if (missing.length === 0) return []
  const handlers = settings.handlers.filter(({ shim }) => {
    const program = programOf(shim, settings)
    return program !== undefined && missing.includes(program)
  })
  return [
    {
      code: "handlers-without-programs",
      severity: "warning",
      message: `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} not on the host, so no pod of ${handlers.map(({ name }) => name).join(", ")} will start.`,
      remedy: "Run install-stage-artifacts, which belongs before this stage.",
    },
  ]
}

/** The words of a text that may be names of handlers. */
const wordsOf = (text: string): ReadonlySet<string> => new Set(text.split(/[^A-Za-z0-9_-]+/))

/** Handlers that are still configured when the stage that removes artifacts takes their programs away. */
export const stillConfigured = (
  facts: Pick<FactsOf.Facts, "files">,
  ledger: Ledger,
  installDir: HostPath.HostPath,
): ReadonlyArray<Notice> => {
  const unpacked = new Set(ledger.components.flatMap(({ entries }) => entries.map(({ path }) => path)))
  const going = Shim.programs(installDir).filter((path) =>
    // Of an install without a ledger everything goes.
    ledger.adopted === undefined
      ? unpacked.has(HostPath.relativeTo(path, installDir))
      : FactsOf.at(facts, path)._tag !== "Absent",
  )
  const configured = [
    ...ledger.files.filter(({ stage }) => stage === "cri"),
    ...ledger.edits.filter(({ kind }) => kind !== "import"),
  ].flatMap(({ path }) => {
    const text = FileState.textOf(FactsOf.at(facts, path))
    if (text === undefined || !going.some((program) => text.includes(program))) return []
    const words = wordsOf(text)
    return [{ path, handlers: ledger.handlers.filter((handler) => words.has(handler)) }]
  })
  const handlers = new Set(configured.flatMap((one) => one.handlers))
  if (handlers.size === 0) return []
  const paths = [...new Set(configured.map(({ path }) => path))]
  return [
    {
      code: "handlers-still-configured",
      severity: "warning",
      message: `${paths.join(" and ")} still ${paths.length === 1 ? "has" : "have"} ${[...handlers].join(", ")}, whose programs go with this stage; no pod of them will start any more.`,
      remedy: "Run cleanup-stage-revert-cri, which belongs before this stage.",
    },
  ]
}
