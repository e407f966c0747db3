import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { HostLayout, HostPath } from "@kata-deploy/core"
import { Rights } from "@kata-deploy/kubernetes"
import { assert, describe, it } from "vitest"
import { parseAllDocuments } from "yaml"
import * as Arguments from "../../src/command/Arguments.ts"
import * as Invocation from "../../src/command/Invocation.ts"
import * as Recorder from "../sample/Recorder.ts"

interface Container {
  readonly command: ReadonlyArray<string>
  readonly volumeMounts: ReadonlyArray<{ readonly name: string; readonly mountPath: string }>
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: ReadonlyArray<string> } } }
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly rules?: ReadonlyArray<Rights.PolicyRule>
  readonly spec?: {
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number
        readonly initContainers: readonly [Container]
        readonly containers: readonly [Container]
        readonly volumes: ReadonlyArray<{
          readonly name: string
          readonly hostPath?: { readonly path: string }
        }>
      }
    }
  }
}

const documents = parseAllDocuments(
  readFileSync(join(import.meta.dirname, "../../../../examples/pause-shape.yaml"), "utf8"),
  { merge: true },
)
const manifests = documents.map((document) => document.toJS() as Manifest)
const pod = manifests.find(({ kind }) => kind === "DaemonSet")!.spec!.template.spec
const [install] = pod.initContainers
const [pause] = pod.containers

const invocationOf = (words: ReadonlyArray<string>) =>
  Invocation.decode(
    Arguments.parse([...words, "--kube=none", "--systemd=none"]),
    Recorder.make().surroundings,
  )

describe("the manifest without a waiting process", () => {
  it("is YAML without a mistake", () => {
    assert.deepStrictEqual(
      documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
      [],
    )
  })

  it("installs in an init container that cleans up when it is stopped", () => {
    const [program, ...argv] = install.command
    assert.strictEqual(program, "kata-deploy")
    assert.deepStrictEqual(invocationOf(argv), {
      invocation: { _tag: "Supervise", errand: "install-and-leave" },
      problems: [],
    })
  })

  it("cleans up in the hook, with time to stop within the grace period", () => {
    const [shell, c, script] = pause.lifecycle!.preStop.exec.command
    assert.deepStrictEqual([shell, c], ["/bin/sh", "-c"])
    const found = /^exec timeout -k (\d+) (\d+) kata-deploy (.+?) >\/proc\/1\/fd\/1 2>\/proc\/1\/fd\/2$/.exec(
      script!,
    )
    assert(found)
    assert.isAtMost(Number(found[1]) + Number(found[2]), 540)
    assert.isAtLeast(pod.terminationGracePeriodSeconds, 600)
    const { invocation, problems } = invocationOf(found[3]!.split(" "))
    assert.deepStrictEqual(problems, [])
    assert(invocation?._tag === "OnNode")
    assert.deepStrictEqual(invocation.job, { _tag: "Run", action: "cleanup", conduct: {} })
  })

  it("waits in a way that SIGTERM ends at once", async () => {
    const [shell, ...args] = pause.command
    const child = spawn(shell!, args, { detached: true, stdio: ["ignore", "pipe", "inherit"] })
    // The shell listens as soon as its sleep runs.
    const { pid } = child
    while (readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8") === "")
      await new Promise((resolve) => setTimeout(resolve, 5))
    const ended = once(child, "exit")
    child.kill("SIGTERM")
    assert.deepStrictEqual(await ended, [0, null])
    process.kill(-pid!, "SIGKILL")
  })

  it("grants what an install and a cleanup need, and nothing else", () => {
    const granted = manifests.flatMap(({ kind, metadata, rules }) =>
      rules === undefined
        ? []
        : [{ namespace: kind === "ClusterRole" ? undefined : metadata.namespace, rules }],
    )
    const needed = Rights.rolesOf(Rights.leastRights("daemon-set", ["node-lease"]), "kube-system")
    const byNamespace = (a: Rights.RoleRules, b: Rights.RoleRules) =>
      (a.namespace ?? "").localeCompare(b.namespace ?? "")
    // Listing DaemonSets and reading one are rights of two places.
    assert.deepStrictEqual(granted.sort(byNamespace), [...needed].sort(byNamespace))
    for (const { kind, metadata } of manifests.filter(({ rules }) => rules !== undefined))
      assert.isTrue(
        manifests.some(
          (other) =>
            other.kind === `${kind}Binding` &&
            other.metadata.name === metadata.name &&
            other.metadata.namespace === metadata.namespace,
        ),
      )
  })

  it("shows both containers the host where the program looks for it", () => {
    assert.deepStrictEqual(pause.volumeMounts, install.volumeMounts)
    const shown = new Map(
      install.volumeMounts.map(({ mountPath, name }) => [
        mountPath,
        pod.volumes.find((volume) => volume.name === name)?.hostPath?.path,
      ]),
    )
    const { mounts } = HostLayout.pod({
      containerdConfigDir: HostPath.make("/etc/containerd"),
      installDir: HostPath.make("/opt/kata"),
    })
    const ofEveryContainer = /^\/(?:proc|sys|dev)\//
    const optional = /^\/(?:run\/(?:containerd|crio|dbus|k3s|k0s)|var\/)/
    const wanted = mounts.filter(({ seen }) => !ofEveryContainer.test(seen) && !optional.test(seen))
    for (const { host, seen } of wanted) assert.strictEqual(shown.get(seen), host, seen)
  })
})
