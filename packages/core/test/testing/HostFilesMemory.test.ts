import { describe, it } from "@effect/vitest"
import { HostFilesConformance, HostFilesMemory } from "@kata-deploy/core/testing"

describe("the double of HostFiles", () => {
  for (const { effect, name } of HostFilesConformance.cases(
    (fixture) => HostFilesMemory.make(fixture).layer,
  )) {
    it.effect(name, () => effect)
  }
})
