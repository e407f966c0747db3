/**
 * Looks for snapshotters on the node that are not ours: at the files of containerd that are not, and at the units and
 * configurations of nydus-snapshotter that lie where other installs and distributions put them.
 */
import { Effect } from "effect"
import * as ContainerdWholeFile from "../decide/ContainerdWholeFile.ts"
import * as NydusMode from "../decide/NydusMode.ts"
import * as Others from "../decide/OtherSnapshotters.ts"
import type { Facts } from "../input/Facts.ts"
import * as FactsOf from "../input/Facts.ts"
import type { Settings } from "../input/Settings.ts"
import { textOf } from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import { name as instanceName } from "../model/Instance.ts"
import { HostFiles } from "../ports/HostFiles.ts"

/** Where administrators put units; those of packages are linked or copied there, or are out of the pod's sight. */
const unitDirectory = HostPath.make("/etc/systemd/system")

const etc = HostPath.make("/etc")

/** Files of containerd without what we wrote into them. */
const othersFiles = (facts: Facts, mainConfig: HostPath.HostPath, instance: string) => {
  const ledger = FactsOf.ledgerOf(facts)
  const ours = new Set((ledger?.files ?? []).map(({ path }) => path))
  return [mainConfig, ...facts.imported]
    .filter((path) => !ours.has(path))
    .map((path) => {
      const state = FactsOf.at(facts, path)
      const text = textOf(state)
      const rest = text === undefined ? undefined : (ContainerdWholeFile.cut(text, instance) ?? text)
      return { path, state, text: rest }
    })
}

/** Texts of the files of a directory whose names are wanted; what cannot be looked at knows nothing of anybody. */
const textsIn = Effect.fnUntraced(function* (
  directory: HostPath.HostPath,
  isWanted: (name: string) => boolean,
) {
  const files = yield* HostFiles
  const listing = yield* files.list(directory)
  const names = listing._tag === "Names" ? listing.names.filter(isWanted) : []
  const states = yield* Effect.forEach(names, (name) => files.look(HostPath.join(directory, name)))
  return states.flatMap((state) => textOf(state) ?? [])
})

/** Places of the snapshotters that units start; ours among them, so that who names it once more is known for that. */
const placesOfUnits = Effect.fnUntraced(function* () {
  const files = yield* HostFiles
  const units = yield* textsIn(unitDirectory, (name) => name.endsWith(".service") && name.includes("nydus"))
  const places: Array<Others.SnapshotterPlace> = []
  for (const unit of units) {
    const flags = Others.flagsIn(unit)
    if (flags === undefined) continue
    const text = flags.config?.startsWith("/")
      ? textOf(yield* files.look(HostPath.make(flags.config)))
      : flags.config === undefined
        ? ""
        : undefined
    const place = text === undefined ? undefined : Others.placeIn(text, flags)
    if (place !== undefined) places.push(place)
  }
  return places
})

/** Places that configurations tell of: those of other installs of ours, and those in `/etc/nydus…`. */
const placesOfConfigs = Effect.fnUntraced(function* (facts: Facts) {
  const files = yield* HostFiles
  const siblings = facts.neighbours.flatMap(({ installDir }) =>
    NydusMode.all.map((mode) => {
      const { config, directory } = NydusMode.modes[mode]
      return HostPath.join(installDir, directory, config)
    }),
  )
  const states = yield* Effect.forEach(siblings, (path) => files.look(path))
  const listing = yield* files.list(etc)
  const directories = listing._tag === "Names" ? listing.names.filter((name) => name.startsWith("nydus")) : []
  const texts = yield* Effect.forEach(directories, (name) =>
    textsIn(HostPath.join(etc, name), (file) => file.endsWith(".toml")),
  )
  return [...states.flatMap((state) => textOf(state) ?? []), ...texts.flat()].flatMap(
    (text) => Others.placeIn(text) ?? [],
  )
})

/** Looks for them. */
export const observe = Effect.fn("OtherSnapshotters.observe")(function* (
  facts: Facts,
  settings: Pick<Settings, "instance">,
  mainConfig: HostPath.HostPath,
): Effect.fn.Return<Others.OthersSeen, never, HostFiles> {
  const places = [...(yield* placesOfUnits()), ...(yield* placesOfConfigs(facts))]
  const unseen = facts.unlisted.map(({ detail, path }) => `${path} cannot be listed (${detail})`)
  const found: Array<Others.OtherSnapshotter> = []
  for (const { path, state, text } of othersFiles(facts, mainConfig, instanceName(settings.instance))) {
    if (state._tag === "Absent") continue
    const plugins = text === undefined ? undefined : Others.pluginsIn(text)
    if (plugins === undefined) unseen.push(`${path} cannot be read`)
    else found.push(...plugins.map((plugin) => Others.known(plugin, path, places)))
  }
  return { found, unseen }
})
