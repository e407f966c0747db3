/**
 * Answers: which implementations stand behind the ports? Wires the engine to the real host, its systemd and its
 * Node as far as they may be asked.
 */
import { existsSync } from "node:fs"
import {
  ContainerdAt,
  Distribution,
  HostError,
  HostLayout,
  HostPath,
  HostShell,
  Policies,
  Run,
  SetMode,
  type Settings,
  Snapshots,
  StatusRun,
} from "@kata-deploy/core"
import { ComponentArchives, NodeHostFiles } from "@kata-deploy/filesystem"
import { NodeContainerd, NodeHostShell } from "@kata-deploy/host"
import { NodeKubernetes, WithoutApi } from "@kata-deploy/kubernetes"
import { Effect, Layer } from "effect"
import type { NodeOptions } from "../command/NodeOptions.ts"
import type { Engine, EngineFor } from "./Engine.ts"

/** Host directory that `/etc/containerd` of the pod shows: pinned, else by the named or declared distribution. */
const containerdConfigDir = (options: NodeOptions, settings: Settings.Settings): HostPath.HostPath => {
  if (settings.containerdConfigDir !== undefined) return settings.containerdConfigDir
  const named = options.criRuntime === undefined ? undefined : Distribution.lookup(options.criRuntime)
  if (named !== undefined) return named.configDir
  const declared = settings.k8sDistribution
  const [first] = declared === undefined ? [] : Distribution.runtimesOf(Distribution.fromDeclared(declared))
  return first === undefined ? HostPath.make("/etc/containerd") : Distribution.rowOf(first).configDir
}

const layoutOf = (options: NodeOptions, settings: Settings.Settings): HostLayout.HostLayout =>
  options.hostRoot === undefined
    ? HostLayout.pod({
        containerdConfigDir: containerdConfigDir(options, settings),
        installDir: settings.instance.installDir,
        besides: [HostLayout.varLib].filter(({ seen }) => existsSync(seen)),
      })
    : HostLayout.wholeRoot(options.hostRoot)

/** The key that was named; that it can be used was made sure of while the run was prepared. */
const publicKeyOf = ({ publicKey }: NodeOptions) => {
  if (publicKey === undefined) return undefined
  const read = ComponentArchives.readPublicKey(publicKey)
  if (read.key === undefined) throw new Error(read.why)
  return read.key
}

/** The Node, wherever the flags say that it is; without its name nobody gets here (see Preparation). */
const nodeApi = (options: NodeOptions, settings: Settings.Settings) =>
  options.kube === "none" || settings.nodeName === undefined
    ? WithoutApi.layer
    : NodeKubernetes.layer({
        mode: options.kube,
        kubeconfig: options.kubeconfig,
        context: options.context,
        nodeName: settings.nodeName,
        daemonSetName: settings.daemonSetName,
      })

/**
 * Says which way leads to systemd, and stops where one was looked for and failed: what would be written could not be
 * loaded. A host tree on which no systemd runs is no failure; its restarts are reported as due.
 */
const systemdIsReached = Effect.gen(function* () {
  const { control, route } = yield* HostShell.HostShell
  if (control._tag === "Known") return yield* Effect.logInfo(`Units are controlled through ${route}`)
  if (control.how !== "failed") return
  return yield* new HostError.HostError({
    operation: "control systemd units (with --systemd none restarts are left to you)",
    path: undefined,
    reason: { _tag: "Refused", detail: control.why },
  })
})

/** The engine on a real host. */
export const make: EngineFor = (options, settings): Promise<Engine> => {
  const layout = layoutOf(options, settings)
  const layer = Layer.mergeAll(
    NodeHostFiles.layer({
      layout,
      artifacts: options.artifacts,
      publicKey: publicKeyOf(options),
    }),
    NodeHostShell.layer({ layout, systemd: options.systemd }),
    nodeApi(options, settings),
    Policies.layer,
    Layer.succeed(ContainerdAt.ContainerdAt, (socket: HostPath.HostPath) =>
      NodeContainerd.layer({ layout, socket }),
    ),
  )
  return Promise.resolve({
    plan: (request) => Effect.provide(Run.plan(request), layer),
    run: (request) => Effect.provide(Effect.andThen(systemdIsReached, Run.run(request)), layer),
    setMode: (request) => {
      const changed = SetMode.run(request)
      return Effect.provide(
        request.apply === "apply" ? Effect.andThen(systemdIsReached, changed) : changed,
        layer,
      )
    },
    snapshots: (request, show) => Effect.provide(Snapshots.run(request, show), layer),
    status: (request, depth) => Effect.provide(StatusRun.status({ ...request, depth }), layer),
  })
}
