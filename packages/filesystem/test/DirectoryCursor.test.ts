import { assert, describe, it } from "@effect/vitest"
import { FileState } from "@kata-deploy/core"
import { Effect } from "effect"
import fs from "node:fs"
import { deepestFirst, DirectoryCursor, nameOf, parentOf } from "../src/DirectoryCursor.ts"
import { openBest } from "../src/DirectoryHandle.ts"
import { sampleHost } from "./SampleHost.ts"

describe("DirectoryCursor", () => {
  it.effect("directories are reached in any order, and never through a link", () =>
    Effect.gen(function* () {
      const host = yield* sampleHost({
        tree: { "/a/b/f": "1", "/a/f": "2", "/c/b/f": "3", "/f": "4", "/link": FileState.link("a") },
      })
      const root = openBest(host.root)
      const cursor = new DirectoryCursor(root)
      const read = (path: string) => fs.readFileSync(cursor.enter(parentOf(path)).at(nameOf(path)), "utf8")
      assert.deepStrictEqual(["a/b/f", "c/b/f", "a/f", "a/b/f", "f"].map(read), ["1", "3", "2", "1", "4"])
      for (const path of ["link", "f", "none", "a/none/deeper"]) assert.throws(() => cursor.enter(path))
      assert.strictEqual(read("c/b/f"), "3")
      cursor.close()
      root.close()
    }),
  )

  it("children come before their parents", () => {
    const sorted = ["a", "a/b/c", "z", "a/b"].map((path) => ({ path })).sort(deepestFirst)
    assert.deepStrictEqual(
      sorted.map(({ path }) => path),
      ["a/b/c", "a/b", "z", "a"],
    )
  })
})
