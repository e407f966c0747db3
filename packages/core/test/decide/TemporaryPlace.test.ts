import { assert, describe, it } from "@effect/vitest"
import { HostPath, TemporaryPlace } from "../../src/index.ts"

const path = HostPath.make
const inside = { installDir: path("/opt/kata"), stateDir: path("/opt/kata/.kata-deploy") }
const outside = { installDir: path("/opt/kata"), stateDir: path("/var/lib/kata-deploy") }

describe("TemporaryPlace", () => {
  for (const [target, places, directory] of [
    ["/opt/kata/versions.yaml", inside, "/opt/kata/.kata-deploy/staging"],
    ["/opt/kata/a/b/config.d/10-x.toml", inside, "/opt/kata/.kata-deploy/staging"],
    ["/opt/kata/.kata-deploy/ledger.json", inside, "/opt/kata/.kata-deploy"],
    ["/opt/kata/.kata-deploy/base/x/c.toml", inside, "/opt/kata/.kata-deploy/base/x"],
    ["/opt/kata-dev/versions.yaml", inside, "/opt/kata-dev"],
    ["/opt/kata/versions.yaml", outside, "/opt/kata"],
    ["/opt/kata/a/b/config.d/10-x.toml", outside, "/opt/kata/a/b"],
    ["/etc/containerd/config.toml", inside, "/etc/containerd"],
    ["/etc/containerd/conf.d/kata-deploy.toml", inside, "/etc/containerd"],
    [
      "/var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.d/k.toml",
      inside,
      "/var/lib/rancher/k3s/agent/etc/containerd",
    ],
    [
      "/var/lib/rancher/k3s/agent/etc/containerd/config.toml.d/k.toml",
      inside,
      "/var/lib/rancher/k3s/agent/etc/containerd",
    ],
    ["/etc/k0s/containerd.d/kata-deploy.toml", inside, "/etc/k0s"],
    ["/etc/crio/crio.conf.d/99-kata-deploy", inside, "/etc/crio"],
    ["/etc/xconf.d/a", inside, "/etc/xconf.d"],
    ["/a", inside, "/"],
  ] as const) {
    it(`${target} is made in ${directory}${places === outside ? " when the state is kept elsewhere" : ""}`, () => {
      assert.strictEqual<string>(TemporaryPlace.of(path(target), places), directory)
    })
  }
})
