/** Settings as an operator writes them, for tests of decisions. */
import { assert } from "@effect/vitest"
import { Result } from "effect"
import * as SmolToml from "smol-toml"
import { Settings } from "../src/index.ts"

/** Settings from variables on x86_64, with the operator's files of `/custom-configs`; `qemu` is the only shim unless said otherwise. */
export const settings = (
  variables: Readonly<Record<string, string>> = {},
  customConfigs: Readonly<Record<string, string>> = {},
): Settings.Settings =>
  Result.getOrThrow(
    Settings.decode({
      architecture: "x86_64",
      variables: { SHIMS_X86_64: "qemu", ...variables },
      customConfigs: { _tag: "Files", files: new Map(Object.entries(customConfigs)) },
      api: "not-used",
    }),
  )

/** A parsed table, to walk down without asserting at each step that there is one. */
export interface Tree {
  readonly [key: string]: Tree
}

/** What a TOML text means, by a parser that has nothing to do with the code under test. */
export const meaning = (text: string): Tree => SmolToml.parse(text) as unknown as Tree

/** Two values of any kind are the same by meaning. */
export const same = (actual: unknown, expected: unknown): void => assert.deepEqual(actual, expected)
