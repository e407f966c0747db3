/**
 * The entry of the program: answers `--version` by itself, supervises the long life of a pod, and loads everything else
 * only when it is needed. `process` is the global here and in all that is imported: see `supervisor/Builtins.ts`.
 */
import { version } from "./Release.ts"
import { begin } from "./supervisor/Begin.ts"
import { errandOf } from "./supervisor/CommandLine.ts"

const argv = process.argv.slice(2)

const errand = errandOf(argv)

if (argv.length === 1 && argv[0] === "--version") {
  process.stdout.write(`kata-deploy ${await version()}\n`)
} else if (errand !== undefined) {
  process.exit(await begin(errand, argv, { file: import.meta.filename, version }))
} else {
  const { run } = await import("./program.ts")
  process.exitCode = await run(argv, { file: import.meta.filename })
}
