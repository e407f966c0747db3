import { afterAll, describe, it } from "@effect/vitest"
import { HostFilesConformance } from "@kata-deploy/core/testing"
import { crews, threads } from "../src/Crew.ts"
import { openBest, openChecked } from "../src/DirectoryHandle.ts"
import { layerOf } from "./SampleHost.ts"

describe("HostFiles below a real root", () => {
  for (const { effect, name } of HostFilesConformance.cases(layerOf(openBest))) it.effect(name, () => effect)
})

describe("HostFiles below a real root, where /proc is missing", () => {
  for (const { effect, name } of HostFilesConformance.cases(layerOf(openChecked)))
    it.effect(name, () => effect)
})

describe("HostFiles below a real root, with threads for the archives", () => {
  const many = threads(2)
  const workers = crews(many, many)
  afterAll(() => workers.close())
  for (const { effect, name } of HostFilesConformance.cases(layerOf(openBest, workers)))
    it.effect(name, () => effect)
})
