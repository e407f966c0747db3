import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import process from "node:process"
import * as HostFixture from "./HostFixture.ts"

describe("fixtures/hosts", () => {
  for (const name of HostFixture.names) {
    it.effect(
      `an install on ${name} is planned and ends as recorded, and a cleanup brings the host back`,
      () =>
        Effect.gen(function* () {
          const { after, before, expected } = yield* HostFixture.outcome(name)
          if (process.env["UPDATE_GOLDEN"] === "1") HostFixture.rewrite(name, expected)
          assert.deepStrictEqual(
            HostFixture.recorded(name),
            expected,
            "npm run fixtures:update writes it anew; read the diff",
          )
          assert.deepStrictEqual(after, before)
        }),
    )
  }
})
