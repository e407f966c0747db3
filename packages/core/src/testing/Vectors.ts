/**
 * What a vector runner is: for each section of a vector file, a function that answers a case through the public
 * functions of a package. A case is data somebody else wrote; what it expects that cannot be read is a difference.
 */
import { Result, Schema } from "effect"
import { differences } from "./Differences.ts"

export { differences } from "./Differences.ts"

/** One case of a vector file. */
export interface Case {
  /** Its name, unique in its section. */
  readonly name: string
  /** What it starts from; the whole entry in sections that have no `input`. */
  readonly input: unknown
  /** What we have to answer: ours, where it differs from upstream's. */
  readonly expected: unknown
  /** The whole vector file, for what its cases share. */
  readonly file: Readonly<Record<string, unknown>>
}

/**
 * What came of a case: what differs, or the names of the rules in `deviations.json` that made it pass; most cases
 * need none.
 */
export type Verdict = Result.Result<ReadonlyArray<string>, string>

/** Answers the cases of one section. */
export type Section = (vector: Case) => Verdict | Promise<Verdict>

/** The runner of one vector file; a module in `test/vectors` of a package exports it as `runner`. */
export interface Runner {
  /** Name of the vector file without `.json`. */
  readonly file: string
  readonly sections: Readonly<Record<string, Section>>
  /** Other keys of the file, that sections read and that hold no cases. */
  readonly shared?: ReadonlyArray<string>
}

/** The case is answered as expected. */
export const passed: Verdict = Result.succeed([])

/** The case is answered as expected but for rules by which we differ on purpose; each is in `deviations.json`. */
export const passedBut = (...rules: ReadonlyArray<string>): Verdict => Result.succeed(rules)

/** The case is not answered as expected; `why` may have several lines. */
export const failed = (why: string): Verdict => Result.fail(why)

/** Passed when there is nothing to say, else failed with all of it. */
export const verdictOf = (complaints: ReadonlyArray<string>): Verdict =>
  complaints.length === 0 ? passed : failed(complaints.join("\n"))

/** Passed when both values are the same by structure. */
export const compare = (expected: unknown, actual: unknown): Verdict =>
  verdictOf(differences(expected, actual))

/** Reads a part of a case; what does not have the shape is a failed case with a message, never a crash. */
export const read = <A>(schema: Schema.Decoder<A>, value: unknown): Result.Result<A, string> =>
  Result.mapError(
    Schema.decodeUnknownResult(schema, { onExcessProperty: "ignore" })(value),
    (issue) => `the runner cannot read this case: ${String(issue)}`,
  )

/** A section whose answer is compared with `expected` by structure. */
export const answering =
  <A>(schema: Schema.Decoder<A>, answer: (input: A, vector: Case) => unknown): Section =>
  (vector) =>
    Result.flatMap(read(schema, vector.input), (input) => compare(vector.expected, answer(input, vector)))
