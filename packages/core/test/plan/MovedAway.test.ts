import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, HostPath, Run } from "../../src/index.ts"
import * as MovedAway from "../../src/plan/MovedAway.ts"
import * as Node from "../engine/SampleNode.ts"

const path = HostPath.make
const installDir = path("/opt/kata")
const files = (...links: ReadonlyArray<string>) => ({
  files: new Map(
    ["/opt/kata", "/opt/kata/share", "/opt/kata/share/defaults", "/etc/containerd"].map((at) => [
      path(at),
      links.includes(at) ? FileState.link("/elsewhere") : FileState.directory(),
    ]),
  ),
})
const above = (at: string, ...links: ReadonlyArray<string>) =>
  MovedAway.linkAbove(
    files(...links),
    {
      installDir,
      directories: ["/opt/kata", "/opt/kata/share", "/opt/kata/share/defaults", "/etc/containerd"].map(path),
    },
    path(at),
  )

describe("a path of ours", () => {
  it("is behind a link that took the place of a directory of ours below the install directory", () => {
    assert.strictEqual(above("/opt/kata/share/defaults/x", "/opt/kata/share"), "/opt/kata/share")
    assert.strictEqual(
      above("/opt/kata/share/defaults/x", "/opt/kata/share/defaults"),
      "/opt/kata/share/defaults",
    )
    assert.strictEqual(above("/opt/kata/bin/x", "/opt/kata/share"), undefined)
    assert.strictEqual(above("/opt/kata/share/defaults/x"), undefined)
  })

  it("is ours where the install directory or one outside of it is a link", () => {
    assert.strictEqual(above("/opt/kata/share/x", "/opt/kata"), undefined)
    assert.strictEqual(above("/etc/containerd/x", "/etc/containerd"), undefined)
  })

  it("is ours where nobody knows the install directory", () => {
    const directories = [path("/opt/kata/share")]
    const linked = files("/opt/kata/share")
    assert.strictEqual(MovedAway.linkAbove(linked, { directories }, path("/opt/kata/share/x")), undefined)
  })
})

describe("a cleanup", () => {
  it.effect("leaves what lies behind such a link, and says so", () =>
    Effect.gen(function* () {
      const version = { CONTAINER_RUNTIME_VERSION: "containerd://2.1.9" }
      const host = Node.host({ "/etc/containerd/config.toml": "version = 3\n" })
      yield* Run.run(Node.request("install", version)).pipe(Node.on(host))
      const defaults = "/opt/kata/share/defaults/kata-containers"
      for (const at of Object.keys(host.snapshot()))
        if (at.startsWith(defaults)) host.tree.set(path(at), FileState.absent)
      host.tree.set(path(defaults), FileState.link("/etc/kata"))
      host.tree.set(path("/etc/kata"), FileState.directory())
      const theirs = path("/etc/kata/configuration-qemu.toml")
      host.tree.set(theirs, FileState.file("theirs"))
      const report = yield* Run.run(Node.request("cleanup", version)).pipe(Node.on(host))
      assert.deepStrictEqual(host.tree.get(theirs), FileState.file("theirs"))
      assert.deepStrictEqual(
        report.notices.flatMap(({ code, message }) => (code === "owned-file-not-removed" ? [message] : [])),
        [
          `${defaults}/configuration-qemu.toml was a file of ours and is behind ${defaults} now, which somebody made a link, so it stays.`,
        ],
      )
      assert.deepStrictEqual(report.left, [{ path: defaults, why: "it is no directory now" }])
    }),
  )
})
