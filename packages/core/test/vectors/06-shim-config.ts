/**
 * Answers the vectors about Kata's configurations: archives with the base configurations of the file are installed on
 * a node in memory, and what is below the install directory is told in the vectors' words.
 */
import { Result, Schema } from "effect"
import { ArtifactSet, type FileState, HostPath, KataConfig, Shim } from "@kata-deploy/core"
import { SampleArchive, Vectors } from "@kata-deploy/core/testing"
import { parse } from "smol-toml"
import * as PodHost from "./pod/PodHost.ts"

const Texts = Schema.Record(Schema.String, Schema.String)

const Input = Schema.Struct({
  runtime: Schema.String,
  destDir: Schema.String,
  env: Texts,
  files: Texts,
  steps: Schema.Array(
    Schema.Literals(["install", "install-again", "install-without-re-extraction", "remove"]),
  ),
})

const Expected = Schema.Struct({
  steps: Schema.Array(
    Schema.Struct({
      step: Schema.String,
      ok: Schema.Boolean,
      error: Schema.optionalKey(Schema.String),
      files: Schema.optionalKey(Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown))),
      left: Schema.optionalKey(Schema.Array(Schema.String)),
      envOverride: Schema.optionalKey(Texts),
    }),
  ),
})

const File = Schema.Struct({ baseConfigs: Texts })

type ExpectedStep = (typeof Expected.Type)["steps"][number]
type Told = Readonly<Record<string, Readonly<Record<string, unknown>>>>

const defaults = "share/defaults/kata-containers"
const component = "kata"
const archiveOf = (name: string): string => `tarballs/kata-static-${name}.tar.zst`

/** One component with every base configuration, and what the case puts below the install directory as another. */
const artifacts = (bases: Readonly<Record<string, string>>, input: typeof Input.Type) => ({
  archives: {
    [archiveOf(component)]: Object.entries(bases).map(([path, text]) =>
      SampleArchive.file(`${defaults}/${path}`, text),
    ),
    [archiveOf(ArtifactSet.devkitComponent)]: Object.entries(input.files).flatMap(([path, text]) =>
      path.startsWith(`${input.destDir}/`)
        ? [SampleArchive.file(path.slice(input.destDir.length + 1), text)]
        : [],
    ),
  },
  artifacts: {
    "shim-components.json": JSON.stringify({
      shims: Object.fromEntries(Shim.names.map((shim) => [shim, { x86_64: [component] }])),
    }),
  },
})

const differentFromBase = (text: string, base: string | undefined): Readonly<Record<string, unknown>> => {
  const changes: Record<string, unknown> = {}
  const within = (path: string, before: unknown, after: unknown): void => {
    const isTable = (value: unknown): value is Record<string, unknown> =>
      typeof value === "object" && value !== null && !Array.isArray(value)
    if (isTable(after)) {
      const keys = new Set([...Object.keys(isTable(before) ? before : {}), ...Object.keys(after)])
      for (const key of keys)
        within(path === "" ? key : `${path}.${key}`, isTable(before) ? before[key] : undefined, after[key])
    } else if (JSON.stringify(before) !== JSON.stringify(after)) changes[path] = after ?? null
  }
  within("", base === undefined ? {} : parse(base), parse(text))
  return changes
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

/** A script by what it does: comments, blank lines and quotes around single words left out. */
const script = (text: string): string =>
  text
    .split("\n")
    .filter((line, at) => at === 0 || (line.trim() !== "" && !line.startsWith("#")))
    .map((line) => line.replaceAll(/(?<=^|\s)(["'])([^"'\s$]*)\1(?=\s|$)/g, "$2"))
    .join("\n")

const tell = (
  path: string,
  state: FileState.FileState,
  bases: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> | undefined => {
  if (state._tag === "Link") return { symlink: state.target }
  if (state._tag !== "File") return undefined
  const base = Object.entries(bases).find(([key]) => baseName(key) === baseName(path))?.[1]
  // An unpacked configuration of a shim that is not set up.
  if (state.text === base) return undefined
  if (baseName(path).startsWith("configuration-")) {
    return {
      hasManagedBanner: state.text.split(KataConfig.bannerMark).length - 1,
      copyOfBaseWithChanges: differentFromBase(state.text, base),
    }
  }
  if (path.endsWith(".toml")) return { toml: JSON.parse(JSON.stringify(parse(state.text))) as unknown }
  if (path.startsWith("bin/")) return { mode: state.mode.toString(8), text: script(state.text) }
  return undefined
}

const told = (host: PodHost.PodHost, destDir: string, bases: Readonly<Record<string, string>>): Told => {
  const root = HostPath.make(destDir)
  return Object.fromEntries(
    Object.entries(host.states()).flatMap(([at, state]) => {
      const path = HostPath.make(at)
      if (!HostPath.isBelow(path, root)) return []
      const name = HostPath.relativeTo(path, root)
      const said = tell(name, state, bases)
      return said === undefined ? [] : [[name, said] as const]
    }),
  )
}

const expectedFiles = (files: Told): Told =>
  Object.fromEntries(
    Object.entries(files).map(([path, file]) => [
      path,
      typeof file["text"] === "string" ? { ...file, text: script(file["text"]) } : file,
    ]),
  )

const check = (
  wanted: ExpectedStep,
  outcome: PodHost.StepOutcome,
  host: PodHost.PodHost,
  input: typeof Input.Type,
  bases: Readonly<Record<string, string>>,
): ReadonlyArray<string> => {
  const ended =
    wanted.ok === "ok" in outcome
      ? []
      : ["ok" in outcome ? `expected ${wanted.error}, but all went well` : `failed: ${outcome.said}`]
  const named =
    wanted.error === undefined || "ok" in outcome || outcome.errors.includes(wanted.error)
      ? []
      : [`expected ${wanted.error}, got ${outcome.errors.join(", ")}`]
  const files =
    wanted.files === undefined
      ? []
      : Vectors.differences(expectedFiles(wanted.files), told(host, input.destDir, bases))
  const left =
    wanted.left === undefined
      ? []
      : Vectors.differences(
          wanted.left,
          Object.keys(host.states()).filter((path) =>
            HostPath.isBelow(HostPath.make(path), HostPath.make(input.destDir)),
          ),
        )
  return [...ended, ...named, ...files, ...left]
}

/** Unpacks another build of the same configurations, as a newer image would. */
const renew = (host: PodHost.PodHost, build: number): void => {
  const archive = host.memory.archives.get(archiveOf(component))
  if (archive === undefined || archive === "corrupt") return
  host.memory.archives.set(archiveOf(component), [...archive, SampleArchive.file(`share/build-${build}`, "")])
}

/** Runner of `06-shim-config`. */
export const runner: Vectors.Runner = {
  file: "06-shim-config",
  shared: ["baseConfigs", "managedBanner"],
  sections: {
    cases: (vector) =>
      Result.gen(function* () {
        const input = yield* Vectors.read(Input, vector.input)
        const expected = yield* Vectors.read(Expected, vector.expected)
        const { baseConfigs } = yield* Vectors.read(File, vector.file)
        const host = yield* PodHost.make({
          runtime: input.runtime,
          version: input.runtime === "crio" ? "cri-o://1.34.0" : "containerd://2.1.5",
          env: input.env,
          files: Object.fromEntries(
            Object.entries(input.files).filter(([path]) => !path.startsWith(`${input.destDir}/`)),
          ),
          artifacts: artifacts(baseConfigs, input),
        })
        const complaints: Array<string> = []
        if (expected.steps.length !== input.steps.length)
          complaints.push("expected has other steps than input")
        for (const [at, step] of input.steps.entries()) {
          const wanted = expected.steps[at]
          if (wanted === undefined) break
          if (step === "install-again") renew(host, at)
          const action = step === "remove" ? "cleanup-stage-remove-artifacts" : "install-stage-artifacts"
          const outcome = host.run(action, { ...input.env, ...wanted.envOverride })
          const found = check(wanted, outcome, host, input, baseConfigs)
          complaints.push(...found.map((line) => `${at + 1} ${step} ${line}`))
        }
        return yield* Vectors.verdictOf(complaints)
      }),
  },
}
