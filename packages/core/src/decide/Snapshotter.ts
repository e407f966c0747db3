/**
 * Answers: which snapshotters are to be set up, and what does containerd have to be told about them? What a handler
 * *uses* is the mapping; the two are independent. Source: spec 07; decisions §5.
 */
import { Result } from "effect"
import type { Notice, Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type * as ContainerdVersion from "../model/ContainerdVersion.ts"
import type { Instance } from "../model/Instance.ts"
import type { ProbeFile } from "../model/ProbeFile.ts"
import type { PrintTable } from "../toml/TomlPrinter.ts"
import { mergeTables } from "./DropInRendering.ts"
import * as Erofs from "./Erofs.ts"
import * as NydusMode from "./NydusMode.ts"
import * as NydusPlugin from "./NydusPlugin.ts"

/** A snapshotter that can be set up. */
export type SnapshotterKind = "nydus" | "nydus-hs" | "erofs"

const kinds: ReadonlyArray<string> = ["nydus", "nydus-hs", "erofs"]

/** The kinds that words of the settings name, each once; blank words are skipped. */
export const parse = (
  words: ReadonlyArray<string>,
): { readonly kinds: ReadonlyArray<SnapshotterKind>; readonly problems: ReadonlyArray<Problem> } => {
  const named = words.map((word) => word.trim()).filter((word) => word !== "")
  return {
    kinds: [...new Set(named.filter((word) => kinds.includes(word)))] as ReadonlyArray<SnapshotterKind>,
    problems: named
      .filter((word) => !kinds.includes(word))
      .map((word) => ({
        code: "E_UNSUPPORTED_SNAPSHOTTER",
        setting: "EXPERIMENTAL_SETUP_SNAPSHOTTER",
        value: word,
        message: `EXPERIMENTAL_SETUP_SNAPSHOTTER names ${JSON.stringify(word)}, which this program cannot set up.`,
        remedy: `It can set up ${kinds.slice(0, -1).join(", ")} and ${kinds.at(-1)}; others are only named in SNAPSHOTTER_HANDLER_MAPPING.`,
      })),
  }
}

/** What the tables depend on. */
export interface SnapshotterInput {
  readonly kinds: ReadonlyArray<SnapshotterKind>
  readonly instance: Instance
  readonly erofs: Settings["erofs"]
  readonly schema: ContainerdVersion.ConfigSchema
  readonly version: ContainerdVersion.ContainerdVersion | undefined
  readonly probe: ProbeFile
}

/** What containerd is told, to go into the drop-in beside the handlers (`RenderInput.extraTables`). */
export const containerdTables = (
  input: SnapshotterInput,
): Result.Result<
  { readonly tables: PrintTable; readonly notices: ReadonlyArray<Notice> },
  ReadonlyArray<Problem>
> => {
  let tables: PrintTable = {}
  const notices: Array<Notice> = []
  const problems: Array<Problem> = []
  for (const kind of input.kinds) {
    const mode = NydusMode.ofSetting(kind)
    const result =
      mode === undefined
        ? Erofs.containerdTables({
            settings: input.erofs,
            schema: input.schema,
            version: input.version,
            probe: input.probe,
          })
        : Result.map(NydusPlugin.containerdTables(mode, input), (found) => ({ tables: found, notices: [] }))
    if (Result.isFailure(result)) problems.push(result.failure)
    else {
      tables = mergeTables(tables, result.success.tables)
      notices.push(...result.success.notices)
    }
  }
  // The same schema is in the way of each of them; once is enough.
  const different = problems.filter((one, at) => problems.findIndex(({ code }) => code === one.code) === at)
  return different.length > 0 ? Result.fail(different) : Result.succeed({ tables, notices })
}
