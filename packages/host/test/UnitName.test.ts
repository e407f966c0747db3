import { assert, describe, it } from "@effect/vitest"
import { UnitName } from "../src/index.ts"

describe("UnitName", () => {
  for (const [name, complete] of [
    ["containerd", "containerd.service"],
    ["containerd.service", "containerd.service"],
    ["kata.socket", "kata.socket"],
    ["nydus-for-kata-tee-v4.1", "nydus-for-kata-tee-v4.1.service"],
    ["service", "service.service"],
    ["snap.microk8s.daemon-containerd", "snap.microk8s.daemon-containerd.service"],
  ] as const)
    it(`of ${name} is ${complete}`, () => {
      assert.strictEqual(UnitName.complete(name), complete)
      assert.strictEqual(UnitName.complete(complete), complete)
    })
})
