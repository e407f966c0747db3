/**
 * Conformance of `HostFiles`: what happens where something is at a path that unpacking puts something at. Source:
 * decisions §3, §10.
 */
import { Effect } from "effect"
import * as FileState from "../model/FileState.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import { failsWith, same } from "./Expectation.ts"
import type { OpenCase } from "./HostFilesConformance.ts"
import {
  action,
  extract,
  holds,
  into,
  kernel,
  kernelTree,
  stateDirectory,
  treeOf,
} from "./HostFilesExtractCases.ts"
import type { TreeOf } from "./MemoryTree.ts"

const inTheWay: ReadonlyArray<readonly [name: string, tree: TreeOf]> = [
  ["a foreign directory in a file's place", { [`${into}/bin/shim/theirs`]: "x" }],
  ["a foreign file in a directory's place", { [`${into}/share`]: "x" }],
  ["a link in a directory's place", { [`${into}/share`]: FileState.link("/etc"), "/etc/f": "x" }],
]

const obstacleCases: ReadonlyArray<OpenCase> = inTheWay.map(([name, tree]) => ({
  name: `${name} stops the extraction, and the tree stays as it was`,
  fixture: { archives: { kernel }, tree: { ...stateDirectory, [`${into}/a-first`]: "x", ...tree } },
  body: Effect.gen(function* () {
    const before = yield* treeOf(into)
    yield* failsWith("extract", extract(["kernel"]), "Taken")
    // That the tree was taken over does not make room either.
    yield* failsWith("extract", extract(["kernel"], { owned: "everything" }), "Refused")
    yield* holds(before)
  }),
}))

const takenCases: ReadonlyArray<OpenCase> = [
  {
    name: "files of somebody else stop the extraction, all of them named, before anything is told or moved",
    fixture: {
      archives: { kernel },
      tree: {
        ...stateDirectory,
        [`${into}/bin/shim`]: "theirs",
        [`${into}/share/vmlinux`]: FileState.link("theirs"),
        [`${into}/share/plain-name`]: "theirs",
      },
    },
    body: Effect.gen(function* () {
      const before = yield* treeOf(into)
      const host = yield* HostFiles
      let told = false
      const staged = () => Effect.sync(() => void (told = true))
      const attempt = host.extract(
        yield* action(["kernel"], { owned: ["share/plain-name"] }),
        () => Effect.void,
        staged,
      )
      const reason = yield* failsWith("extract", attempt, "Taken")
      yield* same("why", reason, {
        _tag: "Taken",
        paths: [`${into}/bin/shim`, `${into}/share/vmlinux`],
        count: 2,
      })
      yield* same("told", told, false)
      yield* holds(before)
    }),
  },
  {
    name: "what is the very same already is taken over, and what is owned is replaced",
    fixture: {
      archives: { kernel },
      tree: {
        ...stateDirectory,
        [`${into}/bin/shim`]: "program",
        [`${into}/share/vmlinux`]: FileState.link("vmlinux-6.12"),
        [`${into}/share/plain-name`]: "ours",
      },
    },
    body: Effect.gen(function* () {
      const done = yield* extract(["kernel"], { owned: ["share/plain-name"] })
      yield* done.commit
      yield* holds(kernelTree)
    }),
  },
  {
    name: "in a tree that was taken over everything is replaced",
    fixture: {
      archives: { kernel },
      tree: { ...stateDirectory, [`${into}/bin/shim`]: "older", [`${into}/share/vmlinux`]: "older" },
    },
    body: Effect.gen(function* () {
      const done = yield* extract(["kernel"], { owned: "everything" })
      yield* done.commit
      yield* holds(kernelTree)
    }),
  },
]

/** Cases of `extract` where something is in the way. */
export const takenPathCases: ReadonlyArray<OpenCase> = [...obstacleCases, ...takenCases]
