/**
 * The policies that an embedder may replace, gathered for the pure planners: a planner is a function of data and of
 * these functions, whoever provides them.
 */
import { Effect, Layer } from "effect"
import { CleanupPolicy, decide as decideCleanup } from "./CleanupPolicy.ts"
import { ConfigPaths, decide as decidePaths } from "./ConfigPaths.ts"
import { DropInRendering, render } from "./DropInRendering.ts"
import { detect, RuntimeDetection } from "./RuntimeDetection.ts"
import { plan as planSnapshots, SnapshotRemoval } from "./SnapshotRemoval.ts"

/** The replaceable decisions as plain functions. */
export interface Policies {
  readonly detect: typeof detect
  readonly paths: typeof decidePaths
  readonly render: typeof render
  readonly cleanup: typeof decideCleanup
  readonly snapshots: typeof planSnapshots
}

/** The decisions as this package takes them. */
export const standard: Policies = {
  detect,
  paths: decidePaths,
  render,
  cleanup: decideCleanup,
  snapshots: planSnapshots,
}

/** The services that stand for the policies. */
export type PolicyServices =
  | RuntimeDetection
  | ConfigPaths
  | DropInRendering
  | CleanupPolicy
  | SnapshotRemoval

/** The policies as the services in the context provide them. */
export const fromServices: Effect.Effect<Policies, never, PolicyServices> = Effect.gen(function* () {
  const detection = yield* RuntimeDetection
  const paths = yield* ConfigPaths
  const rendering = yield* DropInRendering
  const cleanup = yield* CleanupPolicy
  const removal = yield* SnapshotRemoval
  return {
    detect: detection.detect,
    paths: paths.decide,
    render: rendering.render,
    cleanup: cleanup.decide,
    snapshots: removal.plan,
  }
})

/** All policies as this package decides them. */
export const layer: Layer.Layer<PolicyServices> = Layer.mergeAll(
  RuntimeDetection.layer,
  ConfigPaths.layer,
  DropInRendering.layer,
  CleanupPolicy.layer,
  SnapshotRemoval.layer,
)
