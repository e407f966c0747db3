import { assert, describe, it } from "@effect/vitest"
import { ArchiveEntry, HostPath } from "@kata-deploy/core"
import * as fc from "fast-check"

describe("where an entry goes", () => {
  for (const [name, expected] of [
    ["opt/kata/bin/x", "bin/x"],
    ["./opt/kata/bin/x", "bin/x"],
    ["./opt/kata//bin/./x/", "bin/x"],
    ["opt/kata", "Root"],
    ["./opt/kata/", "Root"],
    ["opt", "Outside"],
    ["./", "Outside"],
    ["", "Outside"],
    ["/opt/kata/bin/x", "Outside"],
    ["opt/kata-2/bin/x", "Outside"],
    ["etc/passwd", "Outside"],
    ["../opt/kata/x", "Outside"],
    ["opt/../opt/kata/x", "Outside"],
    ["opt/kata/../x", "Refused"],
    ["opt/kata/a/..", "Refused"],
    ["opt/kata/a\nb", "Refused"],
    ["opt/kata/a\0b", "Refused"],
    ["opt/kata/\u{FFFD}", "Refused"],
    ["opt/kata/..a/b..", "..a/b.."],
  ] as const) {
    it(`${JSON.stringify(name)} goes to ${expected}`, () => {
      const place = ArchiveEntry.place(name)
      assert.strictEqual(place._tag === "Inside" ? place.path : place._tag, expected)
    })
  }

  it("no name leads out of the install directory", () => {
    const part = fc.oneof(
      fc.constantFrom("..", ".", "", "opt", "kata", "\0", "a"),
      fc.string({ maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const place = ArchiveEntry.place(parts.join("/"))
        if (place._tag !== "Inside") return
        const into = HostPath.make("/d")
        const target = HostPath.join(into, place.path)
        assert.isTrue(HostPath.isBelow(target, into))
        assert.strictEqual(target, `/d/${place.path}`)
      }),
    )
  })
})

describe("what a link points to", () => {
  for (const [target, expected] of [
    ["/opt/kata", "/opt/kata-dev"],
    ["/opt/kata/share/x", "/opt/kata-dev/share/x"],
    ["/opt/kata-other/x", "/opt/kata-other/x"],
    ["/usr/bin/x", "/usr/bin/x"],
    ["../share/x", "../share/x"],
    ["opt/kata/x", "opt/kata/x"],
  ] as const) {
    it(`${target} becomes ${expected}`, () => {
      assert.strictEqual(ArchiveEntry.linkTarget(target, HostPath.make("/opt/kata-dev")), expected)
    })
  }

  for (const [target, expected] of [
    ["opt/kata/a", "a"],
    ["./opt/kata/a", "a"],
    ["share/a", "share/a"],
    ["/opt/kata/a", "Refused"],
    ["../a", "Refused"],
    ["opt/kata/../../a", "Refused"],
  ] as const) {
    it(`the hard link ${target} leads to ${expected}`, () => {
      const place = ArchiveEntry.hardLinkPlace(target)
      assert.strictEqual(place._tag === "Inside" ? place.path : place._tag, expected)
    })
  }
})

describe("modes and names", () => {
  it("files directly in the two bin directories are executable, others keep their permission bits", () => {
    assert.strictEqual(ArchiveEntry.fileMode("bin/x", 0o4600), 0o755)
    assert.strictEqual(ArchiveEntry.fileMode("runtime-rs/bin/x", 0o600), 0o755)
    assert.strictEqual(ArchiveEntry.fileMode("bin/sub/x", 0o6640), 0o640)
    assert.strictEqual(ArchiveEntry.fileMode("libexec/bin/x", 0o640), 0o640)
  })

  it("what planning reads ahead is told by place and name", () => {
    assert.isTrue(ArchiveEntry.isPlanned(ArchiveEntry.devkitRootHash))
    assert.isFalse(ArchiveEntry.isPlanned("share/kata-containers/root_hash.txt"))
    const base = "share/defaults/kata-containers"
    assert.isTrue(ArchiveEntry.isPlanned(`${base}/configuration-qemu.toml`))
    assert.isTrue(ArchiveEntry.isPlanned(`${base}/runtime-rs/configuration-qemu.toml`))
    assert.isFalse(ArchiveEntry.isPlanned(`${base}/configuration.toml`))
    assert.isFalse(ArchiveEntry.isPlanned("share/configuration-qemu.toml"))
  })

  it("a name is shown without what a terminal would obey", () => {
    assert.strictEqual(ArchiveEntry.shown("a\nb\u001b[31m\u009bc\0"), "a\\x0ab\\x1b[31m\\x9bc\\x00")
    assert.strictEqual(ArchiveEntry.shown("opt/kata/ümlaut é"), "opt/kata/ümlaut é")
  })

  it("directories above a path come parents first", () => {
    assert.deepStrictEqual(ArchiveEntry.parents("a/b/c"), ["a", "a/b"])
    assert.deepStrictEqual(ArchiveEntry.parents("a"), [])
  })
})
