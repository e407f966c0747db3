/**
 * Answers: which implementations stand behind the ports? Wires the engine to the real host files, and to nothing
 * where systemd and the API are not to be asked.
 */
import {
  Distribution,
  HostLayout,
  HostPath,
  Policies,
  Run,
  type Settings,
  StatusRun,
} from "@kata-deploy/core"
import { NodeHostFiles } from "@kata-deploy/filesystem"
import { WithoutSystemd } from "@kata-deploy/host"
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
      })
    : HostLayout.wholeRoot(options.hostRoot)

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

/** The engine on a real host. */
export const make: EngineFor = (options, settings): Promise<Engine> => {
  const layer = Layer.mergeAll(
    NodeHostFiles.layer({ layout: layoutOf(options, settings), artifacts: options.artifacts }),
    WithoutSystemd.layer,
    nodeApi(options, settings),
    Policies.layer,
  )
  return Promise.resolve({
    plan: (request) => Effect.provide(Run.plan(request), layer),
    run: (request) => Effect.provide(Run.run(request), layer),
    status: (request, depth) => Effect.provide(StatusRun.status({ ...request, depth }), layer),
  })
}
