/**
 * Answers: which options does a `mkfs.erofs` not know, when its bytes come piece by piece? The program cannot be run
 * here and may be large, so no more than one piece and the end of the one before are looked at. Source: spec 09 §5.
 */
import { hasOption, requiredMkfsOptions } from "./ErofsPrerequisites.ts"

/** A search that is under way. */
export interface Search {
  /** Options that have not been found yet, without dashes. */
  readonly missing: ReadonlyArray<string>
  /** The end of what was searched, in which an option may have begun. */
  readonly tail: Uint8Array
  /** Whether the file begins with `tail`: only there a word may have nothing in front of it. */
  readonly tailBegins: boolean
}

/** A search before the first piece. */
export const start: Search = { missing: requiredMkfsOptions, tail: new Uint8Array(), tailBegins: true }

/** Bytes of the longest option with its NUL: one that began before the tail was seen whole. */
const longest = Math.max(...requiredMkfsOptions.map((option) => option.length + 1))

/** A printable byte in front of a tail: a word right behind it was judged when its true neighbour was there. */
const guard = Uint8Array.of(0x21)

/** Searches the next piece, too; pieces may have any length. */
export const search = ({ missing, tail, tailBegins }: Search, piece: Uint8Array): Search => {
  const seen = joined(tail, piece)
  const window = tailBegins ? seen : joined(guard, seen)
  const begins = tailBegins && seen.length <= longest
  return {
    missing: missing.filter((option) => !hasOption(window, option)),
    tail: begins ? seen : seen.slice(-longest),
    tailBegins: begins,
  }
}

const joined = (front: Uint8Array, back: Uint8Array): Uint8Array => {
  const both = new Uint8Array(front.length + back.length)
  both.set(front)
  both.set(back, front.length)
  return both
}
