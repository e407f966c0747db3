/**
 * Does the program itself find its API server and leave the Node as it should be? `install` and `cleanup` with a
 * kubeconfig and the least rights, on a host tree, at the real API server where there is one, else at the double.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { Rights } from "@kata-deploy/kubernetes"
import { launcher, told } from "../cli.ts"
import { type Outcome, run } from "../Command.ts"
import { sharedArtifacts } from "../Conditions.ts"
import { vanilla } from "../hostTree/Vanilla.ts"
import type { SampleHost } from "../hostTree/SampleHost.ts"
import { find, type Place } from "./Place.ts"

const rights = Rights.leastRights("daemon-set", ["events", "node-lease"])
const labels = { "example.com/theirs": "x" }
const marks = {
  "katacontainers.io/kata-runtime": "true",
  "kata-deploy.katacontainers.io/default": "true",
}

const where = await find("the program")

/** How a user of the account gets in. */
const kubeconfigOf = ({ account, port }: Place): unknown => ({
  apiVersion: "v1",
  kind: "Config",
  clusters: [
    {
      name: "here",
      cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority": join(account, "ca.crt") },
    },
  ],
  users: [{ name: "user", user: { tokenFile: join(account, "token") } }],
  contexts: [{ name: "here", context: { cluster: "here", user: "user", namespace: "kata-system" } }],
  "current-context": "here",
})

describe(`the program at ${where.described}`, () => {
  let place: Place
  let host: SampleHost
  let folder: string
  beforeAll(async () => {
    place = await where.start({ labels, containerRuntimeVersion: "containerd://2.1.9" }, rights)
    host = await vanilla("2.1.9", { schema: 3 })
    folder = await mkdtemp(join(tmpdir(), "kata-deploy-program-"))
    await writeFile(join(folder, "config"), JSON.stringify(kubeconfigOf(place)))
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
    expect(await place.events()).toHaveLength(1)
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
    expect(outcome.stdout + outcome.stderr).toMatch(/has no context nope; it\s+has here/)
  })
})
