/**
 * Answers: in which table of containerd's configuration are the settings that concern the images of every
 * snapshotter? Source: spec 03 §4; facts containerd §2.
 */
import { Result } from "effect"
import type { Problem } from "../input/Problem.ts"
import type { ConfigSchema } from "../model/ContainerdVersion.ts"
import type { PrintTable } from "../toml/TomlPrinter.ts"

/** Keys from the root to the table with `disable_snapshot_annotations` and `discard_unpacked_layers`. */
export const annotationsTable = (schema: ConfigSchema): Result.Result<ReadonlyArray<string>, Problem> => {
  if (schema >= 3) return Result.succeed(["plugins", "io.containerd.cri.v1.images"])
  if (schema === 2) return Result.succeed(["plugins", "io.containerd.grpc.v1.cri", "containerd"])
  return Result.fail({
    code: "E_NO_SUPPORTED_SCHEMA",
    setting: "EXPERIMENTAL_SETUP_SNAPSHOTTER",
    message:
      "containerd's main config declares no schema or schema 1, which has no settings for further snapshotters.",
    remedy: "Write version = 2 (containerd 1.x) or version = 3 (2.x) and the tables of that schema into it.",
  })
}

/** `table` below the given keys. */
export const below = (keys: ReadonlyArray<string>, table: PrintTable): PrintTable =>
  keys.reduceRight<PrintTable>((inner, key) => ({ [key]: inner }), table)
