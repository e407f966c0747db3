/** Compares two TOML texts by meaning, read by another parser than the one under test. */
import { Vectors } from "@kata-deploy/core/testing"
import { parse } from "smol-toml"

const meaning = (text: string): unknown => {
  const table: Record<string, unknown> = parse(text)
  // An empty `imports` imports as little as none (decisions §15).
  if (Array.isArray(table["imports"]) && table["imports"].length === 0) delete table["imports"]
  return JSON.parse(JSON.stringify(table))
}

/** In what two texts differ; texts that are no TOML are compared as they are. */
export const sameToml = (what: string, expected: string, actual: string): ReadonlyArray<string> => {
  try {
    return Vectors.differences(meaning(expected), meaning(actual)).map((line) => `${what} ${line}`)
  } catch {
    return expected === actual
      ? []
      : [`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`]
  }
}
