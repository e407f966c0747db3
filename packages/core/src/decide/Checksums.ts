/**
 * Answers: is a component archive the one that its publisher meant? `checksums.sha256` of the artifact directory is in
 * the format of `sha256sum`, with paths relative to that directory. Source: decisions §10.
 */
import { Result } from "effect"

/** Where the checksums are, relative to the artifact directory. */
export const path = "checksums.sha256"

/** Where the signature of the checksums is: 64 bytes, Ed25519 over the bytes of the file. */
export const signaturePath = "checksums.sha256.sig"

/** Digests in lower-case hexadecimal by path. */
export type Checksums = ReadonlyMap<string, string>

const line = /^([0-9a-fA-F]{64}) [ *](.+)$/

/** Reads the file; on failure the message says which line is wrong. */
export const parse = (text: string): Result.Result<Checksums, string> => {
  const found = new Map<string, string>()
  for (const [at, each] of text.split("\n").entries()) {
    const content = each.replace(/\r$/, "")
    if (content.trim() === "" || content.startsWith("#")) continue
    const [, digest, name] = line.exec(content) ?? []
    if (digest === undefined || name === undefined)
      return Result.fail(`line ${at + 1} is no checksum and path`)
    const relative = name.replace(/^\.\//, "")
    const before = found.get(relative)
    if (before !== undefined && before !== digest.toLowerCase())
      return Result.fail(`line ${at + 1} names ${relative} again with another checksum`)
    found.set(relative, digest.toLowerCase())
  }
  return Result.succeed(found)
}

/** Why an archive with this digest must not be used, as a clause; `undefined` where it may. */
export const objection = (checksums: Checksums, relative: string, sha256: string): string | undefined => {
  const expected = checksums.get(relative)
  if (expected === undefined) return `${path} does not list it`
  return expected === sha256
    ? undefined
    : `its checksum is ${sha256.slice(0, 12)}… and ${path} says ${expected.slice(0, 12)}…`
}

/** The file for some archives, sorted by path. */
export const print = (checksums: Checksums): string =>
  [...checksums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, digest]) => `${digest}  ${name}\n`)
    .join("")
