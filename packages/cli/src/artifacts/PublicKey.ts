/** Answers: can the key that `--public-key` names be used? */
import type { Problem } from "@kata-deploy/core"
import { ComponentArchives } from "@kata-deploy/filesystem"

/** What is wrong with the key in a file; nothing where it can be used. */
export const problem = (file: string): ReadonlyArray<Problem.Problem> => {
  const read = ComponentArchives.readPublicKey(file)
  if (read.key !== undefined) return []
  return [
    {
      code: "E_PUBLIC_KEY",
      setting: "--public-key",
      value: file,
      message: `The public key ${file} cannot be used: ${read.why}.`,
      remedy: "Name a file with an Ed25519 public key, as PEM or as its 32 bytes.",
    },
  ]
}
