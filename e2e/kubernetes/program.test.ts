/**
 * Does the program itself find its API server and leave the Node as it should be? `install` and `cleanup` with a
 * kubeconfig and the least rights, on a host tree, at the real API server where there is one, else at the double.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { Rights } from "@kata-deploy/kubernetes"
import { ApiServerDouble } from "@kata-deploy/kubernetes/testing"
import { launcher, told } from "../cli.ts"
import { type Outcome, run } from "../Command.ts"
import { sharedArtifacts } from "../Conditions.ts"
import { vanilla } from "../hostTree/Vanilla.ts"
import type { SampleHost } from "../hostTree/SampleHost.ts"
import { obtain, wayOf } from "./Binaries.ts"
import { Cluster } from "./Cluster.ts"
import { Workbench } from "./Workbench.ts"

const rights = Rights.leastRights("daemon-set", ["events", "node-lease"])
const labels = { "example.com/theirs": "x" }
const marks = {
  "katacontainers.io/kata-runtime": "true",
  "kata-deploy.katacontainers.io/default": "true",
}

/** A cluster as this test sees it. */
interface Place extends AsyncDisposable {
  readonly node: string
  readonly kubeconfig: unknown
  readonly labels: () => Promise<unknown>
  readonly reasons: () => Promise<ReadonlyArray<string>>
}

const atDouble = async (): Promise<Place> => {
  const server = new ApiServerDouble.ApiServerDouble()
  await server.start()
  server.admit(ApiServerDouble.serviceAccount("token", Rights.rolesOf(rights, "kube-system")))
  server.put("nodes", {
    metadata: { name: "worker", labels },
    status: {
      nodeInfo: { containerRuntimeVersion: "containerd://2.1.9" },
      conditions: [{ type: "Ready", status: "True" }],
    },
  })
  return {
    node: "worker",
    kubeconfig: JSON.parse(server.kubeconfig("token")),
    labels: async () =>
      (server.get("nodes", "worker") as { metadata?: { labels?: unknown } }).metadata?.labels,
    reasons: async () => server.list("events").map((event) => String(event["reason"])),
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

const atReal = async (binaries: { readonly apiserver: string; readonly etcd: string }): Promise<Place> => {
  const cluster = await Cluster.start(binaries)
  const bench = await Workbench.make(
    cluster,
    { labels, containerRuntimeVersion: "containerd://2.1.9" },
    rights,
  )
  const file = (name: string): string => join(bench.account.folder, name)
  return {
    node: bench.node,
    kubeconfig: {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "real", cluster: { server: cluster.url, "certificate-authority": file("ca.crt") } }],
      users: [{ name: "user", user: { tokenFile: file("token") } }],
      contexts: [{ name: "real", context: { cluster: "real", user: "user", namespace: "kata-system" } }],
      "current-context": "real",
    },
    labels: async () => (await bench.object()).metadata.labels,
    reasons: async () => (await bench.events()).map(({ reason }) => reason),
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]()
      await cluster[Symbol.asyncDispose]()
    },
  }
}

const obtained = await obtain(wayOf(process.env["KATA_DEPLOY_E2E_KUBERNETES"]))
const where = "notRun" in obtained ? `the double (${obtained.notRun.split("\n")[0]})` : "a real API server"

describe(`the program at ${where}`, () => {
  let place: Place
  let host: SampleHost
  let folder: string
  beforeAll(async () => {
    place = "notRun" in obtained ? await atDouble() : await atReal(obtained)
    host = await vanilla("2.1.9", { schema: 3 })
    folder = await mkdtemp(join(tmpdir(), "kata-deploy-program-"))
    await writeFile(join(folder, "config"), JSON.stringify(place.kubeconfig))
  })
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]()
    await place?.[Symbol.asyncDispose]()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  const kataDeploy = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>): Promise<Outcome> =>
    run(
      launcher,
      [
        ...args,
        `--host-root=${host.dir}`,
        `--artifacts=${sharedArtifacts().dir}`,
        "--systemd=none",
        "--shims=qemu",
      ],
      { env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", ...env }, timeout: 120_000 },
    )
  const known = (): Readonly<Record<string, string>> => ({
    KUBECONFIG: join(folder, "config"),
    NODE_NAME: place.node,
  })

  test("an install marks the node, and tells it there", async () => {
    const outcome = await kataDeploy(["install", "--once"], known())
    expect(outcome.code, told(outcome)).toBe(0)
    expect(await place.labels()).toEqual({ ...labels, ...marks })
    expect(await place.reasons()).toHaveLength(1)
  })

  test("a cleanup leaves nothing on the node but what others put there", async () => {
    const outcome = await kataDeploy(["cleanup"], known())
    expect(outcome.code, told(outcome)).toBe(0)
    expect(await place.labels()).toEqual(labels)
  })

  test("where no API server is known, it says so and names --kube none", async () => {
    const outcome = await kataDeploy(["plan"], { NODE_NAME: place.node })
    expect(outcome.code, told(outcome)).toBe(2)
    expect(outcome.stdout + outcome.stderr).toMatch(/No API server is known[\s\S]*--kube\s+none/)
  })

  test("a context that there is not is told with those that there are", async () => {
    const outcome = await kataDeploy(["plan", "--context=nope"], known())
    expect(outcome.code, told(outcome)).toBe(2)
    expect(outcome.stdout + outcome.stderr).toMatch(/has no context nope; it\s+has (double|real)/)
  })
})
