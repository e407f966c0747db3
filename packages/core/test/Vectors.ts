/** Decisions of upstream's installer as data, from `fixtures/vectors`. */
import { readFileSync } from "node:fs"

/** The cases of one section of a file. */
export const section = <A>(file: string, name: string): ReadonlyArray<A> =>
  whole<Record<string, ReadonlyArray<A>>>(file)[name]!

/** A whole file. */
export const whole = <A>(file: string): A =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/vectors/${file}.json`, import.meta.url), "utf8")) as A
