/**
 * `npm run bench -- NAME`: runs one of the benchmarks in `bench/`. Nothing there is part of the tests: figures depend
 * on the machine, so that people compare them, and each benchmark brings a yardstick that ran at the same time.
 */
import { globSync } from "node:fs"
import { basename, join } from "node:path"
import process from "node:process"

const directory = join(import.meta.dirname, "../bench")
const names = globSync("*.bench.ts", { cwd: directory })
  .map((file) => basename(file, ".bench.ts"))
  .sort()
const [name = "", ...rest] = process.argv.slice(2)
if (!names.includes(name) || rest.length > 0) {
  console.error(`Usage: npm run bench -- NAME, where NAME is one of ${names.join(", ")}.`)
  process.exit(2)
}
await import(join(directory, `${name}.bench.ts`))
