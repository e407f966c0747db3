/**
 * Answers: which components are unpacked by an install, and what is recorded of them afterwards? One whose archive and
 * files are unchanged is not unpacked again. Source: spec 05, decisions §4, §10.
 */
import type { Facts } from "../input/Facts.ts"
import type { Settings } from "../input/Settings.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Desired } from "../decide/Desired.ts"
import type { ExtractComponent } from "./Action.ts"
import type * as Ledger from "./Ledger.ts"
import * as OwnedEntry from "./OwnedEntry.ts"
import * as SnapshotterSteps from "./SnapshotterSteps.ts"

/** A configuration that was a link of ours while its shim was enabled, and the component that it came with. */
export interface GivenBack {
  readonly component: string
  readonly path: HostPath.HostPath
}

/** Configurations of shims that are no longer enabled; unpacking their component again puts the plain files back. */
export const givenBack = (
  { facts, settings }: { readonly facts: Facts; readonly settings: Settings },
  before: Ledger.Ledger,
  components: ReadonlyArray<string>,
  wanted: ReadonlyArray<Desired>,
): ReadonlyArray<GivenBack> => {
  if (before.files.length === 0) return []
  const kept = HostPath.join(facts.stateDir, "base")
  const linked = new Set(before.files.map((file) => file.path))
  const stillLinked = new Set(wanted.map((d) => d.path))
  return before.files.flatMap(({ path }): ReadonlyArray<GivenBack> => {
    if (!HostPath.isBelow(path, kept)) return []
    const [digest, ...rest] = HostPath.relativeTo(path, kept).split("/")
    const plain = HostPath.join(
      settings.instance.installDir,
      "share/defaults/kata-containers",
      rest.join("/"),
    )
    const from = before.components.find((c) => c.archive.sha256?.startsWith(digest!) === true)
    // A base that only a custom runtime is made of was never a link, or is one no longer.
    if (!linked.has(plain) || stillLinked.has(plain)) return []
    return from === undefined || !components.includes(from.name)
      ? []
      : [{ component: from.name, path: plain }]
  })
}

/** The components that are unpacked: those of another archive, with damage, or with a file to be given back. */
export const changed = (
  facts: { readonly artifacts: Pick<Facts["artifacts"], "archives" | "damaged"> },
  ledger: Ledger.Ledger,
  components: ReadonlyArray<string>,
  again: ReadonlyArray<GivenBack>,
): ReadonlyArray<ExtractComponent> => {
  const unpacked = components.flatMap((name) => {
    const archive = facts.artifacts.archives.get(name)
    const owned = ledger.components.find((c) => c.name === name)
    const intact =
      owned?.archive.sha256 === archive?.id.sha256 &&
      !facts.artifacts.damaged.has(name) &&
      !again.some((g) => g.component === name)
    if (archive === undefined || intact) return []
    const copies = SnapshotterSteps.copiesOf(name)
    return [
      {
        name,
        archive: archive.archive,
        ...(copies === undefined ? {} : { copies }),
        id: archive.id,
        replaces: owned?.entries ?? [],
      },
    ]
  })
  const names = new Set(unpacked.map(({ name }) => name))
  const kept = new Set(
    ledger.components.flatMap((c) => (names.has(c.name) ? [] : c.entries.map((entry) => entry.path))),
  )
  return unpacked.map((each) => ({
    ...each,
    replaces: each.replaces.filter((entry) => !kept.has(entry.path)),
  }))
}

/** Bytes that a component takes; five times the compressed size where the archive does not say (decisions §10). */
export const unpackedBytes = (facts: Facts, component: ExtractComponent): number =>
  facts.artifacts.archives.get(component.name)?.unpackedBytes ?? component.id.size * 5

/** What is unpacked after the stage. What is no longer selected stays until no handler needs it any more. */
export const recorded = (
  facts: Pick<Facts, "unpacked">,
  before: Ledger.Ledger,
  components: ReadonlyArray<string>,
  unpacked: ReadonlyArray<ExtractComponent>,
  except: ReadonlyArray<string>,
): ReadonlyArray<Ledger.OwnedComponent> => {
  // Entries are taken out of what was recorded before, if anything was.
  const delivered = new Set(before.components.length === 0 ? [] : except)
  const selected = components.flatMap((name): ReadonlyArray<Ledger.OwnedComponent> => {
    const fresh = unpacked.find((c) => c.name === name)
    if (fresh !== undefined) return [{ name, archive: fresh.id, entries: [] }]
    const owned = before.components.find((c) => c.name === name)
    if (owned === undefined) return []
    const { unused: _, ...used } = owned
    const entries = owned.entries.filter((e) => !delivered.has(e.path))
    const renewed = facts.unpacked.renewed.get(name) ?? []
    return [{ ...used, entries: OwnedEntry.withRenewed(entries, renewed) }]
  })
  const unused = before.components.flatMap((owned): ReadonlyArray<Ledger.OwnedComponent> =>
    components.includes(owned.name) ? [] : [{ ...owned, unused: true }],
  )
  return [...selected, ...unused]
}
