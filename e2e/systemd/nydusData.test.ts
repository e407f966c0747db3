/**
 * What does a cleanup on a real host do about what the real nydus-snapshotter stored? With and without
 * `--nydus-data purge`, while something uses it, while containerd does not answer, and long after the install is gone.
 */
import { Client, credentials, Metadata } from "@grpc/grpc-js"
import { SampleImage } from "@kata-deploy/core/testing"
import { chmod, copyFile, mkdir, readdir } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { parse } from "protobufjs"
import { afterAll, beforeAll, expect, inject, test } from "vitest"
import { told } from "../cli.ts"
import { leftOut, sharedArtifacts } from "../Conditions.ts"
import type { Built } from "../containerd/GoPrograms.ts"
import { pullFor } from "../containerd/Nydus.ts"
import { type Registry, serve } from "../containerd/Registry.ts"
import { type Artifacts, copyArtifacts, kataArchitecture } from "../hostTree/Artifacts.ts"
import { differences, type TreeSnapshot } from "../hostTree/TreeSnapshot.ts"
import { type HostOf, onHosts } from "./Hosts.ts"
import * as Program from "./Program.ts"

const tee = "nydus-for-kata-tee"
const image = SampleImage.make(
  "example.com/app:1",
  ["one", "two", "three"],
  process.arch === "arm64" ? "arm64" : "amd64",
)

/** Guests of qemu pull their images. */
const env = {
  [`SNAPSHOTTER_HANDLER_MAPPING_${kataArchitecture.toUpperCase()}`]: "qemu:nydus",
  EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus",
}

/** As much of containerd's containers service as makes one. */
const definition = `
syntax = "proto3";
package containerd.services.containers.v1;
message Any { string type_url = 1; bytes value = 2; }
message Runtime { string name = 1; }
message Container {
  string id = 1;
  string image = 3;
  Runtime runtime = 4;
  Any spec = 5;
  string snapshotter = 6;
  string snapshot_key = 7;
}
message CreateContainerRequest { Container container = 1; }
`

/** Makes a container on the snapshot of its name. Only a guest could mount that, so it is not started. */
const createContainer = (socket: string, id: string, from: string): Promise<void> => {
  const request = parse(definition).root.lookupType(
    "containerd.services.containers.v1.CreateContainerRequest",
  )
  const client = new Client(`unix:${socket}`, credentials.createInsecure())
  const metadata = new Metadata()
  metadata.set("containerd-namespace", "k8s.io")
  const spec = { typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec", value: Buffer.from("{}") }
  const runtime = { name: "io.containerd.runc.v2" }
  const container = { id, image: from, runtime, spec, snapshotter: tee, snapshotKey: id }
  return new Promise<void>((resolve, reject) =>
    client.makeUnaryRequest(
      "/containerd.services.containers.v1.Containers/Create",
      (message: object) => Buffer.from(request.encode(request.fromObject(message)).finish()),
      (bytes: Buffer) => bytes,
      { container },
      metadata,
      { deadline: Date.now() + 30_000 },
      (error) => (error ? reject(error) : resolve()),
    ),
  ).finally(() => client.close())
}

const purge = ["cleanup", "--nydus-data=purge"]

const purging = (host: HostOf, artifacts: string): void => {
  let registry: Registry
  let name: string
  let untouched: TreeSnapshot

  const kataDeploy = async (
    args: ReadonlyArray<string>,
    way: Program.Way = Program.beside,
    rest: Partial<Program.Call> = {},
  ): Promise<string> => {
    const outcome = await Program.kataDeploy(host(), way, { args, env, artifacts, ...rest })
    expect(outcome.code, told(outcome)).toBe(0)
    return outcome.stdout.replace(/\s+/g, " ")
  }
  const ctr = async (...args: ReadonlyArray<string>): Promise<string> =>
    (await host().mustExec(["ctr", "-n", "k8s.io", ...args])).stdout
  const snapshots = (): Promise<string> => ctr("snapshots", "--snapshotter", tee, "ls")
  /** A kubelet's pull leaves three names of an image. */
  const removeImages = async (): Promise<void> => {
    const names = (await ctr("images", "ls", "-q")).trim().split("\n")
    await ctr("images", "rm", "--sync", ...names)
  }
  const stored = async (): Promise<boolean> => (await readdir(join(host().root, "var/lib"))).includes(tee)
  const isGone = async (): Promise<void> => {
    expect(await stored()).toBe(false)
    expect(differences(untouched, await Program.trees(host()))).toEqual([])
    expect(await Program.isActive(host())).toBe(true)
    expect((await host().exec(["systemctl", "is-active", `${tee}.service`])).stdout.trim()).toBe("inactive")
    expect(await ctr("content", "ls")).not.toContain(`gc.ref.snapshot.${tee}`)
  }
  /** Installs, and has an image pulled as a kubelet does for a guest. */
  const install = async (): Promise<void> => {
    await kataDeploy(["install", "--once"])
    await pullFor(`${host().root}/run/containerd/containerd.sock`, "kata-qemu", name)
    expect((await snapshots()).trim().split("\n")).toHaveLength(1 + image.chain.length)
  }

  beforeAll(async () => {
    registry = await serve([image])
    name = image.name.replace("example.com", registry.address)
    untouched = await Program.trees(host())
  })
  afterAll(() => registry.close())

  test("all of it stays while a container is made of it, is named, and serves the next install", async () => {
    await install()
    await ctr("snapshots", "--snapshotter", tee, "prepare", "app", image.chain.at(-1)!)
    await createContainer(`${host().root}/run/containerd/containerd.sock`, "app", name)
    const before = await snapshots()
    expect(await kataDeploy(["plan", ...purge])).toContain(`keep /var/lib/${tee}: it is in use by app`)
    expect(await kataDeploy(purge)).toContain(`/var/lib/${tee} is kept, because it is in use by app.`)
    expect(differences(untouched, await Program.trees(host()))).toEqual([])
    expect(await stored()).toBe(true)
    await kataDeploy(["install", "--once"])
    expect(await snapshots()).toBe(before)
    await ctr("containers", "rm", "app")
  })

  test("all of it stays where containerd does not answer, which is said", async () => {
    await host().mustExec(["systemctl", "stop", "containerd"])
    try {
      const said = await kataDeploy(["plan", "cleanup-stage-revert-cri", "--nydus-data=purge"])
      expect(said).toContain(`/var/lib/${tee} is kept, because containerd could not be asked`)
      expect(said).not.toContain("remove 3 snapshots")
    } finally {
      await host().mustExec(["systemctl", "start", "containerd"])
    }
  })

  test("all of it stays where the snapshotter is down: nobody can list what it has", async () => {
    await host().mustExec(["systemctl", "stop", `${tee}.service`])
    try {
      const said = await kataDeploy(["plan", ...purge])
      expect(said).toMatch(new RegExp(`/var/lib/${tee} is kept, because its snapshots could not be listed`))
    } finally {
      await host().mustExec(["systemctl", "start", `${tee}.service`])
      // containerd lets some time go before it dials again.
      const deadline = Date.now() + 30_000
      while (Date.now() < deadline && (await snapshots().catch(() => "")) === "") await pause(100)
    }
  })

  test("a plan names each snapshot, the purge leaves none of it, and the host is as it was", async () => {
    const planned = await kataDeploy(["plan", ...purge])
    expect(planned).toContain(`remove 3 snapshots of ${tee} from containerd`)
    for (const key of image.chain) expect(planned).toContain(key)
    expect((await snapshots()).trim().split("\n")).toHaveLength(1 + image.chain.length)
    expect(await kataDeploy(purge)).toMatch(
      new RegExp(`/var/lib/${tee} is gone, with .* in files; 3 snapshots of ${tee} had been removed`),
    )
    await isGone()
    expect(await kataDeploy(purge)).not.toContain(tee)
  })

  test("what a cleanup without it left goes later, from a pod that sees it, once no image refers to it", async () => {
    await removeImages()
    await install()
    expect(await kataDeploy(["cleanup"])).toMatch(
      new RegExp(`/var/lib/${tee} stays: .*cleanup --nydus-data purge removes`),
    )
    expect(await stored()).toBe(true)
    expect(await kataDeploy(purge)).toContain(`of the images ${name}, and no snapshotter ${tee} any more`)
    expect(await stored()).toBe(true)
    await removeImages()
    const mounts = [["/var/lib", "/host-var-lib"]] as const
    expect(await kataDeploy(purge, Program.pod, { mounts })).toContain(`/var/lib/${tee} is gone`)
    await host().mustExec(["sh", "-c", "rmdir /opt/kata 2>/dev/null || true"])
    await isGone()
  })

  test("a pod that does not see it says so, and what it would take", async () => {
    await install()
    const said = await kataDeploy(purge, Program.pod)
    expect(said).toContain(`/var/lib/${tee} is kept, because it cannot be looked at from here`)
    expect(said).toContain("let the pod see /var/lib at /host-var-lib")
    expect(await stored()).toBe(true)
  })
}

/** A copy of the artifacts with the real programs. */
const artifactsWith = async ({ root }: Built): Promise<Artifacts> => {
  const artifacts = await copyArtifacts(sharedArtifacts())
  const folder = join(artifacts.dir, "nydus-snapshotter")
  await mkdir(folder)
  for (const program of ["containerd-nydus-grpc", "nydus-overlayfs"]) {
    await copyFile(join(root, "usr/bin", program), join(folder, program))
    await chmod(join(folder, program), 0o755)
  }
  return artifacts
}

const title = "what the real nydus-snapshotter stored"
const obtained = inject("nydus")
if ("notRun" in obtained) leftOut(title, obtained.notRun)
else {
  // The host mounts the folder when it boots.
  const artifacts = await artifactsWith(obtained)
  await onHosts(title, (host) => purging(host, artifacts.dir), {
    suites: ["trixie", "sid"],
    folders: [artifacts.dir],
  })
  afterAll(() => artifacts[Symbol.asyncDispose]())
}
