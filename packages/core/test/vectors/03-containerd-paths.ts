/** Answers the vectors about containerd's files on each distribution, as container paths of the pod layout. */
import { Result, Schema } from "effect"
import { ConfigPaths, CriConfig, Distribution, DropInRendering, FileState, Instance } from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"
import { hostPath, seenPath, tidy } from "./pod/PodPaths.ts"

const Text = Schema.NullOr(Schema.String)

const Input = Schema.Struct({
  runtime: Schema.String,
  containerRuntimeVersion: Text,
  env: Schema.Record(Schema.String, Schema.String),
  files: Schema.Record(Schema.String, Schema.String),
})

const paths = ({ containerRuntimeVersion, env, files, runtime }: typeof Input.Type): object => {
  const row = Distribution.lookup(runtime)
  if (row === undefined) return { error: "E_UNSUPPORTED_RUNTIME" }
  const instance = Instance.make({
    prefix: env["INSTALLATION_PREFIX"],
    suffix: env["MULTI_INSTALL_SUFFIX"],
  })
  const given = { row, pinnedDir: undefined, fileName: env["CONTAINERD_CONFIG_FILE_NAME"] ?? "config.toml" }
  const where = { containerdConfigDir: row.configDir, installDir: instance.installDir }
  const main = ConfigPaths.mainConfigPath(given)
  const text = Object.entries(files).find(([path]) => hostPath(where, path) === main)?.[1]
  return Result.match(
    ConfigPaths.decide({
      ...given,
      instance,
      version: containerRuntimeVersion ?? undefined,
      mainConfig: text === undefined ? FileState.absent : FileState.file(text),
    }),
    {
      onFailure: ({ problems }) => ({ error: problems[0]?.code }),
      onSuccess: (found) => {
        const config = found.template ?? found.mainConfig
        const useDropIn = found.mode === "drop-in"
        // Upstream names the file for imports even where it imports nothing.
        const imports = useDropIn ? found.importsFile : found.mainConfig
        return {
          configFile: seenPath(where, config),
          backupFile: seenPath(where, CriConfig.backupPaths(config)[0]!),
          importsFile: imports === undefined ? null : seenPath(where, imports),
          dropInFile: seenPath(where, found.dropIn),
          useDropIn,
          criPluginId: row.layout === "rendered" ? DropInRendering.criPlugin(found.schema) : null,
        }
      },
    },
  )
}

const tidied = (expected: unknown): unknown =>
  Object.fromEntries(
    Object.entries(expected as object).map(([key, value]: [string, unknown]) => [
      key,
      typeof value === "string" && value.startsWith("/") ? tidy(value) : value,
    ]),
  )

/** Runner of `03-containerd-paths`. */
export const runner: Vectors.Runner = {
  file: "03-containerd-paths",
  sections: {
    cases: (vector) =>
      Result.flatMap(Vectors.read(Input, vector.input), (input) =>
        // CRI-O has no files of containerd; upstream computes some that nobody reads.
        input.runtime === "crio"
          ? Vectors.passedBut("crio-has-no-containerd-files")
          : Vectors.compare(tidied(vector.expected), paths(input)),
      ),
  },
}
