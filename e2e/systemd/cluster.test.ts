/**
 * Does a pod of the DaemonSet do on a real host what its life demands? Ready only when the runtime serves and the labels
 * hold, nothing lost at an upgrade, nothing left at an uninstall, and no harm to a second install. At a real API server
 * where there is one, else at the double.
 */
import { cp, mkdir } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { Rights } from "@kata-deploy/kubernetes"
import { afterAll, beforeAll, expect, inject, test } from "vitest"
import { told } from "../cli.ts"
import { differences, type TreeSnapshot } from "../hostTree/TreeSnapshot.ts"
import { freePort } from "../kubernetes/Cluster.ts"
import { find, type Place } from "../kubernetes/Place.ts"
import { onHosts } from "./Hosts.ts"
import * as Program from "./Program.ts"

const where = await find("the life of a pod of the DaemonSet")

await onHosts(
  `a pod of the DaemonSet at ${where.described}`,
  (host) => {
    const shared = "katacontainers.io/kata-runtime"
    const mark = (instance: string): string => `kata-deploy.katacontainers.io/${instance}`
    const theirs = { "example.com/theirs": "x" }
    const account = "/run/e2e-account"
    let place: Place
    let port: number
    let untouched: TreeSnapshot
    let ownHandlers: ReadonlyArray<string>
    const pods: Array<Program.Started> = []

    const call = (...args: ReadonlyArray<string>): Program.Call => ({
      args,
      mounts: [[account, "/var/run/secrets/kubernetes.io/serviceaccount"]],
      env: {
        KATA_DEPLOY_KUBE: "auto",
        KUBERNETES_SERVICE_HOST: "127.0.0.1",
        KUBERNETES_SERVICE_PORT: String(place.port),
        NODE_NAME: place.node,
        DAEMONSET_NAME: "own",
        HEALTH_PORT: String(port),
        CONTAINER_RUNTIME_VERSION: "",
      },
    })
    const second: () => Omit<Program.Call, "args"> = () => ({
      ...call(),
      installDir: "/opt/kata-b",
      env: { ...call().env, MULTI_INSTALL_SUFFIX: "b", DAEMONSET_NAME: "own-b" },
    })
    const readiness = async (): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(3000) })
      return `${answer.status} ${(await answer.text()).trim()}`
    }
    const startPod = async (): Promise<Program.Started> => {
      const pod = await Program.start(host(), Program.pod, call("install"))
      pods.push(pod)
      await pod.said(/listens on port/)
      return pod
    }
    const isReady = async (pod: Program.Started, look: () => Promise<void> = async () => {}) => {
      while ((await readiness()) !== "200 ok ready") {
        if (pod.child.exitCode !== null) throw new Error(`it ended before it was ready\n${pod.stderr()}`)
        await look()
        await pause(50)
      }
    }

    beforeAll(async () => {
      place = await where.start(
        {
          labels: theirs,
          ownDaemonSet: "selects",
          containerRuntimeVersion: `containerd://${host().containerd.version}`,
        },
        Rights.leastRights("daemon-set", ["events", "node-lease"]),
      )
      await mkdir(join(host().root, account), { recursive: true })
      await cp(place.account, join(host().root, account), { recursive: true })
      await host().mustExec(["mkdir", "-p", "/opt/kata", "/opt/kata-b"])
      port = await freePort()
      untouched = await Program.trees(host())
      ownHandlers = await Program.loaded(host())
    })
    afterAll(async () => {
      for (const pod of pods) pod.child.kill("SIGKILL")
      await place?.[Symbol.asyncDispose]()
    })

    test("is ready once containerd was restarted and the labels hold, though somebody took one back", async () => {
      const before = await Program.mainPid(host())
      const pod = await startPod()
      let stripped: string | undefined
      await isReady(pod, async () => {
        if (stripped !== undefined || (await place.labels())?.[shared] !== "true") return
        await place.label({ [shared]: null })
        stripped = await readiness()
      })
      expect(stripped).toBe("503 not_ready installing")
      expect(await Program.mainPid(host())).not.toBe(before)
      expect(await Program.loaded(host())).toEqual([...ownHandlers, ...Program.handlers].sort())
      expect(await place.labels()).toEqual({ ...theirs, [shared]: "true", [mark("default")]: "true" })
      const events = await place.events()
      expect(events.map(({ severity }) => severity)).toEqual(["normal"])
    })

    test("is replaced in an upgrade without a trace: the old one ends, the new one restarts nothing", async () => {
      const before = { pid: await Program.mainPid(host()), tree: await Program.trees(host()) }
      const [old] = pods as [Program.Started]
      old.terminate()
      expect((await old.ended).status, old.stderr()).toBe(0)
      expect(await place.labels()).toMatchObject({ [shared]: "true", [mark("default")]: "true" })
      const next = await startPod()
      await isReady(next)
      expect(await Program.mainPid(host())).toBe(before.pid)
      expect(differences(before.tree, await Program.trees(host()), { identity: "files" })).toEqual([])
    })

    test("keeps its label, files and handlers when a second install comes and goes", async () => {
      const before = await Program.trees(host())
      const come = await Program.kataDeploy(host(), Program.pod, {
        ...second(),
        args: ["install", "--once"],
      })
      expect(come.code, told(come)).toBe(0)
      expect(await place.labels()).toMatchObject({
        [shared]: "true",
        [mark("default")]: "true",
        [mark("b")]: "true",
      })
      expect(await Program.loaded(host())).toEqual(
        [...ownHandlers, ...Program.handlers, ...Program.handlers.map((name) => `${name}-b`)].sort(),
      )
      const go = await Program.kataDeploy(host(), Program.pod, { ...second(), args: ["cleanup"] })
      expect(go.code, told(go)).toBe(0)
      expect(await place.labels()).toEqual({ ...theirs, [shared]: "true", [mark("default")]: "true" })
      expect(await Program.loaded(host())).toEqual([...ownHandlers, ...Program.handlers].sort())
      // Its record tells which bytes containerd was started with.
      const ledger = ["/opt/kata/.kata-deploy/ledger.json"]
      expect(differences(before, await Program.trees(host()), { ignore: ledger })).toEqual([])
    })

    test("leaves nothing when it goes with its DaemonSet", async () => {
      await place.removeOwnDaemonSet()
      const pod = pods.at(-1)!
      pod.terminate()
      expect((await pod.ended).status, pod.stderr()).toBe(0)
      expect(await place.labels(), pod.stderr()).toEqual(theirs)
      expect(await Program.loaded(host())).toEqual(ownHandlers)
      expect(differences(untouched, await Program.trees(host()))).toEqual([])
      expect(await Program.isActive(host())).toBe(true)
    })
  },
  { folders: [inject("artifactsFolder")], suites: ["sid"] },
)
