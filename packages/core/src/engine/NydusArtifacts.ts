/**
 * Answers: which programs of nydus does the artifact directory have? They come as plain files; together those of a mode
 * are a component with a digest of its own, so that a new one is told from the one that is installed.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import { Effect } from "effect"
import * as NydusMode from "../decide/NydusMode.ts"
import * as SnapshotterSetup from "../decide/SnapshotterSetup.ts"
import * as Fact from "../input/Fact.ts"
import type { Settings } from "../input/Settings.ts"
import { programsDirectory } from "../plan/SnapshotterSteps.ts"
import type { HostError } from "../ports/HostError.ts"
import { type ArchiveFacts, type Fingerprint, HostFiles, type Listing } from "../ports/HostFiles.ts"

/** What was found. */
export interface NydusArtifacts {
  /** Names of the programs; `undefined` where the settings ask for no nydus, and nobody looked. */
  readonly programs: SnapshotterSetup.NydusPrograms | undefined
  /** The programs of each mode as one component; a mode of which some are missing is left out. */
  readonly components: ReadonlyArray<readonly [name: string, facts: ArchiveFacts]>
}

const namesOf = (listing: Listing): SnapshotterSetup.NydusPrograms => {
  switch (listing._tag) {
    case "Names":
      return Fact.known(new Set(listing.names))
    case "Absent":
      return Fact.known(new Set())
    case "Unreadable":
      return Fact.unknown("failed", listing.detail)
  }
}

type Program = Extract<Fingerprint, { readonly _tag: "File" }>

/** Names, bytes and permissions decide whether the programs are the same. */
const together = (programs: ReadonlyArray<readonly [name: string, program: Program]>): ArchiveFacts => {
  const text = programs.map(([name, { digest, mode }]) => `${digest} ${mode} ${name}\n`).join("")
  const size = programs.reduce((sum, [, program]) => sum + program.size, 0)
  const id = { sha256: bytesToHex(sha256(utf8ToBytes(text))), size, modifiedMs: 0 }
  return { archive: programsDirectory, id, unpackedBytes: size }
}

/** Looks at the programs that the settings ask for. */
export const observe = Effect.fn("NydusArtifacts.observe")(function* (
  settings: Settings,
): Effect.fn.Return<NydusArtifacts, HostError, HostFiles> {
  const modes = SnapshotterSetup.modesOf(settings)
  if (modes.length === 0) return { programs: undefined, components: [] }
  const files = yield* HostFiles
  const names = namesOf(yield* files.artifactNames(programsDirectory))
  const seen = new Map<string, Program>()
  for (const name of new Set(modes.flatMap((mode) => NydusMode.modes[mode].programs))) {
    if (names._tag === "Unknown" || !names.value.has(name)) continue
    const found = yield* files.artifactProgram(`${programsDirectory}/${name}`)
    if (found._tag === "File") seen.set(name, found)
  }
  const components = modes.flatMap((mode) => {
    const row = NydusMode.modes[mode]
    const own = row.programs.flatMap((name) => {
      const program = seen.get(name)
      return program === undefined ? [] : [[name, program] as const]
    })
    return own.length === row.programs.length ? [[row.directory, together(own)] as const] : []
  })
  return { programs: names._tag === "Unknown" ? names : Fact.known(new Set(seen.keys())), components }
})
