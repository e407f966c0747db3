import { assert, describe, it } from "vitest"
import { ProxyRescue } from "../src/index.ts"
import { blockdev, labels, proxy } from "./Samples.ts"

/** Table C as it stands in the facts. */
const table = [
  ["C1", proxy, { imageRef: "a" }, false],
  ["C1", proxy, { imageRef: "a", proxyMode: "true" }, false],
  ["C2", proxy, {}, true],
  ["C3", proxy, { proxyMode: "true" }, false],
  ["C4", blockdev, { proxyMode: "true" }, true],
  ["C4", blockdev, { proxyMode: "true", imageRef: "a" }, true],
  ["C5", blockdev, {}, false],
  ["C5", blockdev, { imageRef: "a" }, false],
] as const

describe("ProxyRescue", () => {
  for (const [row, config, given, rescued] of table)
    it(`${row}: driver ${config.driver} with ${Object.keys(given).join(" and ") || "no label"} is ${rescued ? "" : "not "}rescued`, () => {
      const found = ProxyRescue.decide(config, labels(given))
      assert.deepStrictEqual(found, { row, rescued })
      assert.match(ProxyRescue.explain(found), new RegExp(`^${row}: .+\\.$`))
    })
})
