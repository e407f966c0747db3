/**
 * How fast are artifacts put on a node, and with how much memory? A set like a real release is installed through the
 * engine, and `tar --zstd -xf` of the same archives with one `sync -f` runs beside it as the yardstick.
 *
 * `BENCH_PAIRS=1` takes one pair instead of five, `BENCH_SCALE=0.1` a tenth of the set; `BENCH_DIR` says where the set
 * and the trees are made and keeps the set for the next time.
 */
import fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { ComponentArchives } from "@kata-deploy/filesystem"
import { Effect } from "effect"
import {
  bundle,
  freshHost,
  type Pair,
  pairs,
  removeRetired,
  runInstall,
  settle,
  spread,
  timeTar,
  warm,
} from "./artifacts/Measuring.ts"
import { compare } from "./artifacts/Decoders.ts"
import { archiveOf, changedComponent, make, type SampleSet } from "./artifacts/SampleSet.ts"

const count = Number(process.env["BENCH_PAIRS"] ?? "5")
const scale = Number(process.env["BENCH_SCALE"] ?? "1")
const kept = process.env["BENCH_DIR"]
const directory = kept ?? fs.mkdtempSync(join(tmpdir(), "kata-deploy-bench-"))
fs.mkdirSync(directory, { recursive: true })
const host = join(directory, "host")
const tree = join(directory, "tar")

/** The same trees as archives of our own. */
const packed = async (set: SampleSet): Promise<SampleSet> => {
  const artifacts = join(directory, `packed-${scale}`)
  if (!fs.existsSync(join(artifacts, "complete"))) {
    fs.rmSync(artifacts, { recursive: true, force: true })
    fs.cpSync(set.artifacts, artifacts, { recursive: true, filter: (path) => !path.endsWith(".zst") })
    for (const component of set.components) {
      const archive = archiveOf(artifacts, component)
      const request = { tree: join(set.trees, component), component, archive, level: 3 }
      await Effect.runPromise(ComponentArchives.pack(request))
    }
    fs.writeFileSync(join(artifacts, "complete"), "")
  }
  return { ...set, artifacts }
}

const archivesOf = ({ artifacts, components }: SampleSet): ReadonlyArray<string> =>
  components.map((component) => archiveOf(artifacts, component))

const number = (value: number): string => value.toFixed(2)

const row = (name: string, demand: string, measured: ReadonlyArray<Pair>): void => {
  const ratio = spread(measured.map(({ ours, tar }) => ours.ms / tar.ms))
  const cpu = spread(measured.map(({ ours, tar }) => ours.cpuSeconds / tar.cpuSeconds))
  const seconds = (of: (pair: Pair) => number): string => number(spread(measured.map(of)).median / 1000)
  const peak = spread(measured.map(({ ours }) => ours.peakKb / 1000))
  console.log(
    [
      name.padEnd(34),
      number(ratio.median).padStart(6),
      `${number(ratio.least)}-${number(ratio.most)}`.padStart(11),
      demand.padStart(16),
      seconds(({ ours }) => ours.ms).padStart(7),
      seconds(({ tar }) => tar.ms).padStart(7),
      number(cpu.median).padStart(8),
      `${Math.round(peak.median)}`.padStart(8),
      `${Math.round(spread(measured.map(({ ours }) => ours.stalledMs)).median)}`.padStart(9),
    ].join(" "),
  )
}

/** Inodes and times of everything below a directory: equal when no file was touched. */
const untouched = (root: string): string =>
  fs
    .readdirSync(root, { recursive: true, encoding: "utf8" })
    .sort()
    .map((path) => {
      const { ctimeNs, ino } = fs.lstatSync(join(root, path), { bigint: true })
      return `${path} ${ino} ${ctimeNs}`
    })
    .join("\n")

const program = await bundle(join(directory, "program"))
const first = make(directory, { scale, release: "first" })
const second = make(directory, { scale, release: "second" })
const ours = await packed(first)
for (const set of [first, second, ours]) warm(archivesOf(set))

const onFreshHost = (set: SampleSet) => () => {
  freshHost(host)
  return runInstall(program, host, set.artifacts)
}
const tarOf = (set: SampleSet) => () => timeTar(set, set.components, tree)
const again = (set: SampleSet) => () => {
  settle(host)
  return runInstall(program, host, set.artifacts)
}

console.log(
  `Installing ${first.components.length} components on a host tree in ${directory}, ${count} pairs.`,
)
console.log("Ratios are taken pair by pair against tar --zstd of the same archives and one sync -f.\n")
console.log(
  `${"".padEnd(34)} ${"ratio".padStart(6)} ${"spread".padStart(11)} ${"must be".padStart(16)} ${"ours s".padStart(7)} ${"tar s".padStart(7)} ${"CPU ratio".padStart(8)} ${"peak MB".padStart(8)} ${"stall ms".padStart(9)}`,
)
row(
  "foreign archives, everything",
  "≤ 0.80, 1.00",
  pairs(count, { ours: onFreshHost(first), tar: tarOf(first) }),
)
const before = untouched(host)
row("second install, nothing changed", "≤ 0.05", pairs(count, { ours: again(first), tar: tarOf(first) }))
const isUntouched = before === untouched(host)
const upgrade = pairs(count, {
  ours: () => {
    onFreshHost(first)()
    return again(second)()
  },
  tar: tarOf(second),
})
const changed = fs.statSync(archiveOf(second.artifacts, changedComponent)).size
const total = archivesOf(second).reduce((sum, path) => sum + fs.statSync(path).size, 0)
row("upgrade of one component", `about ${number(changed / total)}`, upgrade)
row("packed archives, everything", "≤ 0.70", pairs(count, { ours: onFreshHost(ours), tar: tarOf(ours) }))
const twice = make(directory, { scale: scale * 2, release: "first" })
const peakOf = (set: SampleSet) =>
  spread(Array.from({ length: count }, () => Math.round(onFreshHost(set)().peakKb / 1000)))
const said = ({ least, median, most }: ReturnType<typeof peakOf>): string => `${median} MB (${least}-${most})`
const [once, double] = [peakOf(first), peakOf(twice)]
const more = Math.round((double.median / once.median - 1) * 100)
console.log(
  `\nPeak memory: ${said(once)}, and ${said(double)} for a set twice as large: ${more} % (must be ≤ 260 MB, ±10 %).`,
)
const decoders = await compare(archivesOf(first))
console.log(
  `Decompressing alone: ${number(decoders.native.cpuSeconds)} s of processor time with Node's decoder, ${number(decoders.codec.cpuSeconds)} s with zstd-codec, ${decoders.isSame ? "the same bytes" : "OTHER BYTES"}.`,
)
console.log(`Files touched by the second install: ${isUntouched ? "none" : "SOME"}.`)
const startMs = spread(upgrade.map(({ ours: { startMs: ms } }) => ms)).median
console.log(`Start of the program, which is not counted: ${Math.round(startMs)} ms.`)
removeRetired(host)
for (const path of [host, tree, join(directory, "program")]) fs.rmSync(path, { recursive: true, force: true })
if (kept === undefined) fs.rmSync(directory, { recursive: true })
