/** Conformance of `HostFiles`: what goes, and what stays. */
import { Effect } from "effect"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { OwnedEntry } from "../plan/Ledger.ts"
import { HostFiles, type RemoveTreeAction } from "../ports/HostFiles.ts"
import { same } from "./Expectation.ts"
import type { OpenCase } from "./HostFilesConformance.ts"

const at = HostPath.make

const removeTree = (
  entries: RemoveTreeAction["entries"],
  reserved: ReadonlyArray<string> = [],
): RemoveTreeAction => ({ _tag: "RemoveTree", root: at("/opt/kata"), entries, reserved: reserved.map(at) })

const file = (path: string): OwnedEntry => ({ type: "file", path, sha256: "", mode: 0o644, size: 0 })
const link = (path: string): OwnedEntry => ({ type: "link", path, target: "" })
const directory = (path: string): OwnedEntry => ({ type: "directory", path })

const names = (path: string) =>
  Effect.gen(function* () {
    const host = yield* HostFiles
    const listing = yield* host.list(at(path))
    return listing._tag === "Names" ? listing.names : listing._tag
  })

/** Cases of `removeTree` and `prune`. */
export const removalCases: ReadonlyArray<OpenCase> = [
  {
    name: "the owned part of a tree goes, files of others stay and are named",
    fixture: {
      tree: {
        "/opt/kata/bin/shim": "ours",
        "/opt/kata/bin/changed": "ours, edited since",
        "/opt/kata/share/a/image": "ours",
        "/opt/kata/share/a/notes": "theirs",
        "/opt/kata/current": FileState.link("share"),
        "/opt/kata/extra": "theirs",
      },
    },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const removal = yield* host.removeTree(
        removeTree([
          file("bin/shim"),
          file("bin/changed"),
          file("bin/gone"),
          directory("bin"),
          file("share/a/image"),
          directory("share/a"),
          directory("share"),
          link("current"),
        ]),
      )
      yield* same("removed", removal.removed, 6)
      yield* same("left", removal.left, [
        { path: "/opt/kata/extra", why: "not ours" },
        { path: "/opt/kata/share/a/notes", why: "not ours" },
      ])
      yield* same("names", yield* names("/opt/kata"), ["extra", "share"])
    }),
  },
  {
    name: "nothing is removed through a link that took a directory's place",
    fixture: {
      tree: {
        "/home/bin/shim": "theirs",
        "/opt/kata/bin": FileState.link("/home/bin"),
        "/opt/kata/x": "ours",
      },
    },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const removal = yield* host.removeTree(removeTree([file("bin/shim"), directory("bin"), file("x")]))
      yield* same("left", removal.left, [{ path: "/opt/kata/bin", why: "it is no directory now" }])
      yield* same("theirs", yield* names("/home/bin"), ["shim"])
    }),
  },
  {
    name: "everything goes without following links, reserved paths stay",
    fixture: {
      tree: {
        "/home/file": "theirs",
        "/opt/kata/bin/shim": "x",
        "/opt/kata/home": FileState.link("/home"),
        "/opt/kata/.kata-deploy/ledger.json": "{}",
      },
    },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const removal = yield* host.removeTree(removeTree("everything", ["/opt/kata/.kata-deploy"]))
      yield* same("removed", removal, { removed: 3, bytes: 1, left: [], failed: [] })
      yield* same("names", yield* names("/opt/kata"), [".kata-deploy"])
      yield* same("state", yield* names("/opt/kata/.kata-deploy"), ["ledger.json"])
      yield* same("theirs", yield* names("/home"), ["file"])
    }),
  },
  {
    name: "removing a tree that is not there is done already",
    fixture: {},
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const nothing = { removed: 0, bytes: 0, left: [], failed: [] }
      yield* same("everything", yield* host.removeTree(removeTree("everything")), nothing)
      yield* same("entries", yield* host.removeTree(removeTree([])), nothing)
    }),
  },
  {
    name: "pruning takes empty directories in the given order, and nothing else",
    fixture: {
      tree: {
        "/a/b/c": FileState.directory(),
        "/full/file": "x",
        "/file": "x",
        "/link": FileState.link("/a"),
      },
    },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      const pruned = yield* host.prune(["/a/b/c", "/a/b", "/none", "/full", "/file", "/link", "/"].map(at))
      yield* same("went", pruned, ["/a/b/c", "/a/b"])
      yield* same("stays", yield* names("/"), ["a", "file", "full", "link"])
    }),
  },
  {
    name: "pruning goes through a link above the directories, and through none that took the place of one",
    fixture: {
      tree: {
        "/data/kata/bin": FileState.directory(),
        "/elsewhere/empty/below": FileState.directory(),
        "/opt/kata": FileState.link("/data/kata"),
        "/opt/moved": FileState.link("/elsewhere"),
      },
    },
    body: Effect.gen(function* () {
      const host = yield* HostFiles
      yield* same("above", yield* host.prune([at("/opt/kata/bin")]), ["/opt/kata/bin"])
      const moved = ["/opt/moved/empty/below", "/opt/moved/empty", "/opt/moved"].map(at)
      yield* same("in between", yield* host.prune(moved), [])
      yield* same("theirs", yield* names("/elsewhere/empty"), ["below"])
    }),
  },
]
