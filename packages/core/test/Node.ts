/** Facts of a node whose files are given as a tree, for tests of decisions and plans. */
import {
  Distribution,
  Fact,
  Facts,
  FileState,
  HostPath,
  InstallPlan,
  type Ledger,
  Policies,
  type RuntimeDetection,
  type Settings,
} from "../src/index.ts"

/** Where the ledger of the default instance lies. */
export const stateDir = HostPath.make("/opt/kata/.kata-deploy")

/** States by path; text stands for a file with it. */
export type Tree = Readonly<Record<string, FileState.FileState | string>>

/** A node that was looked at everywhere: what is not in the tree is absent, what lies above it a directory. */
export const facts = (tree: Tree, rest: Partial<Facts.Facts> = {}): Facts.Facts => {
  const states = new Map<HostPath.HostPath, FileState.FileState>()
  for (const path of Object.keys(tree)) {
    for (const above of HostPath.ancestors(HostPath.make(path))) states.set(above, FileState.directory())
  }
  for (const [path, state] of Object.entries(tree)) {
    states.set(HostPath.make(path), typeof state === "string" ? FileState.file(state) : state)
  }
  const get = (path: HostPath.HostPath) => states.get(path) ?? FileState.absent
  const everywhere: ReadonlyMap<HostPath.HostPath, FileState.FileState> = new Proxy(states, {
    get: (target, name) => (name === "get" ? get : Reflect.get(target, name, target).bind(target)),
  })
  const unseen = Facts.unseen("1.2.3", stateDir, Fact.known("systemd"))
  return {
    ...unseen,
    sight: { ...unseen.sight, users: Fact.known([]) },
    files: everywhere,
    ...rest,
  }
}

/** What a ledger that was read looks like. */
export const recorded = (ledger: Ledger.Ledger): Facts.LedgerFact => ({ _tag: "Read", ledger })

/** A runtime that is known to run. */
export const detected = (runtime: Distribution.CriRuntime): RuntimeDetection.Detected => ({
  row: Distribution.rowOf(runtime),
  because: "the test says so",
  notices: [],
})

/** Everything that a plan is made from; every path that planning compares was looked at. */
export const input = (settings: Settings.Settings, of: Facts.Facts) => {
  const made = { settings, facts: of, policies: Policies.standard }
  const looked = new Map(of.files)
  for (const path of InstallPlan.pathsOfInterest(made)) looked.set(path, Facts.at(of, path))
  return { ...made, facts: { ...of, files: looked } }
}
