/** Does the adapter of `HostShell` do on a real systemd what every implementation has to do, from wherever it is asked? */
import { HostShellConformance } from "@kata-deploy/core/testing"
import { Effect, Layer } from "effect"
import { beforeAll, describe, expect, test } from "vitest"
import * as Fixture from "./Fixture.ts"
import { onHosts } from "./Hosts.ts"
import { conformance, places } from "./Places.ts"
import type { Told } from "./runCase.ts"

/** The names alone; the cases run in a program at each place. */
const names = HostShellConformance.cases(() => Layer.effectDiscard(Effect.die("not here")) as never).map(
  ({ name }) => name,
)

await onHosts("units and the node lock", (host) => {
  beforeAll(() => Fixture.install(host()))

  for (const place of places)
    describe(`from ${place.name}`, () => {
      let told: ReadonlyArray<Told> = []
      beforeAll(async () => {
        told = await conformance(host(), place)
      })
      test("is reached as it should be", () => {
        expect(told[0]?.route).toMatch(place.route)
        expect(told.map(({ what }) => what)).toEqual(names)
      })
      for (const name of names)
        test(name, () => {
          expect(told.find(({ what }) => what === name)).toMatchObject({ ok: true, said: null })
        })
    })
})
