/**
 * What does a node look like when an install is killed? A hundred times an upgrade back and forth is ended with
 * `kill -9` at a random moment: every file has to be the old or the new one, whole, and the next run has to end right.
 * `BENCH_RUNS=10` makes fewer.
 */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { bundle, freshHost, runInstall } from "./artifacts/Measuring.ts"
import { make, type Release, type SampleSet } from "./artifacts/SampleSet.ts"

/** Large enough for two threads to share the component that changes. */
const scale = 0.1
const runs = Number(process.env["BENCH_RUNS"] ?? "100")
const directory = fs.mkdtempSync(join(tmpdir(), "kata-deploy-kill-"))
const host = join(directory, "host")
const program = await bundle(join(directory, "program"))
const sets: Readonly<Record<Release, SampleSet>> = {
  first: make(directory, { scale, release: "first" }),
  second: make(directory, { scale, release: "second" }),
}

const digestOf = (path: string): string =>
  createHash("sha256").update(fs.readFileSync(path)).digest("hex").slice(0, 16)

/** Digests of files that come out of archives; configurations are rendered and not among them. */
const filesOf = (root: string): ReadonlyMap<string, string> =>
  new Map(
    fs
      .readdirSync(root, { recursive: true, encoding: "utf8" })
      .flatMap((path): ReadonlyArray<[string, string]> => {
        const isOurs = !/^(\.kata-deploy|containerd\/|share\/defaults|versions\.yaml)/.test(path)
        return isOurs && fs.lstatSync(join(root, path)).isFile() ? [[path, digestOf(join(root, path))]] : []
      }),
  )

/** Everything that a release puts down. */
const releaseFiles = (release: Release): ReadonlyMap<string, string> => {
  const { components, trees } = sets[release]
  // The second release shares all trees but one with the first.
  return new Map(
    components.flatMap((component) => {
      const own = join(trees, component, "opt/kata")
      return [...filesOf(fs.existsSync(own) ? own : join(sets.first.trees, component, "opt/kata"))]
    }),
  )
}

const expected = { first: releaseFiles("first"), second: releaseFiles("second") }
const isRelease = (found: ReadonlyMap<string, string>, release: Release): boolean =>
  found.size === expected[release].size &&
  [...expected[release]].every(([path, digest]) => found.get(path) === digest)

/** Runs the program and kills it after some milliseconds; answers whether it was still running. */
const killed = (release: Release, afterMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [program, host, sets[release].artifacts], { stdio: "ignore" })
    const timer = setTimeout(() => child.kill("SIGKILL"), afterMs)
    child.on("exit", (_, signal) => {
      clearTimeout(timer)
      resolve(signal === "SIGKILL")
    })
  })

freshHost(host)
runInstall(program, host, sets.first.artifacts)
const started = performance.now()
runInstall(program, host, sets.second.artifacts)
let typicalMs = performance.now() - started
let installed: Release = "second"
const told = { whileRunning: 0, old: 0, new: 0, inBetween: 0, broken: 0, notRecovered: 0 }
for (let run = 0; run < runs; run++) {
  const next: Release = installed === "first" ? "second" : "first"
  if (await killed(next, Math.random() * typicalMs * 1.1)) told.whileRunning++
  const found = filesOf(join(host, "opt/kata"))
  const torn = [...found].filter(
    ([path, digest]) => digest !== expected.first.get(path) && digest !== expected.second.get(path),
  )
  if (torn.length > 0) told.broken++
  else if (isRelease(found, installed)) told.old++
  else if (isRelease(found, next)) told.new++
  else told.inBetween++
  const again = performance.now()
  runInstall(program, host, sets[next].artifacts)
  typicalMs = Math.max(typicalMs, performance.now() - again)
  if (!isRelease(filesOf(join(host, "opt/kata")), next)) told.notRecovered++
  installed = next
}
fs.rmSync(directory, { recursive: true })
console.log(`${runs} upgrades ended by kill -9, ${told.whileRunning} of them before they were through.`)
console.log(`Old tree: ${told.old}. New tree: ${told.new}. Within the renames: ${told.inBetween}.`)
console.log(`Torn or foreign files: ${told.broken}. Next run did not end right: ${told.notRecovered}.`)
if (told.broken > 0 || told.notRecovered > 0) process.exitCode = 1
