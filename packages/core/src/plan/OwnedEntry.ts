/**
 * Answers: is what is there what we put there? Adapters and doubles compare by this one rule.
 */
import type { Fingerprint } from "../ports/HostFiles.ts"
import type { OwnedEntry } from "./Ledger.ts"

/** How closely an entry is compared: `contents` includes the digest, which means reading every byte. */
export type Depth = "metadata" | "contents"

/** Whether a fingerprint fits an entry; for `metadata` the fingerprint's digest is not looked at. */
export const matches = (entry: OwnedEntry, found: Fingerprint, depth: Depth): boolean => {
  switch (entry.type) {
    case "file":
      return (
        found._tag === "File" &&
        found.size === entry.size &&
        found.mode === entry.mode &&
        (depth === "metadata" || found.digest === entry.sha256)
      )
    case "link":
      return found._tag === "Link" && found.target === entry.target
    case "directory":
      return found._tag === "Directory"
  }
}
