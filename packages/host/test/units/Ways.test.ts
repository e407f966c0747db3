import { dirname } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { HostLayout, HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import * as Route from "../../src/units/Route.ts"
import * as Ways from "../../src/units/Ways.ts"
import * as FakePeer from "./FakePeer.ts"

const bus = "the system bus /run/dbus/system_bus_socket"

describe("the ways to systemd", () => {
  it("are its own socket, then the system bus, then systemctl, in a pod as on the machine itself", () => {
    const pod = HostLayout.pod({
      containerdConfigDir: HostPath.make("/etc/containerd"),
      installDir: HostPath.make("/opt/kata"),
    })
    for (const layout of [pod, HostLayout.wholeRoot("/")])
      assert.deepStrictEqual(
        Ways.of(layout).map(({ name }) => name),
        ["systemd's private socket /run/systemd/private", bus, "the host's systemctl, through nsenter"],
      )
  })

  it.effect("lead over the bus where only that is mounted, and what kept us from the others is told", () =>
    Effect.gen(function* () {
      const { path } = yield* FakePeer.make("hang up")
      const mounted = { host: HostPath.make("/run/dbus/system_bus_socket"), seen: path }
      const { control } = yield* Route.choose("dbus", Ways.of({ mounts: [mounted] }))
      assert(control._tag === "Unknown")
      assert.strictEqual(control.how, "failed", "somebody was there and did not talk with us")
      assert.match(
        control.why,
        /not by systemd's private socket \/run\/systemd\/private: it is not mounted here;/,
      )
      assert.include(control.why, `not by ${bus}: the connection`)
    }),
  )

  it.effect("are out of sight where neither socket is there", () =>
    Effect.gen(function* () {
      const { path } = yield* FakePeer.make()
      const mounts = [{ host: HostPath.make("/run/dbus"), seen: `${dirname(path)}/empty` }]
      const { control } = yield* Route.choose("dbus", Ways.of({ mounts }))
      assert(control._tag === "Unknown")
      assert.strictEqual(control.how, "out-of-sight")
      assert.include(control.why, "empty/system_bus_socket is not there")
    }),
  )
})
