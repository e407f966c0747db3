/**
 * Where does the engine find containerd's own view? At the socket of the runtime that was detected, which is known only
 * while a run goes on. Whoever wires an engine says how a socket becomes the port; without that nothing can be seen.
 */
import { Context, Effect, Layer } from "effect"
import type { HostPath } from "../model/HostPath.ts"
import { Containerd } from "../ports/Containerd.ts"
import { HostError } from "../ports/HostError.ts"

const nobody = (socket: HostPath) => {
  const fail = Effect.fail(
    new HostError({
      operation: "ask containerd at",
      path: socket,
      reason: { _tag: "Refused", detail: "this program was made without a way to it" },
    }),
  )
  return Layer.succeed(
    Containerd,
    Containerd.of({
      namespaces: fail,
      snapshots: () => fail,
      containers: () => fail,
      images: () => fail,
      contents: () => fail,
      blob: () => fail,
      removeSnapshot: () => fail,
      updateContentLabels: () => fail,
      removeImage: () => fail,
    }),
  )
}

/** How a socket on the host becomes containerd's own view. */
export const ContainerdAt = Context.Reference<(socket: HostPath) => Layer.Layer<Containerd>>(
  "@kata-deploy/core/ContainerdAt",
  { defaultValue: () => nobody },
)
