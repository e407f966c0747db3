/**
 * Answers: are the archives the ones that their publisher meant? Where the artifact directory has checksums, every
 * archive is held against them before it is used; where a public key is given, the checksums have to be signed with it.
 * Source: decisions §10.
 */
import { createPublicKey, type KeyObject, verify } from "node:crypto"
import fs from "node:fs"
import nodePath from "node:path"
import { Checksums } from "@kata-deploy/core"
import { Result } from "effect"
import { hasCode, Refusal } from "./Refusal.ts"

const refuse = (archive: string, detail: string): Refusal =>
  new Refusal({ _tag: "BadArchive", archive, entry: undefined, detail })

/** The DER bytes before a raw Ed25519 key in a SubjectPublicKeyInfo (RFC 8410). */
const rawKeyPrefix = Buffer.from("302a300506032b6570032100", "hex")

/** Reads an Ed25519 public key: PEM, or its 32 bytes. */
export const publicKeyFrom = (bytes: Buffer): KeyObject => {
  // A private one would do as well, and then lie on every node.
  if (bytes.includes("PRIVATE KEY-----")) throw new Error("it is a private key")
  const key =
    bytes.length === 32
      ? createPublicKey({ key: Buffer.concat([rawKeyPrefix, bytes]), format: "der", type: "spki" })
      : createPublicKey(bytes)
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`it is a key for ${key.asymmetricKeyType}`)
  return key
}

const readOptional = (path: string): Buffer | undefined => {
  try {
    return fs.readFileSync(path)
  } catch (cause) {
    if (hasCode(cause, "ENOENT", "ENOTDIR")) return undefined
    throw cause
  }
}

/** The checksums of an artifact directory, checked against the key; `undefined` where there are none and no key. */
export const checksums = (
  directory: string,
  publicKey: KeyObject | undefined,
): Checksums.Checksums | undefined => {
  const bytes = readOptional(nodePath.join(directory, Checksums.path))
  if (publicKey !== undefined) {
    const signature = readOptional(nodePath.join(directory, Checksums.signaturePath))
    if (bytes === undefined) throw refuse(Checksums.path, "it is missing, and a public key is given")
    if (signature === undefined)
      throw refuse(Checksums.signaturePath, "it is missing, and a public key is given")
    if (!verify(null, bytes, publicKey, signature)) {
      throw refuse(Checksums.path, "its signature does not fit the public key")
    }
  }
  if (bytes === undefined) return undefined
  const parsed = Checksums.parse(bytes.toString("utf8"))
  if (Result.isFailure(parsed)) throw refuse(Checksums.path, parsed.failure)
  return parsed.success
}

/** Refuses an archive that is not the one that was meant; without checksums its digest need not be known. */
export const check = (
  known: Checksums.Checksums | undefined,
  relative: string,
  sha256: string | null,
): void => {
  const objection = known === undefined ? undefined : Checksums.objection(known, relative, sha256 ?? "")
  if (objection !== undefined) throw refuse(relative, objection)
}
