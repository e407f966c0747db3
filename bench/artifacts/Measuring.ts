/**
 * Answers: how long does a full install take, and how long does `tar` take for the same archives? Both write to the
 * same filesystem, each into a directory of its own, and neither begins before the disk has nothing to do.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import fs from "node:fs"
import { basename, join } from "node:path"
import process from "node:process"
import { rolldown } from "rolldown"
import type { Measured } from "./Install.ts"
import { archiveOf, type SampleSet } from "./SampleSet.ts"

const repository = join(import.meta.dirname, "../..")

/** Bundles the measured program as the real one is bundled, and answers its path. */
export const bundle = async (directory: string): Promise<string> => {
  const workers = fs.globSync("packages/filesystem/src/worker/*.ts", { cwd: repository })
  const made = await rolldown({
    input: {
      "install.mjs": join(import.meta.dirname, "Install.ts"),
      ...Object.fromEntries(
        workers.map((path) => [`worker/${basename(path, ".ts")}.js`, join(repository, path)]),
      ),
    },
    cwd: repository,
    platform: "node",
    resolve: { conditionNames: ["source", "import", "module", "node", "default"] },
    logLevel: "silent",
  })
  fs.rmSync(directory, { recursive: true, force: true })
  await made.write({
    dir: directory,
    format: "esm",
    entryFileNames: "[name]",
    chunkFileNames: "[name]-[hash].mjs",
  })
  await made.close()
  fs.writeFileSync(join(directory, "package.json"), '{ "type": "module" }\n')
  return join(directory, "install.mjs")
}

/** Reads files once, so that they are in the page cache. */
export const warm = (paths: ReadonlyArray<string>): void => {
  for (const path of paths) execFileSync("cat", [path], { stdio: ["ignore", "ignore", "inherit"] })
}

/** Waits until everything is on the disk. */
export const settle = (directory: string): void => {
  execFileSync("sync", ["-f", directory])
}

/** From this size on a file of a tree that is not needed any more is emptied. */
const largeBytes = 1_000_000

/**
 * Puts a tree aside that an earlier run made, its large files emptied; `removeRetired` removes them all at the end.
 * Where trees are removed between runs, ext4 without a journal looks at every inode that was freed in the last
 * minutes before it gives a new one: that takes longer than what is measured.
 */
const retire = (tree: string): void => {
  if (!fs.existsSync(tree)) return
  for (const entry of fs.readdirSync(tree, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && fs.statSync(path).size >= largeBytes) fs.truncateSync(path)
  }
  const aside = retiredOf(tree)
  fs.mkdirSync(aside, { recursive: true })
  fs.renameSync(tree, join(aside, randomUUID()))
}

const retiredOf = (tree: string): string => join(tree, "../retired")

/** Removes every tree that was put aside next to this one. */
export const removeRetired = (tree: string): void =>
  fs.rmSync(retiredOf(tree), { recursive: true, force: true })

const containerdConfig = `version = 3

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
`

/** Makes an empty sample host, or makes it empty again. */
export const freshHost = (root: string): void => {
  retire(root)
  fs.mkdirSync(join(root, "etc/containerd"), { recursive: true })
  fs.mkdirSync(join(root, "opt"))
  fs.writeFileSync(join(root, "etc/containerd/config.toml"), containerdConfig)
  settle(root)
}

/** What `tar` took. */
export interface TarTime {
  readonly ms: number
  /** Seconds of processor time, `zstd` included. */
  readonly cpuSeconds: number
}

const script =
  'into=$1; shift; for a in "$@"; do tar --zstd -xf "$a" -C "$into"; done; sync -f "$into"; times'

/** Seconds that the children of a shell took, from the second line of its `times`. */
const childSeconds = (times: string): number =>
  [...(times.trim().split("\n").at(-1) ?? "").matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  )

/** What `tar --zstd -xf` of some components one after the other, and one `sync -f`, take. */
export const timeTar = (set: SampleSet, components: ReadonlyArray<string>, into: string): TarTime => {
  retire(into)
  fs.mkdirSync(into)
  settle(into)
  const archives = components.map((component) => archiveOf(set.artifacts, component))
  const started = performance.now()
  const times = execFileSync("sh", ["-ec", script, "sh", into, ...archives], { encoding: "utf8" })
  const ms = performance.now() - started
  retire(into)
  settle(join(into, ".."))
  return { ms, cpuSeconds: childSeconds(times) }
}

/** One run of the measured program. */
export const runInstall = (
  program: string,
  root: string,
  artifacts: string,
  action = "install",
): Measured => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [program, root, artifacts, action], {
    encoding: "utf8",
  })
  if (status !== 0) throw new Error(`the install failed: ${stderr}`)
  return JSON.parse(stdout) as Measured
}

/** One run of each. */
export interface Pair {
  readonly ours: Measured
  readonly tar: TarTime
}

/** Runs both in turns, the one that begins changing each time. */
export const pairs = (
  count: number,
  run: { readonly ours: () => Measured; readonly tar: () => TarTime },
): ReadonlyArray<Pair> =>
  Array.from({ length: count }, (_, at) => {
    const first = at % 2 === 0 ? run.ours() : undefined
    const tar = run.tar()
    return { ours: first ?? run.ours(), tar }
  })

/** The middle of some numbers, and both ends. */
export const spread = (
  numbers: ReadonlyArray<number>,
): { readonly median: number; readonly least: number; readonly most: number } => {
  const sorted = numbers.toSorted((a, b) => a - b)
  return { median: sorted[Math.floor(sorted.length / 2)]!, least: sorted[0]!, most: sorted.at(-1)! }
}
