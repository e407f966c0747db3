/** Answers: does this text still look as it did? Goldens are files; UPDATE_GOLDEN=1 writes them anew. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import process from "node:process"
import { assert } from "vitest"

const root = join(import.meta.dirname, "../../../..")

/** Compares text with a file of the repository, or writes the file. */
export const matches = (text: string, path: string): void => {
  const file = join(root, path)
  if (process.env["UPDATE_GOLDEN"] === "1") {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  assert(existsSync(file), `there is no ${path} yet; UPDATE_GOLDEN=1 writes it`)
  assert.strictEqual(text, readFileSync(file, "utf8"), `${path} is stale; UPDATE_GOLDEN=1 writes it anew`)
}
