/**
 * Answers: do we know? A fact is known or unknown, and *unknown* says in which of three ways (decisions §2).
 */

/**
 * How something came to be unknown: nobody asked (the operator's choice, `--kube none`), we asked and failed, or
 * it cannot be seen from here by construction.
 */
export type Unknowing = "not-asked" | "failed" | "out-of-sight"

/** The reason why something could not be observed; `why` is a clause for people. */
export interface Unknown {
  readonly _tag: "Unknown"
  readonly how: Unknowing
  readonly why: string
}

/** A value that we observed, or the reason why we could not. */
export type Fact<A> = { readonly _tag: "Known"; readonly value: A } | Unknown

/** A fact that was observed. */
export const known = <A>(value: A): Fact<A> => ({ _tag: "Known", value })

/** A fact that could not be observed; `why` is a clause for people. */
export const unknown = (how: Unknowing, why: string): Unknown => ({ _tag: "Unknown", how, why })

/** The value where it is known. */
export const valueOf = <A>(fact: Fact<A>): A | undefined => (fact._tag === "Known" ? fact.value : undefined)
