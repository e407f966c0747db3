/**
 * Answers: which other installs share this host, and what follows from that? What one of them made for all (a key
 * `imports`, a main config, a directory of drop-ins) belongs to each that comes later as well, so that the last one to
 * go takes it away, in whatever order they go. Where a neighbour's ledger cannot be read, such things stay.
 * Source: decisions §3, §5.
 */
import { Result } from "effect"
import type { Facts, Neighbour } from "../input/Facts.ts"
import type { Notice, Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Ledger } from "../plan/Ledger.ts"
import * as Toml from "../toml/Toml.ts"
import * as ContainerdImports from "./ContainerdImports.ts"
import * as NodeMarks from "./NodeMarks.ts"
import * as Recognition from "./Recognition.ts"

const programPlace = /^(.+?)\/(?:runtime-rs\/)?bin\/containerd-shim-kata-v2$/
const dropInPlace = /^(.+)\/containerd\/config\.d\/(?:zz-)?kata-deploy[^/]*\.toml$/

const placeIn = (path: string | undefined, pattern: RegExp): ReadonlyArray<HostPath.HostPath> => {
  const found = path === undefined ? null : pattern.exec(path)
  return found === null ? [] : [HostPath.make(found[1]!)]
}

const importsOf = (text: string): ReadonlyArray<string> =>
  Result.match(Toml.parse(text), {
    onFailure: () => [],
    onSuccess: (table) => Toml.stringsAt(table, "imports"),
  })

/** Install directories that a file of the CRI runtime names, by its handlers' programs and its imports. */
export const installDirsIn = (text: string): ReadonlyArray<HostPath.HostPath> => [
  ...new Set([
    ...Recognition.handlersOf(text).flatMap(({ program }) => placeIn(program, programPlace)),
    ...importsOf(text).flatMap((element) => placeIn(element, dropInPlace)),
  ]),
]

/** Handlers in a file whose programs lie below an install directory. */
export const handlersIn = (text: string, installDir: HostPath.HostPath): ReadonlyArray<string> =>
  Recognition.handlersOf(text)
    .filter((handler) => Recognition.isBelow(handler, installDir))
    .map((handler) => handler.name)

const ledgersOf = (neighbours: ReadonlyArray<Neighbour>): ReadonlyArray<Ledger> =>
  neighbours.flatMap(({ ledger }) => (ledger._tag === "Read" ? [ledger.ledger] : []))

/** Directories that one of them made. */
export const directories = (neighbours: ReadonlyArray<Neighbour>): ReadonlySet<HostPath.HostPath> =>
  new Set(ledgersOf(neighbours).flatMap((ledger) => ledger.directories))

/** What of a main config is the creation of one of them. */
export interface SharedCreation {
  readonly file: boolean
  /** The key `imports`. */
  readonly key: boolean
}

/** What of the main config at a path one of them made. */
export const created = (neighbours: ReadonlyArray<Neighbour>, path: HostPath.HostPath): SharedCreation => {
  const edits = ledgersOf(neighbours).flatMap((ledger) => ledger.edits.filter((edit) => edit.path === path))
  return {
    file: edits.some((edit) => edit.createdFile),
    key: edits.some((edit) => edit.kind === "import" && ContainerdImports.createdKey(edit.region)),
  }
}

/** What a neighbour is called: by its ledger, else by its directory. */
export const nameOf = ({ installDir, ledger }: Neighbour): string =>
  ledger._tag === "Read" ? ledger.ledger.instance : installDir

/** Names of the other instances on a node, as its marks and the host show them. */
export const names = (facts: Pick<Facts, "neighbours" | "node">, instance: string): ReadonlyArray<string> => {
  const marked = facts.node._tag === "Known" ? NodeMarks.instancesIn(facts.node.value.labels) : []
  return [...new Set([...marked, ...facts.neighbours.map(nameOf)])].filter((name) => name !== instance).sort()
}

/**
 * Handlers of ours that a neighbour offers already: `kata-qemu-snp-x` is the shim `qemu-snp` of the instance `x` and
 * the shim `qemu` of the instance `snp-x`.
 */
export const problems = (
  settings: Pick<Settings, "handlers" | "instance">,
  neighbours: ReadonlyArray<Neighbour>,
): ReadonlyArray<Problem> =>
  neighbours.flatMap((neighbour): ReadonlyArray<Problem> => {
    const theirs = new Set(neighbour.handlers)
    const both = settings.handlers.map((handler) => handler.name).filter((name) => theirs.has(name))
    return both.length === 0
      ? []
      : [
          {
            code: "E_HANDLER_TAKEN",
            setting: "MULTI_INSTALL_SUFFIX",
            ...(settings.instance.suffix === undefined ? {} : { value: settings.instance.suffix }),
            path: neighbour.installDir,
            message: `The install in ${neighbour.installDir} offers ${both.join(", ")} already, and a handler can start the programs of one install only.`,
            remedy: "Choose another MULTI_INSTALL_SUFFIX, or leave the shims out in one of the two installs.",
          },
        ]
  })

/** What could not be learnt of them and matters. */
export const notices = (neighbours: ReadonlyArray<Neighbour>): ReadonlyArray<Notice> =>
  neighbours.flatMap(({ installDir, ledger }): ReadonlyArray<Notice> =>
    ledger._tag === "Unreadable"
      ? [
          {
            code: "neighbour-unreadable",
            severity: "info",
            message: `The ledger of the install in ${installDir} cannot be read (${ledger.why}), so what it may have made for both stays on the host when both are gone.`,
          },
        ]
      : [],
  )
