/**
 * `npm run vectors`: every decision that upstream's installer takes, as data, answered by our packages.
 *
 * The vectors are in `fixtures/vectors`, or in the directory that VECTORS_DIR names. What we do where upstream is not
 * followed stands beside them: `quirks.json` for cases marked as a quirk of upstream, `deviations.json` for others,
 * both by file, section and name, each with our `expected` and `because`.
 */
import { join, resolve } from "node:path"
import process from "node:process"
import { collect } from "./vectors/collect.ts"
import { lines, total } from "./vectors/Outcome.ts"

const root = join(import.meta.dirname, "..")
const ours = join(root, "fixtures/vectors")
const named = process.env["VECTORS_DIR"] ?? ""

const files = await collect(root, named === "" ? ours : resolve(named), ours)
console.log(lines(files).join("\n"))
process.exitCode = total(files, "failed") > 0 ? 1 : 0
