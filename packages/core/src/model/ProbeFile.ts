/**
 * Answers: what did a filesystem do with a file that was made only to try things on? Seen by `HostShell.probeFile`;
 * what it is good for is decided elsewhere. Source: decisions §5.
 */

/** What became of a try; `why` is a clause for people. */
export type Tried =
  | { readonly _tag: "Accepted" }
  /** The filesystem, or the kernel that runs, has no such thing. */
  | { readonly _tag: "Refused"; readonly why: string }
  /** It could not be tried, or failed for a reason that may not hold for others. */
  | { readonly _tag: "Unknown"; readonly why: string }

/** What was tried on a probe file. */
export interface ProbeFile {
  /** Sealing it with fs-verity. */
  readonly fsverity: Tried
  /** Setting its immutable flag. */
  readonly immutable: Tried
}

/** The answer to a try that worked. */
export const accepted: Tried = { _tag: "Accepted" }

/** The answer where the filesystem does not take it; `why` is a clause. */
export const refused = (why: string): Tried => ({ _tag: "Refused", why })

/** The answer where nobody can say; `why` is a clause. */
export const unknown = (why: string): Tried => ({ _tag: "Unknown", why })

/** A probe file that there never was; `why` is a clause. */
export const untried = (why: string): ProbeFile => ({ fsverity: unknown(why), immutable: unknown(why) })
