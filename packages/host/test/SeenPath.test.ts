import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HostLayout, HostPath } from "@kata-deploy/core"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import * as SeenPath from "../src/SeenPath.ts"

const socket = HostPath.make("/run/systemd/private")

describe("where a host path is reached", () => {
  let root = ""
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "kd-seen-"))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it("is where the layout says, also below a foreign root", () => {
    assert.deepStrictEqual(SeenPath.resolve(HostLayout.wholeRoot("/"), socket), { _tag: "At", path: socket })
    mkdirSync(join(root, "run"))
    const seen = SeenPath.resolve(HostLayout.wholeRoot(root), socket)
    assert.deepStrictEqual(seen, { _tag: "At", path: join(root, socket) })
  })

  it("is never this machine's own by way of a link below a foreign root", () => {
    symlinkSync("/run", join(root, "run"))
    const seen = SeenPath.resolve(HostLayout.wholeRoot(root), socket)
    assert.deepStrictEqual(seen, { _tag: "ThroughLink", link: join(root, "run") })
  })

  it("is nowhere when no mount shows it", () => {
    const pod = HostLayout.pod({
      containerdConfigDir: HostPath.make("/etc/c"),
      installDir: HostPath.make("/opt/k"),
    })
    assert.deepStrictEqual(SeenPath.resolve(pod, HostPath.make("/var/log/journal")), { _tag: "OutOfSight" })
    assert.isFalse(SeenPath.isForeignRoot(pod))
  })
})
