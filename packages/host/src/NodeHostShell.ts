/**
 * `HostShell` with Node: units by whichever way leads to the host's systemd, the node lock, and what can be seen of the
 * machine.
 */
import { type HostLayout, HostShell } from "@kata-deploy/core"
import { Effect, Layer } from "effect"
import * as NodeLock from "./lock/NodeLock.ts"
import * as Sight from "./sight/Sight.ts"
import * as Route from "./units/Route.ts"
import * as Ways from "./units/Ways.ts"

/** How units are controlled. */
export type { Mode } from "./units/Route.ts"

/** What the host is reached through. */
export interface Options {
  /** Where this process sees host paths; below another root than `/` no unit of this machine is touched. */
  readonly layout: HostLayout.HostLayout
  /** How units are controlled; with `none` lock and sight are still there. */
  readonly systemd: Route.Mode
}

/** The host as `options.layout` shows it. What leads to systemd is found out once, when the layer is built. */
export const layer = ({ layout, systemd }: Options): Layer.Layer<HostShell.HostShell> =>
  Layer.effect(
    HostShell.HostShell,
    Effect.map(Route.choose(systemd, Ways.of(layout)), (units) =>
      HostShell.HostShell.of({
        ...units,
        ...NodeLock.make({ layout }),
        ...Sight.make({ layout }),
      }),
    ),
  )
