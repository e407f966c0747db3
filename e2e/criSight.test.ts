/**
 * Does the sight of the host say what a real CRI runtime has loaded, also where it has no CRI at all?
 */
import { Fact, HostLayout, HostPath } from "@kata-deploy/core"
import { Sight } from "@kata-deploy/host"
import { Effect } from "effect"
import { expect, test } from "vitest"
import { onContainerd } from "./Conditions.ts"
import * as PodSandbox from "./containerd/PodSandbox.ts"
import * as Running from "./containerd/Running.ts"
import type { Release } from "./containerd/Releases.ts"

const sight = Sight.make({ layout: HostLayout.wholeRoot("/") })

const cri = 'plugins."io.containerd.grpc.v1.cri"'

const withHandlers = `version = 2
[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[${cri}.containerd.runtimes.kata-qemu]
runtime_type = "io.containerd.kata-qemu.v2"
runtime_path = "/opt/kata/bin/containerd-shim-kata-v2"
`

/** What is seen of a daemon with this configuration. */
const seen = async (release: Release, configuration: string) => {
  const daemon = await Running.start(release, configuration)
  try {
    const socket = HostPath.make(daemon.socket)
    return {
      status: await Effect.runPromise(sight.criStatus(socket)),
      sandboxes: await Effect.runPromise(sight.sandboxes(socket)),
    }
  } finally {
    await daemon.end()
  }
}

onContainerd(["1", "2"], "the sight of a CRI runtime", (release) => {
  test("is its version, that it is ready, and exactly the handlers that it has loaded", async () => {
    const { sandboxes, status } = await seen(release, withHandlers)
    expect(status).toEqual(
      Fact.known({
        runtime: expect.stringMatching(new RegExp(`^containerd ${release.major}\\.${release.minor}\\.`)),
        ready: true,
        handlers: ["kata-qemu", "runc"],
      }),
    )
    expect(sandboxes).toEqual(Fact.known([]))
  })

  test("is that it has no CRI, where the plugin is not there or did not load", async () => {
    const broken = `version = 2\n[${cri}.containerd]\ndefault_runtime_name = "not-there"\n`
    for (const configuration of ['version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n', broken]) {
      const { sandboxes, status } = await seen(release, configuration)
      expect(status, configuration).toMatchObject({
        _tag: "Known",
        value: { ready: false, handlers: [], runtime: expect.stringContaining(`${release.major}.`) },
      })
      expect(Fact.valueOf(status)?.notLoaded).toMatch(/unknown service|unimplemented/i)
      expect(sandboxes).toMatchObject({ _tag: "Unknown", how: "out-of-sight" })
    }
  })

  test("are the sandboxes that run, each with its pod and handler, and not those that were stopped", async () => {
    const daemon = await Running.start(release, PodSandbox.configuration(["runc", "kata-qemu"]))
    const socket = HostPath.make(daemon.socket)
    const cri = PodSandbox.clientOf(daemon.socket)
    try {
      await PodSandbox.prepare(release, daemon)
      const kata = await cri.run("default", "web", "kata-qemu")
      const plain = await cri.run("kube-system", "dns", "")
      const expected = [
        { id: kata, pod: "default/web", handler: "kata-qemu" },
        { id: plain, pod: "kube-system/dns", handler: "" },
      ].sort((a, b) => (a.id < b.id ? -1 : 1))
      expect(await Effect.runPromise(sight.sandboxes(socket))).toEqual(Fact.known(expected))
      await cri.stop(kata)
      const left = expected.filter(({ id }) => id !== kata)
      expect(await Effect.runPromise(sight.sandboxes(socket))).toEqual(Fact.known(left))
    } finally {
      await daemon.end()
    }
  })
})
