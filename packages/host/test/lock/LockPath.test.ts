import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HostLayout, HostPath } from "@kata-deploy/core"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import * as LockPath from "../../src/lock/LockPath.ts"

describe("what is locked", () => {
  let root = ""
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "kd-lock-"))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it("is the file of every installer where its directory is there", () => {
    mkdirSync(join(root, "run/lock"), { recursive: true })
    const path = join(root, "run/lock/kata-deploy.lock")
    assert.deepStrictEqual(LockPath.of(HostLayout.wholeRoot(root)), { _tag: "At", path })
  })

  it("is the nearest directory above where it is not, so that nothing is made", () => {
    assert.deepStrictEqual(LockPath.of(HostLayout.wholeRoot(root)), { _tag: "At", path: root })
    mkdirSync(join(root, "run"))
    assert.deepStrictEqual(LockPath.of(HostLayout.wholeRoot(root)), { _tag: "At", path: join(root, "run") })
  })

  it("is nothing outside of the host tree", () => {
    mkdirSync(join(root, "run"))
    symlinkSync("/tmp", join(root, "run/lock"))
    const refused = LockPath.of(HostLayout.wholeRoot(root))
    assert(refused._tag === "Nowhere")
    assert.match(refused.why, /run\/lock is a link/)
  })

  it("is nothing in a pod without the mount for it, and says which one is missing", () => {
    const layout = HostLayout.pod({
      containerdConfigDir: HostPath.make("/etc/containerd"),
      installDir: HostPath.make("/opt/kata"),
    })
    const mounts = layout.mounts.map((mount) => ({ ...mount, seen: join(root, mount.seen) }))
    const refused = LockPath.of({ mounts })
    assert(refused._tag === "Nowhere")
    assert.match(refused.why, /mount \/run\/lock of the host there$/)
  })
})
