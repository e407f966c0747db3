/**
 * Answers: what is said of unpacked files that somebody changed, before they go? They are ours and go all the same, but
 * whoever changed them may want to know. Source: decisions §3.
 */
import type { UnpackedFacts } from "../input/Facts.ts"
import type { Notice } from "../input/Problem.ts"
import * as HostPath from "../model/HostPath.ts"

/** So many paths are named; of more the number is told. */
const mostNamed = 10

/** What is about to become of them. */
export type Fate = "removed" | "replaced"

const fates: Readonly<Record<Fate, string>> = {
  removed: "goes all the same",
  replaced: "is put back as the archives have it",
}

/** The notice about changed files of some components; none where nobody changed any. */
export const notices = (
  { changed }: UnpackedFacts,
  components: ReadonlyArray<string>,
  installDir: HostPath.HostPath,
  fate: Fate,
): ReadonlyArray<Notice> => {
  const paths = [...new Set(components.flatMap((name) => changed.get(name) ?? []))].sort()
  if (paths.length === 0) return []
  const named = paths.slice(0, mostNamed).map((path) => HostPath.join(installDir, path))
  const more = paths.length - named.length
  const list = more === 0 ? named.join(", ") : `${named.join(", ")} and ${more} more`
  return [
    {
      code: "unpacked-files-changed",
      severity: "warning",
      message: `What we unpacked was changed by somebody else since, and ${fates[fate]}: ${list}.`,
    },
  ]
}
