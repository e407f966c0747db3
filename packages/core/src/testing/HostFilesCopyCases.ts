/** Conformance of `HostFiles`: programs that are copied as they are, beside archives. Source: spec 07 §2. */
import { Effect } from "effect"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { OwnedEntry } from "../plan/Ledger.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import { failsWith, same } from "./Expectation.ts"
import type { OpenCase } from "./HostFilesConformance.ts"
import { holds, into, stateDirectory, treeOf } from "./HostFilesExtractCases.ts"

/** A component that is copied out of a directory: the names that it takes, each below a directory of its own. */
const copied = (names: ReadonlyArray<string>) => ({
  _tag: "Extract" as const,
  into,
  staging: HostPath.make(`${into}/.kata-deploy/staging`),
  components: [
    {
      name: "tools",
      archive: "tools",
      copies: names.map((from) => ({ from, to: `own/${from}` })),
      id: { sha256: "", size: 0, modifiedMs: 0 },
      replaces: [{ type: "link", path: "own/old", target: "gone" } satisfies OwnedEntry],
    },
  ],
  except: [],
  owned: ["own/first", "own/second"],
})

const programs = { "tools/first": "program", "tools/second": "another", "tools/unused": "x" }

/** Cases of `artifactNames`, `artifactProgram`, and of `extract` with `copies`. */
export const copyCases: ReadonlyArray<OpenCase> = [
  {
    name: "the programs of a directory of the artifacts are told apart, with digest and permissions",
    fixture: { programs },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const names = ["first", "second", "unused"]
      yield* same("names", yield* host.artifactNames("tools"), { _tag: "Names", names })
      yield* same("no directory", yield* host.artifactNames("none"), { _tag: "Absent" })
      const found = yield* host.artifactProgram("tools/first")
      yield* same("kind", found._tag, "File")
      if (found._tag === "File") yield* same("size and mode", [found.size, found.mode], [7, 0o755])
      yield* same("no program", yield* host.artifactProgram("tools/none"), { _tag: "Absent" })
    }),
  },
  {
    name: "programs are copied with their permissions, listed as what was put down, and taken back",
    fixture: {
      programs,
      tree: {
        ...stateDirectory,
        [`${into}/own/first`]: "before",
        [`${into}/own/old`]: FileState.link("gone"),
      },
    },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const done = yield* host.extract(
        copied(["first", "second"]),
        () => Effect.void,
        () => Effect.void,
      )
      yield* same("the tree", yield* treeOf(into), {
        own: "755/",
        "own/first": "755 program",
        "own/second": "755 another",
      })
      const entries = done.entries.get("tools") ?? []
      yield* same(
        "entries",
        entries.map((entry) => [entry.type, entry.path]),
        [
          ["directory", "own"],
          ["file", "own/first"],
          ["file", "own/second"],
        ],
      )
      const asTheyAre = { drifted: [], renewed: [] }
      yield* same("as they are", yield* host.drift(into, entries, "contents"), asTheyAre)
      yield* done.revert
      yield* holds({ own: "755/", "own/first": "644 before", "own/old": "-> gone" })
    }),
  },
  {
    name: "a program that is not there stops the copying, and the tree stays as it was",
    fixture: { programs, tree: { ...stateDirectory, [`${into}/own/first`]: "before" } },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const copying = host.extract(
        copied(["first", "none"]),
        () => Effect.void,
        () => Effect.void,
      )
      yield* failsWith("extract", copying, "Io")
      yield* holds({ own: "755/", "own/first": "644 before" })
    }),
  },
]
