import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Instance, NydusMode } from "../../src/index.ts"
import { same } from "../Sample.ts"

const instanceOf = (suffix?: string, prefix?: string) => Instance.make({ prefix, suffix })

describe("NydusMode", () => {
  for (const [mode, name, config] of [
    ["guest-pull", "nydus-for-kata-tee", "config-guest-pulling.toml"],
    ["host-share", "nydus-for-kata-hs", "config-host-sharing.toml"],
  ] as const)
    it(`carries the suffix wherever instances share a place, and not below the install directory (${mode})`, () => {
      same(NydusMode.paths(mode, instanceOf("dev")), {
        name: `${name}-dev`,
        unit: `${name}-dev.service`,
        unitFile: `/etc/systemd/system/${name}-dev.service`,
        directory: `/opt/kata-dev/${name}`,
        config: `/opt/kata-dev/${name}/${config}`,
        socket: `/run/${name}-dev/containerd-nydus-grpc.sock`,
        data: `/var/lib/${name}-dev`,
      })
    })

  it("shares nothing between modes and instances, whatever the suffixes", () => {
    const suffix = fc.option(
      fc.oneof(
        fc.constantFrom("hs", "tee", "hs-hs", "tee-hs", "for-kata-hs", "service"),
        fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z]$/),
      ),
      { nil: undefined },
    )
    const one = fc.record({ mode: fc.constantFrom(...NydusMode.all), suffix })
    fc.assert(
      fc.property(one, one, (a, b) => {
        const places = [a, b].map(({ mode, suffix }) =>
          Object.values(NydusMode.paths(mode, instanceOf(suffix))),
        )
        const shared = places[0]!.filter((place) => places[1]!.includes(place))
        if (a.mode === b.mode && a.suffix === b.suffix) assert.strictEqual(shared.length, 7)
        else assert.deepStrictEqual(shared, [])
      }),
    )
  })

  it("is named by its word in the settings and by no other", () => {
    assert.strictEqual(NydusMode.ofSetting("nydus"), "guest-pull")
    assert.strictEqual(NydusMode.ofSetting("nydus-hs"), "host-share")
    for (const word of ["erofs", "", "nydus-for-kata-hs", "toString"])
      assert.isUndefined(NydusMode.ofSetting(word))
  })

  it("refuses a suffix with which no socket can be listened on", () => {
    const problems = (length: number) =>
      NydusMode.socketProblems("host-share", instanceOf("a".repeat(length)))
    const room = 107 - NydusMode.paths("host-share", instanceOf("")).socket.length
    assert.deepStrictEqual([...problems(room)], [])
    const [problem] = problems(room + 2)
    assert.strictEqual(problem?.code, "E_SOCKET_PATH_TOO_LONG")
    assert.include(problem?.remedy, "2 characters shorter")
  })
})
