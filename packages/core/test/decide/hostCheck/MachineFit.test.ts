import { assert, describe, it } from "@effect/vitest"
import { Fact, HostCheck } from "../../../src/index.ts"
import { settings } from "../../Sample.ts"

const there = { kvm: Fact.known(true), vhostVsock: Fact.known(true) }
const absent = { kvm: Fact.known(false), vhostVsock: Fact.known(false) }
const unseen = Fact.unknown("out-of-sight", "no /dev of the host")

const notices = (
  facts: HostCheck.MachineFit.MachineFacts,
  shims = "qemu remote clh openvmm-azure-runtime-rs",
) => HostCheck.MachineFit.notices(settings({ SHIMS_X86_64: shims }), facts)

describe("MachineFit", () => {
  it("says nothing where devices are there, or could not be seen", () => {
    assert.deepStrictEqual(notices(there), [])
    assert.deepStrictEqual(notices({ kvm: unseen, vhostVsock: unseen }), [])
  })

  it("names the handlers that cannot run without the devices", () => {
    const [kvm, vsock, ...more] = notices(absent)
    assert.include(kvm!.message, "no pod of kata-qemu, kata-clh can start")
    assert.match(vsock!.message, /guests of kata-qemu\.$/)
    assert.deepStrictEqual(more, [])
    assert.deepStrictEqual(
      [kvm, vsock].map((notice) => [notice!.code, notice!.severity]),
      [
        ["no-virtualisation", "warning"],
        ["no-vhost-vsock", "warning"],
      ],
    )
  })

  it("says nothing to shims that need no virtualisation on this machine", () => {
    assert.deepStrictEqual(notices(absent, "remote"), [])
  })
})
