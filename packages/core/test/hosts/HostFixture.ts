/** Answers: what is in a directory of `fixtures/hosts`, and what comes of an install on that host? */
import { Effect, Layer, Result } from "effect"
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Fact, type FileState, type Plan, PlanDocument, Policies, Run, Settings } from "../../src/index.ts"
import {
  HostFilesMemory,
  HostShellMemory,
  ImpatientClock,
  NodeApiMemory,
  SampleArchive,
} from "../../src/testing/index.ts"
import { snapshot } from "../engine/SampleNode.ts"

/** Where the fixtures are. */
export const directory = join(import.meta.dirname, "../../../../fixtures/hosts")

/** Names of the hosts. */
export const names: ReadonlyArray<string> = globSync("*/facts.json", { cwd: directory }).map(dirname).sort()

const read = (...path: ReadonlyArray<string>): string => readFileSync(join(directory, ...path), "utf8")

/** Texts below a directory by relative path. */
const textsBelow = (...path: ReadonlyArray<string>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(join(directory, ...path), { encoding: "utf8", recursive: true })
      .filter((file) => statSync(join(directory, ...path, file)).isFile())
      .sort()
      .map((file) => [file, read(...path, file)]),
  )

type SampleFile = { readonly path: string } & (
  | { readonly text: string; readonly mode: string }
  | { readonly linkTo: string }
)

interface Artifacts {
  readonly manifest: unknown
  readonly versions: string
  /** Programs of nydus, by name. */
  readonly nydus: Readonly<Record<string, string>>
  readonly archives: Readonly<Record<string, ReadonlyArray<SampleFile>>>
}

interface HostFacts {
  readonly about: string
  readonly containerRuntimeVersion: string
  readonly units: Readonly<Record<string, "active">>
  readonly settings: Readonly<Record<string, string>>
}

const entryOf = (file: SampleFile): SampleArchive.SampleEntry =>
  "linkTo" in file
    ? SampleArchive.link(file.path, file.linkTo)
    : SampleArchive.file(file.path, file.text, Number.parseInt(file.mode, 8))

/** The host in memory. */
const hostOf = (name: string): HostFilesMemory.HostFilesMemory => {
  const artifacts: Artifacts = JSON.parse(read("artifacts.json"))
  return HostFilesMemory.make({
    tree: Object.fromEntries(
      Object.entries(textsBelow(name, "root")).map(([path, text]) => [`/${path}`, text]),
    ),
    archives: Object.fromEntries(
      Object.entries(artifacts.archives).map(([component, files]) => [
        `tarballs/kata-static-${component}.tar.zst`,
        files.map(entryOf),
      ]),
    ),
    artifacts: {
      "shim-components.json": JSON.stringify(artifacts.manifest),
      "versions.yaml": artifacts.versions,
    },
    programs: Object.fromEntries(
      Object.entries(artifacts.nydus).map(([name, text]) => [`nydus-snapshotter/${name}`, text]),
    ),
  })
}

const requestOf = (facts: HostFacts, action: Plan.ActionName): Run.Request => ({
  action,
  settings: Result.getOrThrow(
    Settings.decode({
      architecture: "x86_64",
      variables: { NODE_NAME: "worker-1", ...facts.settings },
      customConfigs: { _tag: "Files", files: new Map() },
      api: "used",
    }),
  ),
  release: "0.0.0",
  stateDir: undefined,
  criRuntime: undefined,
  userDropIn: undefined,
})

/** What came of a host: plans, and the tree before, between and after. */
export interface Outcome {
  /** What belongs below `expected/`, by relative path. */
  readonly expected: Readonly<Record<string, string>>
  readonly before: Readonly<Record<string, FileState.FileState>>
  readonly after: Readonly<Record<string, FileState.FileState>>
}

const documentOf = (plan: Plan.Plan): string =>
  `${JSON.stringify(
    PlanDocument.encode(plan, () => undefined),
    null,
    2,
  )}\n`

const permissions = (mode: number): string =>
  Array.from("rwxrwxrwx", (letter, at) => ((mode >> (8 - at)) & 1 ? letter : "-")).join("")

const treeLine = (path: string, state: FileState.FileState): string => {
  switch (state._tag) {
    case "Directory":
      return `d${permissions(state.mode)} ${path}`
    case "Link":
      return `lrwxrwxrwx ${path} -> ${state.target}`
    case "File":
      return `-${permissions(state.mode)} ${path}`
    default:
      return `?????????? ${path}`
  }
}

/** Installs on the host and cleans up again. */
export const outcome = Effect.fnUntraced(function* (name: string) {
  const facts: HostFacts = JSON.parse(read(name, "facts.json"))
  const files = hostOf(name)
  const before = snapshot(files)
  const node = {
    containerRuntimeVersion: facts.containerRuntimeVersion,
    labels: {},
    runtimeHandlers: undefined,
  }
  const ports = Layer.mergeAll(
    files.layer,
    HostShellMemory.make({ units: facts.units }).layer,
    NodeApiMemory.make({ node: Fact.known(node) }).layer,
    Policies.layer,
    ImpatientClock.layer,
  )
  return yield* Effect.gen(function* () {
    const install = yield* Run.plan(requestOf(facts, "install"))
    yield* Run.run(requestOf(facts, "install"))
    const installed = Object.entries(files.snapshot())
    const cleanup = yield* Run.plan(requestOf(facts, "cleanup"))
    yield* Run.run(requestOf(facts, "cleanup"))
    const texts = installed.flatMap(([path, state]) =>
      state._tag === "File" ? [[`root${path}`, state.text] as const] : [],
    )
    const result: Outcome = {
      before,
      after: snapshot(files),
      expected: {
        "install.json": documentOf(install),
        "cleanup.json": documentOf(cleanup),
        "tree.txt": `${installed.map(([path, state]) => treeLine(path, state)).join("\n")}\n`,
        ...Object.fromEntries(texts),
      },
    }
    return result
  }).pipe(Effect.provide(ports))
})

/** What is below `expected/` now. */
export const recorded = (name: string): Readonly<Record<string, string>> => textsBelow(name, "expected")

/** Writes `expected/` anew. */
export const rewrite = (name: string, expected: Outcome["expected"]): void => {
  rmSync(join(directory, name, "expected"), { recursive: true, force: true })
  for (const [path, text] of Object.entries(expected)) {
    const file = join(directory, name, "expected", path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}
