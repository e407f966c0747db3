import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { HostPath } from "../../src/index.ts"

const part = fc.constantFrom("a", "b c", "", ".", "..", "...", ".x", "ü", "a.b", "//")
const text = fc.array(part, { maxLength: 8 }).map((parts) => parts.join("/"))
const absolute = text.map((t) => HostPath.make(`/${t}`))

describe("HostPath", () => {
  it("has no empty, dot or dot-dot component and no trailing slash, whatever it is made from", () => {
    fc.assert(
      fc.property(text, (t) => {
        const path = HostPath.make(t)
        assert.isTrue(path.startsWith("/"))
        const parts = path === "/" ? [] : path.slice(1).split("/")
        for (const p of parts) assert.notInclude(["", ".", ".."], p)
      }),
    )
  })

  it("is left alone when it is made again", () => {
    fc.assert(fc.property(text, (t) => assert.strictEqual(HostPath.make(HostPath.make(t)), HostPath.make(t))))
  })

  for (const [given, made] of [
    ["", "/"],
    ["/", "/"],
    ["a", "/a"],
    ["/a//b/./c/", "/a/b/c"],
    ["/a/../b", "/b"],
    ["/../../etc", "/etc"],
    ["/a/b/../..", "/"],
    ["/.../..a", "/.../..a"],
  ] as const) {
    it(`makes ${made} of ${JSON.stringify(given)}`, () => {
      assert.strictEqual<string>(HostPath.make(given), made)
    })
  }

  it("joins as if the parts had been written behind one another", () => {
    fc.assert(
      fc.property(absolute, text, text, (base, a, b) => {
        assert.strictEqual<string>(HostPath.join(base, a, b), HostPath.make(`${base}/${a}/${b}`))
        assert.strictEqual(HostPath.join(base), base)
      }),
    )
    assert.strictEqual(HostPath.join(HostPath.make("/opt"), "../etc", "/x"), "/etc/x")
  })

  it("is parent and base name together again", () => {
    fc.assert(
      fc.property(absolute, (path) => {
        assert.strictEqual(HostPath.join(HostPath.parent(path), HostPath.baseName(path)), path)
      }),
    )
    assert.strictEqual(HostPath.parent(HostPath.make("/a")), "/")
    assert.strictEqual(HostPath.parent(HostPath.root), "/")
    assert.strictEqual(HostPath.baseName(HostPath.root), "")
  })

  it("lies below each of its ancestors, nearest last, and never below itself", () => {
    fc.assert(
      fc.property(absolute, (path) => {
        const above = HostPath.ancestors(path)
        assert.isFalse(HostPath.isBelow(path, path))
        assert.isTrue(HostPath.isWithin(path, path))
        assert.notInclude(above, HostPath.root)
        for (const directory of above) assert.isTrue(HostPath.isBelow(path, directory))
        assert.strictEqual(above.at(-1) ?? HostPath.root, HostPath.parent(path))
        assert.strictEqual(HostPath.isBelow(path, HostPath.root), path !== HostPath.root)
      }),
    )
    assert.deepStrictEqual<ReadonlyArray<string>>(HostPath.ancestors(HostPath.make("/a/b/c")), ["/a", "/a/b"])
  })

  it("does not lie below a directory whose name merely begins like it", () => {
    assert.isFalse(HostPath.isBelow(HostPath.make("/opt/kata-dev/bin"), HostPath.make("/opt/kata")))
    assert.isTrue(HostPath.isBelow(HostPath.make("/opt/kata/bin"), HostPath.make("/opt/kata")))
    assert.isFalse(HostPath.isWithin(HostPath.make("/opt"), HostPath.make("/opt/kata")))
  })

  it("comes back from its relative form", () => {
    fc.assert(
      fc.property(absolute, absolute, (directory, below) => {
        const path = HostPath.join(directory, below)
        const relative = HostPath.relativeTo(path, directory)
        assert.isFalse(relative.startsWith("/"))
        assert.strictEqual(HostPath.join(directory, relative), path)
      }),
    )
  })
})
