/**
 * Bundles the command-line program: `packages/cli/dist/kata-deploy.mjs`, a small entry that answers
 * `--version` by itself and supervises, and one chunk per part that is loaded only when it is needed. The result
 * holds everything, so it runs without `node_modules`.
 *
 * The entry is one file on its own: a second ES module costs its process 3 MiB, which counts where it does nothing
 * but wait. What entry and chunks have in common is in both; it holds no state.
 *
 *   node scripts/build.mjs             exit 1 when the bundle cannot be made
 *   node scripts/build.mjs --out DIR   elsewhere than packages/cli/dist
 *   node scripts/build.mjs --lenient   says so in one line and exits 0 (used while `npm ci` installs)
 */
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import process from "node:process"

const root = join(import.meta.dirname, "..")
const cli = join(root, "packages/cli")
const lenient = process.argv.includes("--lenient")
const elsewhere = process.argv.indexOf("--out")
const dist = elsewhere < 0 ? join(cli, "dist") : join(String(process.argv[elsewhere + 1]))

/**
 * Files that are started by path (worker threads, child processes) and so keep a name of their own:
 * `src/worker/X.ts` becomes `dist/worker/X.js`. A module directly in `src` names one the same way from the
 * sources, from a package's `dist` and from the bundle:
 *
 *   new URL(`./worker/X.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url)
 */
const workers = ["filesystem", "host", "cli"].map((name) => `packages/${name}/src/worker/*.ts`)

/** The chunk that the entry loads for everything else. */
const program = "program.mjs"

/** @returns {Record<string, string>} */
const entries = () => {
  /** @type {Record<string, string>} */
  const found = { [program]: join(cli, "src/program.ts") }
  for (const file of workers.flatMap((pattern) => globSync(pattern, { cwd: root })).sort()) {
    found[`worker/${basename(file, ".ts")}.js`] = join(root, file)
  }
  return found
}

/** @type {import("rolldown").Plugin} */
const leavesProgramApart = {
  name: "leaves-program-apart",
  resolveId: (source) => (source === "./program.ts" ? { id: `./${program}`, external: true } : null),
}

/**
 * @param {Record<string, string>} input
 * @param {ReadonlyArray<import("rolldown").Plugin>} plugins
 */
const write = async (input, plugins) => {
  const { rolldown } = await import("rolldown")
  /** @type {{ version: string }} */
  const manifest = JSON.parse(readFileSync(join(cli, "package.json"), "utf8"))
  const made = await rolldown({
    input,
    cwd: root,
    platform: "node",
    // Thousands of generated files that only define something; of a kubeconfig's reader three are needed.
    treeshake: { moduleSideEffects: [{ test: /client-node\/dist\/gen\//, sideEffects: false }] },
    resolve: { conditionNames: ["source", "import", "module", "node", "default"] },
    transform: {
      target: "node22",
      define: { KATA_DEPLOY_VERSION: JSON.stringify(manifest.version) },
    },
    plugins: [...plugins],
    onLog: (level, log, proceed) => {
      // Would be looked for in node_modules at run time.
      if (log.code === "UNRESOLVED_IMPORT") throw new Error(log.message)
      proceed(level, log)
    },
  })
  const { output } = await made.write({
    dir: dist,
    format: "esm",
    entryFileNames: "[name]",
    chunkFileNames: "[name]-[hash].mjs",
    sourcemap: false,
    minify: false,
  })
  await made.close()
  return output.reduce((size, file) => size + ("code" in file ? file.code.length : 0), 0)
}

const bundle = async () => {
  rmSync(dist, { recursive: true, force: true })
  const size =
    (await write(entries(), [])) +
    (await write({ "kata-deploy.mjs": join(cli, "src/main.ts") }, [leavesProgramApart]))
  writeFileSync(join(dist, "package.json"), '{ "type": "module" }\n')
  return size
}

const started = performance.now()
try {
  if (!existsSync(join(root, "node_modules/rolldown"))) throw new Error("rolldown is not installed")
  const size = await bundle()
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`built ${dist} (${Math.round(size / 1024)} KiB) in ${seconds} s`)
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error)
  console.error(lenient ? `kata-deploy was not built: ${reason.split("\n")[0]}` : reason)
  process.exitCode = lenient ? 0 : 1
}
