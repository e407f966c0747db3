/**
 * Answers: which way of nydus did somebody choose for a shim on this node, and over which words of the settings? The
 * ledger keeps such choices, so that the next install holds to them. Source: cli.md; docs/decisions/0018.
 */
import { Schema } from "effect"

/** What settings say of one shim, as far as a mode of nydus is made of it. */
export const ShimWords = Schema.Struct({
  /** Its value in `SNAPSHOTTER_HANDLER_MAPPING`; left out where there is none. */
  snapshotter: Schema.optionalKey(Schema.String),
  /** Its value in `PULL_TYPE_MAPPING`; left out where there is none. */
  pullType: Schema.optionalKey(Schema.String),
  /** Set where `EXPERIMENTAL_FORCE_GUEST_PULL` names it. */
  forcesGuestPull: Schema.optionalKey(Schema.Literal(true)),
}).annotate({ identifier: "ShimWords" })
/** What settings say of one shim, as far as a mode of nydus is made of it. */
export type ShimWords = typeof ShimWords.Type

/** A mode that `set-mode --apply` recorded for a shim. */
export const ModeChoice = Schema.Struct({
  shim: Schema.String,
  mode: Schema.Literals(["guest-pull", "host-share"]),
  /** What the settings said of the shim when it was chosen; the choice holds as long as they say the same. */
  said: ShimWords,
}).annotate({ identifier: "ModeChoice" })
/** A mode that `set-mode --apply` recorded for a shim. */
export type ModeChoice = typeof ModeChoice.Type
