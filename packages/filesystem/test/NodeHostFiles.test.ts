import { describe, it } from "@effect/vitest"
import { HostFilesConformance } from "@kata-deploy/core/testing"
import { openBest, openChecked } from "../src/DirectoryHandle.ts"
import { layerOf } from "./SampleHost.ts"

describe("HostFiles below a real root", () => {
  for (const { effect, name } of HostFilesConformance.cases(layerOf(openBest))) it.effect(name, () => effect)
})

describe("HostFiles below a real root, where /proc is missing", () => {
  for (const { effect, name } of HostFilesConformance.cases(layerOf(openChecked)))
    it.effect(name, () => effect)
})
