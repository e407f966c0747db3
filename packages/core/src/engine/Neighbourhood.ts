/**
 * Answers: which other installs are on this host? Looks where neighbours leave something to be seen: beside our install
 * directory, in the directories of drop-ins, and in what the CRI runtime's files name.
 */
import { Effect } from "effect"
import * as Adoption from "../decide/Adoption.ts"
import * as Neighbours from "../decide/Neighbours.ts"
import type { Facts, Neighbour, Unlisted } from "../input/Facts.ts"
import { textOf } from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import { defaultStateDir } from "../model/Instance.ts"
import * as Ledger from "../plan/Ledger.ts"
import { HostFiles } from "../ports/HostFiles.ts"

/** Install directories beside one, by their names; `unlisted` where their parent cannot be listed. */
export const beside = Effect.fnUntraced(function* (installDir: HostPath.HostPath) {
  const files = yield* HostFiles
  const parent = HostPath.parent(installDir)
  const listing = yield* files.list(parent)
  const names =
    listing._tag === "Names" ? listing.names.filter((n) => n === "kata" || n.startsWith("kata-")) : []
  const unlisted: ReadonlyArray<Unlisted> =
    listing._tag === "Unreadable" ? [{ path: parent, detail: listing.detail }] : []
  return { found: names.map((name) => HostPath.join(parent, name)), unlisted }
})

/** Where the ledger of an install directory is: at its own place, or where a pointer in it leads. */
const ledgerAt = Effect.fnUntraced(function* (installDir: HostPath.HostPath) {
  const files = yield* HostFiles
  const instance = { suffix: undefined, installDir }
  const pointer = textOf(yield* files.look(Adoption.pointerPath(instance)))
  const stateDir = pointer === undefined ? defaultStateDir(instance) : HostPath.make(pointer.trim())
  return Ledger.from(yield* files.look(Ledger.pathIn(stateDir)))
})

/** Texts of the files of installs in directories of drop-ins; what cannot be listed names nobody. */
const dropInTexts = Effect.fnUntraced(function* (directories: ReadonlyArray<HostPath.HostPath>) {
  const files = yield* HostFiles
  const texts: Array<string> = []
  for (const directory of new Set(directories)) {
    const listing = yield* files.list(directory)
    for (const name of listing._tag === "Names" ? listing.names : []) {
      if (!name.includes("kata-deploy")) continue
      const text = textOf(yield* files.look(HostPath.join(directory, name)))
      if (text !== undefined) texts.push(text)
    }
  }
  return texts
})

/** The facts with the other installs on this host; `directories` are those that our drop-ins lie in or will. */
export const observe = Effect.fnUntraced(function* (
  facts: Facts,
  installDir: HostPath.HostPath,
  directories: ReadonlyArray<HostPath.HostPath>,
) {
  const shared = directories.filter((directory) => !HostPath.isWithin(directory, installDir))
  const looked = [...facts.files].flatMap(([path, state]) =>
    state._tag === "File" && !HostPath.isWithin(path, installDir) ? [state.text] : [],
  )
  const texts = [...looked, ...(yield* dropInTexts(shared))]
  const named = texts.flatMap(Neighbours.installDirsIn)
  const { found } = yield* beside(installDir)
  const others = [...new Set([...named, ...found])].filter((each) => each !== installDir).sort()
  const neighbours: Array<Neighbour> = []
  for (const other of others) {
    const ledger = yield* ledgerAt(other)
    // A directory of that name without a ledger and without a handler is no install, nor is a restart that is due.
    const isBare = ledger._tag === "None" || (ledger._tag === "Read" && Ledger.ownsNothing(ledger.ledger))
    if (isBare && !named.includes(other)) continue
    const handlers =
      ledger._tag === "Read" ? ledger.ledger.handlers : texts.flatMap((t) => Neighbours.handlersIn(t, other))
    neighbours.push({ installDir: other, ledger, handlers: [...new Set(handlers)] })
  }
  return { ...facts, neighbours }
})
