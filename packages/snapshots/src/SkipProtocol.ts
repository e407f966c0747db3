/**
 * Answers: what does containerd hear after a layer was skipped? It has to hear that its target exists already. Where
 * the commit failed in another way, nydus-snapshotter answers with neither mounts nor an error; here it is an error.
 * Source: facts nydus §2, "SKIP protocol".
 */

/** What became of committing the layer under its chain id. */
export type Commit =
  | { readonly _tag: "Committed" }
  | { readonly _tag: "AlreadyExists" }
  | { readonly _tag: "Failed"; readonly why: string }

/** What Prepare answers. */
export type Answer =
  /** Success: containerd goes on with the next layer. */
  | { readonly _tag: "AlreadyExists"; readonly target: string }
  | { readonly _tag: "Error"; readonly why: string }

const rows = {
  S1: "the layer is committed, and containerd goes on as if it had unpacked it",
  S2: "somebody else committed the same layer meanwhile, which is as good",
  S3: "the commit failed; without an error containerd would unpack into a snapshot that has no mounts",
} as const

/** A row of the protocol. */
export type Row = keyof typeof rows

/** The answer to a commit of the chain id `target`. */
export const answer = (target: string, commit: Commit): { readonly row: Row; readonly answer: Answer } => {
  switch (commit._tag) {
    case "Committed":
      return { row: "S1", answer: { _tag: "AlreadyExists", target } }
    case "AlreadyExists":
      return { row: "S2", answer: { _tag: "AlreadyExists", target } }
    case "Failed":
      return { row: "S3", answer: { _tag: "Error", why: commit.why } }
  }
}

/** Why it is answered that way, with the row. */
export const explain = (row: Row): string => `${row}: ${rows[row]}.`
