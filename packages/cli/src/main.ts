/**
 * The entry of the program: answers `--version` by itself and loads everything else only when it is needed.
 */
import process from "node:process"

/** Filled in by the bundler; the sources read the manifest instead. */
declare const KATA_DEPLOY_VERSION: string | undefined

const version = async (): Promise<string> => {
  if (typeof KATA_DEPLOY_VERSION === "string") return KATA_DEPLOY_VERSION
  const manifest = await import("../package.json", { with: { type: "json" } })
  return manifest.default.version
}

const argv = process.argv.slice(2)

if (argv.length === 1 && argv[0] === "--version") {
  process.stdout.write(`kata-deploy ${await version()}\n`)
} else {
  const { run } = await import("./program.ts")
  process.exitCode = await run(argv)
}
