/**
 * Does an install keep step with a real kubelet, which runs it as a pod? It is ready only when the kubelet says that it is
 * ready after the restart, its label holds against the kubelet's own writes, pods of its RuntimeClass come to the node and
 * start with its shim, and an uninstall leaves a node that is ready. The scheduler and the API server are real as well.
 */
import { rename, symlink } from "node:fs/promises"
import { dirname, join } from "node:path"
import { NodeApi } from "@kata-deploy/core"
import { NodeKubernetes, Rights } from "@kata-deploy/kubernetes"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import * as StandIn from "../containerd/StandIn.ts"
import { makeArtifacts } from "../hostTree/Artifacts.ts"
import { differences, type TreeSnapshot } from "../hostTree/TreeSnapshot.ts"
import { Account, namespace } from "../kubernetes/Account.ts"
import {
  type Binaries,
  newer,
  type NodeBinaries,
  obtainNode,
  older,
  type Release,
  wayOf,
} from "../kubernetes/Binaries.ts"
import { Cluster, freePort } from "../kubernetes/Cluster.ts"
import { daemonSet } from "../kubernetes/Workbench.ts"
import type { Suite } from "../containerd/Releases.ts"
import { onHosts } from "./Hosts.ts"
import * as InstallerPod from "./InstallerPod.ts"
import * as Kubelet from "./Kubelet.ts"
import * as Program from "./Program.ts"
import * as Sandboxes from "./Sandboxes.ts"

const shared = "katacontainers.io/kata-runtime"
const mark = "kata-deploy.katacontainers.io/default"
const name = "worker"
const network = "etc/cni/net.d/10-e2e.conflist"

/** A pod of our RuntimeClass, on the node's own network. */
const pod = {
  metadata: { name: "guest" },
  spec: {
    runtimeClassName: "kata-qemu",
    hostNetwork: true,
    automountServiceAccountToken: false,
    // At 0 the object would go before the sandbox does.
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "sleep", image: Sandboxes.image, imagePullPolicy: "Never" }],
  },
}
const runtimeClass = {
  metadata: { name: "kata-qemu" },
  handler: "kata-qemu",
  scheduling: { nodeSelector: { [shared]: "true" } },
}

const artifacts = await makeArtifacts({ shim: StandIn.script })
afterAll(() => artifacts[Symbol.asyncDispose]())

const besideKubelet = (suite: Suite, bond: Kubelet.Bond, binaries: Binaries & NodeBinaries) =>
  onHosts(
    `an install beside a real kubelet ${binaries.release.version} that restarts ${bond}`,
    (host) => {
      let cluster: Cluster
      let user: Account
      let node: Kubelet.KubeletNode
      let untouched: TreeSnapshot
      let installer: InstallerPod.InstallerPod

      const podPath = "/api/v1/namespaces/default/pods"
      const seenPod = (): Promise<InstallerPod.SeenPod> =>
        cluster.must("GET", `${podPath}/${pod.metadata.name}`) as unknown as Promise<InstallerPod.SeenPod>
      const isReady = (status: "True" | "False") =>
        node.until(`Ready ${status}`, async () => {
          const seen = await node.ready()
          return seen?.status === status ? seen : undefined
        })
      const installerIsReady = (): Promise<true> =>
        node.until("the installer ready", async () => ((await installer.isReady()) ? true : undefined))
      /** What the kubelet tells of its runtime; an older one tells nothing. */
      const handlersOnNode = async (): Promise<ReadonlyArray<string> | undefined> =>
        (await node.object()).status.runtimeHandlers?.map((handler) => handler.name ?? "").sort()
      const ourLabels = async () => {
        const { [mark]: own, [shared]: all } = await node.labels()
        return [all, own]
      }
      /** Two signs of life of the kubelet from now on. */
      const signsOfLife = async (): Promise<void> => {
        for (let count = 0; count < 2; count += 1) {
          const before = (await node.ready())?.lastHeartbeatTime ?? ""
          await node.until("a newer heartbeat", async () =>
            ((await node.ready())?.lastHeartbeatTime ?? "") > before ? true : undefined,
          )
        }
      }

      beforeAll(async () => {
        const [started] = await Promise.all([Cluster.start(binaries), Sandboxes.prepare(host())])
        cluster = started
        user = await Account.make(
          cluster,
          Rights.leastRights("daemon-set", ["events", "node-lease", "kubelet-config"]),
        )
        await host().mustExec(["mkdir", "-p", "/opt/kata"])
        // What the program advises for 1.6, which looks for shims by name only.
        if (host().containerd.minor === 6)
          await symlink(
            "/opt/kata/bin/containerd-shim-kata-v2",
            join(host().root, "usr/local/bin/containerd-shim-kata-qemu-v2"),
          )
        await cluster.must("POST", `/apis/apps/v1/namespaces/${namespace}/daemonsets`, daemonSet("own", {}))
        await cluster.must("POST", "/apis/node.k8s.io/v1/runtimeclasses", runtimeClass)
        await cluster.must("POST", "/api/v1/namespaces/default/serviceaccounts", {
          metadata: { name: "default" },
        })
        node = await Kubelet.start(host(), cluster, binaries, name, bond)
        untouched = await Program.trees(host())
        await cluster.startScheduler(binaries.scheduler)
        await cluster.must("POST", podPath, pod)
      })
      afterAll(async () => {
        await user?.[Symbol.asyncDispose]()
        await cluster?.[Symbol.asyncDispose]()
      })

      test("before it the kubelet is ready with its containerd, and a pod of our class finds no node", async () => {
        await isReady("True")
        expect((await node.object()).status.nodeInfo).toMatchObject({
          // Debian's 2.1.9 has `+unknown` behind its version.
          containerRuntimeVersion: expect.stringContaining(`containerd://${host().containerd.version}`),
          kubeletVersion: `v${binaries.release.version}`,
        })
        await node.until("the scheduler's word", async () =>
          (await seenPod()).status.conditions?.some(({ reason }) => reason === "Unschedulable") === true
            ? true
            : undefined,
        )
      })

      test("tells the kubelet's own configuration", async () => {
        const layer = NodeKubernetes.layer({
          mode: "auto",
          nodeName: name,
          daemonSetName: "own",
          environment: {
            KUBERNETES_SERVICE_HOST: "127.0.0.1",
            KUBERNETES_SERVICE_PORT: String(cluster.port),
          },
          serviceAccountDirectory: user.folder,
        })
        const asked = Effect.flatMap(NodeApi.NodeApi, (api) => api.configz).pipe(Effect.provide(layer))
        const configz = await Effect.runPromise(asked)
        expect(configz, JSON.stringify(configz)).toMatchObject({
          _tag: "Known",
          value: { kubeletconfig: { runtimeRequestTimeout: "2m0s", nodeStatusUpdateFrequency: "1s" } },
        })
      })

      test("is ready, and labels the node, only when the kubelet is ready after the restart", async () => {
        const at = join(host().root, network)
        await rename(at, `${at}.away`)
        await isReady("False")
        const before = await Program.mainPid(host())
        installer = await InstallerPod.create({
          host: host(),
          cluster,
          account: user,
          node: name,
          port: await freePort(),
          artifacts: artifacts.dir,
        })
        await node.until("a restart", async () => {
          const pid = await Program.mainPid(host())
          return pid !== 0 && pid !== before ? true : undefined
        })
        await signsOfLife()
        expect((await node.ready())?.status).toBe("False")
        expect(await installer.isReady()).toBe(false)
        expect(await ourLabels()).toEqual(["false", "false"])
        await rename(`${at}.away`, at)
        await isReady("True")
        await installerIsReady()
        expect(await ourLabels(), await installer.log()).toEqual(["true", "true"])
        if (binaries.release === newer)
          await node.until("our handlers on the Node", async () => {
            const told = await handlersOnNode()
            return Program.handlers.every((handler) => told?.includes(handler)) ? true : undefined
          })
        // It lives through the restart of containerd that it asked for.
        expect((await installer.seen()).status.containerStatuses).toMatchObject([{ restartCount: 0 }])
      })

      test("brings the pod to the node, where the kubelet has it made by our shim", async () => {
        let last: InstallerPod.SeenPod | undefined
        const running = await node
          .until("the pod running", async () => {
            last = await seenPod()
            // A kubelet that does not know the label yet turns the pod away for good; a controller makes a new one.
            if (last.status.phase === "Failed") {
              await cluster.must("DELETE", `${podPath}/${pod.metadata.name}?gracePeriodSeconds=0`)
              await cluster.must("POST", podPath, pod)
            }
            return last.status.phase === "Running" ? last : undefined
          })
          .catch((error: Error) => {
            throw new Error(`${JSON.stringify(last)}\n${error.message}`)
          })
        expect(await Sandboxes.runningOf(host(), pod.metadata.name)).toHaveLength(2)
        expect(running.spec.nodeName).toBe(name)
        const asked = StandIn.asked(host().root)
        // The sandbox and its container.
        expect(asked).toHaveLength(2)
        expect(asked[0]?.program).toMatch(/containerd-shim-kata-(qemu-)?v2$/)
        expect(asked[0]?.options).toContain("configuration-qemu.toml")
      })

      test("has labels that hold through the kubelet's own writes and its restart", async () => {
        await signsOfLife()
        expect(await ourLabels()).toEqual(["true", "true"])
        await node.restart()
        await signsOfLife()
        await isReady("True")
        expect(await ourLabels()).toEqual(["true", "true"])
      })

      test("goes with its DaemonSet: no label, no handler, and a kubelet that is ready", async () => {
        await cluster.must("DELETE", `${podPath}/${pod.metadata.name}`)
        await node.until("the end of the pod", async () =>
          (await Sandboxes.runningOf(host(), pod.metadata.name)).length === 0 ? true : undefined,
        )
        await cluster.must("DELETE", `/apis/apps/v1/namespaces/${namespace}/daemonsets/own`)
        await installer.remove()
        await node.until("the end of the installer", async () => {
          // It restarts containerd before it ends, which does not answer meanwhile.
          const running = await Sandboxes.running(host()).catch(() => undefined)
          return running?.length === 0 ? true : undefined
        })
        expect(await ourLabels(), await installer.log()).toEqual([undefined, undefined])
        expect(await Program.loaded(host())).toEqual(["runc"])
        expect(differences(untouched, await Program.trees(host()))).toEqual([])
        await signsOfLife()
        await isReady("True")
        expect(await ourLabels()).toEqual([undefined, undefined])
        if (binaries.release === newer)
          await node.until("no handler of ours on the Node", async () =>
            (await handlersOnNode())?.some((handler) => handler.startsWith("kata-")) === false
              ? true
              : undefined,
          )
      })
    },
    { folders: [artifacts.dir, dirname(binaries.kubelet)], suites: [suite] },
  )

const beside = async (
  release: Release,
  hosts: ReadonlyArray<readonly [Suite, Kubelet.Bond]>,
): Promise<void> => {
  const binaries = await obtainNode(wayOf(process.env["KATA_DEPLOY_E2E_KUBERNETES"]), release)
  const missing =
    "notRun" in binaries
      ? binaries.notRun.split("\n")[0]
      : Kubelet.address() === undefined
        ? "this machine has no address but its loopback, and a kubelet takes no such"
        : undefined
  if (missing === undefined && !("notRun" in binaries)) {
    for (const [suite, bond] of hosts) await besideKubelet(suite, bond, binaries)
    return
  }
  const title = `an install beside a real kubelet ${release.version}`
  console.error(`\ne2e: NOT RUN: ${title}: ${missing}\n`)
  describe.skipIf(missing !== undefined)(title, () => {
    test(`not run: ${missing}`, () => {})
  })
}

await beside(older, [
  ["bookworm", "by itself"],
  ["trixie", "with containerd"],
])
await beside(newer, [["sid", "by itself"]])
