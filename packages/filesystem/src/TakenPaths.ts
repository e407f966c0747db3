/**
 * Answers: is somebody else's file where a staged tree is about to go? Looks; what is looked at and what it means is
 * decided in the core. Source: decisions §3.
 */
import { HostError, type HostFiles, TakenPaths } from "@kata-deploy/core"
import type { Confinement } from "./Confinement.ts"
import { DirectoryCursor, nameOf, parentOf } from "./DirectoryCursor.ts"
import { hasCode, reasonOf, Refusal } from "./Failure.ts"
import { fingerprintAt, metadataAt } from "./Observation.ts"
import type { Assembled } from "./Parts.ts"

/** Fails when something that is not ours would have to make room; nothing is moved yet. */
export const refuse = (
  host: Confinement,
  action: HostFiles.ExtractAction,
  { placed }: Pick<Assembled, "placed">,
): void =>
  host.inside(action.into, (root) => {
    const cursor = new DirectoryCursor(root)
    const seen =
      (fingerprint: (at: string) => HostFiles.Fingerprint) =>
      (path: string): HostFiles.Fingerprint => {
        try {
          return fingerprint(cursor.enter(parentOf(path)).at(nameOf(path)))
        } catch (cause) {
          return hasCode(cause, "ENOENT", "ENOTDIR", "ELOOP")
            ? { _tag: "Absent" }
            : { _tag: "Unreadable", detail: HostError.describe(reasonOf(cause)) }
        }
      }
    try {
      const refusal = TakenPaths.refusal(
        {
          entries: Array.from(placed.values(), ({ entry }) => entry),
          replaces: action.components.flatMap((component) => component.replaces),
          owned: action.owned,
        },
        action.into,
        { look: seen(metadataAt), read: seen(fingerprintAt) },
      )
      if (refusal !== undefined) throw new Refusal(refusal)
    } finally {
      cursor.close()
    }
  })
