/** Answers the vectors about the shim registry. */
import { Result, Schema } from "effect"
import { ArtifactSet, Handler, Instance, Settings, Shim } from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"

const root = Instance.make({ prefix: undefined, suffix: undefined })
const dev = Instance.make({ prefix: undefined, suffix: "dev" })
const architectures = ["x86_64", "aarch64", "s390x", "ppc64le"]

/** What a row says of the component manifest; the manifest itself is data of the artifacts, not of this package. */
const Row = Schema.Struct({
  shim: Schema.String,
  manifestArches: Schema.optionalKey(Schema.Unknown),
  prefixInstallHypervisorBinary: Schema.optionalKey(Schema.Unknown),
})

/** Columns that upstream derives from tables which we do not have (W-01), or that are data of the artifacts. */
const notOurs = ["manifestArches", "prefixInstallHypervisorBinary"]

const rowOf = (shim: string): Readonly<Record<string, unknown>> => {
  const row = Shim.lookup(shim)
  if (row === undefined) return { shim }
  return {
    shim,
    runtime: row.runtime,
    hypervisor: row.hypervisor,
    qemuArtifact: row.qemuArtifact,
    shimBinary: Shim.binary(root.installDir, row),
    originalConfig: Shim.originalConfig(root.installDir, shim, row),
    runtimeConfig: Shim.runtimeConfig(root.installDir, shim, row),
    dropInDir: `${Shim.runtimeDir(root.installDir, shim, row)}/config.d`,
    handler: Handler.nameOf(shim, root),
    handlerWithSuffixDev: Handler.nameOf(shim, dev),
    debugHandler: Handler.variantName(shim, "debug", root),
    devkitHandlerWithSuffixDev: Handler.variantName(shim, "devkit", dev),
    defaultOn: architectures.filter((architecture) => Shim.defaultShims(architecture).includes(shim)),
  }
}

const without = (entry: unknown, keys: ReadonlyArray<string>): unknown =>
  Object.fromEntries(Object.entries(entry as object).filter(([key]) => !keys.includes(key)))

/** The problem that settings with this one shim have. */
const unknownShim: Vectors.Section = (vector) =>
  Vectors.read(
    Schema.Struct({
      input: Schema.String,
      expected: Schema.Struct({ error: Schema.String, messageMentions: Schema.Array(Schema.String) }),
    }),
    { input: vector.input, expected: vector.expected },
  ).pipe(
    Result.flatMap(({ expected, input }) => {
      if (Shim.lookup(input) !== undefined) return Vectors.failed(`${JSON.stringify(input)} is a shim`)
      const said = problemOf(input)
      if (said === undefined) return Vectors.failed("the settings are accepted")
      const missing = expected.messageMentions.filter((word) =>
        word === "list of valid shims"
          ? !Shim.names.every((name) => said.includes(name))
          : !said.includes(word),
      )
      return Vectors.verdictOf(missing.map((word) => `the message does not mention ${word}: ${said}`))
    }),
  )

/** What is said about a shim name; one that is empty can only be asked for as the base of a custom runtime. */
const problemOf = (shim: string): string | undefined => {
  const decoded = Settings.decode({
    architecture: "x86_64",
    variables:
      shim === "" ? { SHIMS_X86_64: "qemu", CUSTOM_RUNTIMES_ENABLED: "true" } : { SHIMS_X86_64: shim },
    customConfigs: { _tag: "Files", files: new Map([["custom-runtimes.list", "kata-mine::\n"]]) },
    api: "not-used",
  })
  const problem = Result.isFailure(decoded) ? decoded.failure.problems[0] : undefined
  return problem === undefined ? undefined : `${problem.message} ${problem.remedy}`
}

const ofEach =
  (answer: (architecture: string) => unknown): Vectors.Section =>
  (vector) =>
    Result.flatMap(Vectors.read(Schema.Record(Schema.String, Schema.Unknown), vector.input), (expected) =>
      Vectors.compare(
        expected,
        Object.fromEntries(Object.keys(expected).map((key) => [key, answer(key === "*" ? "riscv64" : key)])),
      ),
    )

const Manifest = Schema.Struct({
  shims: Schema.Array(Schema.Struct({ shim: Schema.String, manifestArches: Schema.Array(Schema.String) })),
})

/** How the component manifest, told by the rows of the file, and our default lists disagree about a shim. */
const disagreement: Vectors.Section = (vector) =>
  Result.gen(function* () {
    const { arch, problem, shim } = yield* Vectors.read(
      Schema.Struct({ shim: Schema.String, arch: Schema.String, problem: Schema.String }),
      vector.input,
    )
    const { shims } = yield* Vectors.read(Manifest, vector.file)
    const manifest: ArtifactSet.Manifest = {
      shims: Object.fromEntries(
        shims.map((row) => [
          row.shim,
          Object.fromEntries(row.manifestArches.map((name) => [name, ["kata"]])),
        ]),
      ),
    }
    const isDefault = Shim.defaultShims(arch).includes(shim)
    const { notices } = ArtifactSet.select(manifest, {
      shims: [shim],
      handlers: [],
      architecture: arch,
      debug: false,
      devkit: false,
    })
    const hasEntry = !notices.some((notice) => notice.code === "shim-without-components")
    const found =
      isDefault === hasEntry
        ? "none"
        : isDefault
          ? "default shim without manifest entry"
          : "manifest entry but not a default"
    return yield* Vectors.compare(problem, found)
  })

/** Runner of `01-shims`. */
export const runner: Vectors.Runner = {
  file: "01-shims",
  sections: {
    shims: (vector) =>
      Result.flatMap(Vectors.read(Row, vector.input), ({ shim }) =>
        Vectors.compare(without(vector.input, notOurs), rowOf(shim)),
      ),
    defaultShims: ofEach(Shim.defaultShims),
    defaultShim: ofEach(Shim.defaultShim),
    qemuSystemBinary: ofEach((architecture) =>
      Shim.qemuBinary(root.installDir, Shim.shims["qemu"]!, architecture)?.replace(/^.*\//, ""),
    ),
    unknownShimErrors: unknownShim,
    manifestVsDefaults: disagreement,
  },
}
