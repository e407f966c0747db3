/** Answers the vectors about runtime detection, distributions and units. */
import { Result, Schema } from "effect"
import {
  ConfigPaths,
  ContainerdVersion,
  Distribution,
  Fact,
  FileState,
  Instance,
  type Problem,
  RuntimeDetection,
} from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"

const Text = Schema.NullOr(Schema.String)

const DetectionInput = Schema.Struct({
  containerRuntimeVersion: Text,
  activeUnits: Schema.Array(Schema.String),
  k8sDistribution: Text,
})

const unitOf = (name: string): string => (name.endsWith(".service") ? name : `${name}.service`)

/** A runtime that upstream detects and refuses later is refused by us at once; both name it. */
const refused = ({ problems }: { readonly problems: ReadonlyArray<Problem.Problem> }): object => {
  const unsupported = problems.find((problem) => problem.code === "E_UNSUPPORTED_RUNTIME")
  return unsupported === undefined ? { error: problems[0]?.code } : { runtime: unsupported.value }
}

/** The version is asked for where decisions §6 need it, which is behind detection with us. */
const versionNeeded = (
  row: Distribution.RuntimeRow,
  version: string | undefined,
): Result.Result<unknown, { readonly problems: ReadonlyArray<Problem.Problem> }> =>
  row.layout !== "main" || version !== undefined
    ? Result.succeed(undefined)
    : ConfigPaths.decide({
        instance: Instance.make({ prefix: undefined, suffix: undefined }),
        row,
        pinnedDir: undefined,
        fileName: "config.toml",
        version,
        mainConfig: FileState.absent,
      })

const detection = ({
  activeUnits,
  containerRuntimeVersion,
  k8sDistribution,
}: typeof DetectionInput.Type): object => {
  const active = new Set(activeUnits.map(unitOf))
  const version = containerRuntimeVersion ?? undefined
  return RuntimeDetection.detect({
    named: undefined,
    declared: k8sDistribution ?? undefined,
    remembered: undefined,
    units: new Map(
      Distribution.rows.map(({ unit }) => [unit, Fact.known(active.has(unit) ? "active" : "inactive")]),
    ),
    version,
    exists: () => false,
  }).pipe(
    Result.flatMap((detected) => Result.map(versionNeeded(detected.row, version), () => detected)),
    Result.match({
      onFailure: refused,
      onSuccess: ({ notices, row }) => ({
        runtime: row.runtime,
        ...(notices.length > 0 ? { warns: true } : {}),
      }),
    }),
  )
}

/** The order in which units are probed is not compared (decisions §15): we ask for all of them at once. */
const withoutProbes = (expected: unknown): unknown => {
  const { unitsProbedInOrder: _, ...rest } = expected as { readonly unitsProbedInOrder?: unknown }
  return rest
}

/** Runner of `02-runtime-detection`. */
export const runner: Vectors.Runner = {
  file: "02-runtime-detection",
  sections: {
    detection: (vector) =>
      Result.flatMap(Vectors.read(DetectionInput, vector.input), (input) =>
        Vectors.compare(withoutProbes(vector.expected), detection(input)),
      ),
    declaredDistribution: Vectors.answering(
      Schema.Struct({ declared: Text, runtime: Schema.String }),
      ({ declared, runtime }) => {
        const answer = Distribution.fits(declared ?? undefined, runtime)
        return answer.accepted
          ? { accepted: true }
          : { accepted: false, suggestedDistribution: answer.suggested }
      },
    ),
    systemdUnit: Vectors.answering(Schema.Struct({ runtime: Schema.String }), ({ runtime }) => ({
      unit: Distribution.lookup(runtime)?.unit,
    })),
    dropInCapability: Vectors.answering(
      Schema.Struct({ runtime: Schema.String, containerRuntimeVersion: Text }),
      ({ containerRuntimeVersion, runtime }) => {
        const row = Distribution.lookup(runtime)
        return {
          dropInCapable:
            row !== undefined &&
            ConfigPaths.takesDropIns(row, ContainerdVersion.parse(containerRuntimeVersion ?? "")),
        }
      },
    ),
  },
}
