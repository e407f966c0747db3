/**
 * How fast is deciding? Plans per second on one core, from facts to the finished plan; nothing is read and nothing
 * is written. The yardstick beside it writes the same plan's document as JSON and reads it again.
 */
import { Result } from "effect"
import { InstallPlan, PlanDocument } from "@kata-deploy/core"
import { type Contestant, compare, type Figure } from "./Rounds.ts"
import { allShims, inputsOf, k3s, type Sample, settledInputsOf, vanilla } from "./SampleFacts.ts"

const shimCounts = [1, 5, 10, 20]
const kataBytes = 30_000

/** A plan to be made over and over, and the yardstick made from it. */
const contestants = (name: string, input: () => InstallPlan.PlanInput): ReadonlyArray<Contestant> => {
  const plan = Result.getOrThrow(InstallPlan.make(input()))
  const document = PlanDocument.encode(plan, () => undefined)
  return [
    { name, run: () => InstallPlan.make(input()) },
    { name: `${name}: JSON`, run: () => JSON.parse(JSON.stringify(document)) as unknown },
  ]
}

const number = (value: number): string => Math.round(value).toLocaleString("en")

const row = (plan: Figure, json: Figure, note: string): string =>
  [
    plan.name.padEnd(44),
    number(plan.perSecond).padStart(8),
    `${number(plan.spread[0])}-${number(plan.spread[1])}`.padStart(15),
    (1_000_000 / plan.perSecond).toFixed(0).padStart(8),
    (json.perSecond / plan.perSecond).toFixed(1).padStart(8),
    ` ${note}`,
  ].join(" ")

const heading = [
  "".padEnd(44),
  "plans/s".padStart(8),
  "spread".padStart(15),
  "µs/plan".padStart(8),
  "x JSON".padStart(8),
].join(" ")

const k3sWith = (shims: number, baseBytes: number): Sample => ({
  ...k3s,
  variables: {},
  shims: allShims.slice(0, shims),
  systemd: false,
  baseBytes,
})

const main = contestants("k3s, containerd 2.1, 20 shims", inputsOf(k3sWith(20, kataBytes)))
const small = contestants("the same, base configurations of 1 kB", inputsOf(k3sWith(20, 1_000)))
const withSystemd: Sample = { ...k3sWith(20, kataBytes), systemd: true }
const restarting = contestants("the same, with a restart to be recorded", inputsOf(withSystemd))
const nothing = contestants("the same, where nothing is left to do", settledInputsOf(withSystemd))
const annotated: Sample = {
  ...vanilla,
  variables: { ALLOWED_HYPERVISOR_ANNOTATIONS_X86_64: "default_vcpus default_memory" },
  shims: allShims,
  systemd: false,
  baseBytes: 1_000,
}
const edited = contestants("vanilla 2.1, import edit, annotations, 20 shims", inputsOf(annotated))
const again = contestants("the same, planned again in the same run", inputsOf(annotated, 1))
const growth = shimCounts.map((count) =>
  contestants(`k3s, ${count} shims`, inputsOf(k3sWith(count, kataBytes))),
)

console.log(
  "Deciding an install on a fresh node: settings and facts in, plan out. One core, medians of 9 rounds.",
)
console.log(
  '"x JSON": how many times the plan\'s own document could be written and read as JSON meanwhile.\n',
)
console.log(heading)
const notes = ["aim: above 2,000", "", "", "digests all files", "no aim", ""]
const told = compare([...main, ...small, ...restarting, ...nothing, ...edited, ...again])
for (const [at, note] of notes.entries()) console.log(row(told[at * 2]!, told[at * 2 + 1]!, note))

console.log("\nGrowth with the number of shims: linear where each further shim takes the same time.\n")
console.log(`${heading}  µs for each further shim`)
const figures = compare(growth.flat())
for (const [at, count] of shimCounts.entries()) {
  const plan = figures[at * 2]!
  const before = figures[at * 2 - 2]
  const more = count - (shimCounts[at - 1] ?? 0)
  const each =
    before === undefined
      ? ""
      : ((1_000_000 / plan.perSecond - 1_000_000 / before.perSecond) / more).toFixed(1)
  console.log(row(plan, figures[at * 2 + 1]!, each.padStart(7)))
}
