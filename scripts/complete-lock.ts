/**
 * Adds to the lock file what npm leaves out of it: see `rules/lock.ts`. Part of `npm run check:fix`.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { entryOf, missing } from "./rules/lock.ts"

const path = join(import.meta.dirname, "../package-lock.json")
const document = JSON.parse(readFileSync(path, "utf8"))
const added = missing(document.packages)

if (added.length > 0) {
  for (const each of added) document.packages[each.place] = entryOf(each)
  document.packages = Object.fromEntries(
    Object.entries(document.packages).sort(([a], [b]) => a.localeCompare(b, "en")),
  )
  writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`)
  console.log(`package-lock.json: ${added.length} packages of other platforms added`)
}
