/**
 * How does a pod sandbox come to run on a real containerd without a virtual machine, a network or control groups? The
 * daemon, its CRI and its shim are real; what they start as `runc` is a script whose containers are sleeping processes.
 */
import { Client, credentials } from "@grpc/grpc-js"
import { SampleImage } from "@kata-deploy/core/testing"
import { copyFile, mkdir, realpath, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { parse } from "protobufjs"
import { inside } from "./HostView.ts"
import type { Release } from "./Releases.ts"
import type { Running } from "./Running.ts"

const image = "example.com/pause:1"

const cri = 'plugins."io.containerd.grpc.v1.cri"'

/** A main configuration whose handlers all run with the script. */
export const configuration = (handlers: ReadonlyArray<string>): string =>
  `version = 2
[${cri}]
sandbox_image = "${image}"
[${cri}.containerd]
snapshotter = "native"
default_runtime_name = "${handlers[0]}"
${handlers
  .map(
    (name) => `[${cri}.containerd.runtimes.${name}]
runtime_type = "io.containerd.runc.v2"
[${cri}.containerd.runtimes.${name}.options]
BinaryName = "${inside}/bin/runc"
`,
  )
  .join("")}`

/** As much of runc as a shim needs: a container is a process that sleeps, until it is killed. */
const script = `#!${inside}/bin/sh
verb= pidfile= id=
while [ $# -gt 0 ]; do
  case $1 in
    --pid-file) pidfile=$2; shift ;;
    --root|--log|--log-format|--bundle|--console-socket) shift ;;
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$1; elif [ -z "$id" ]; then id=$1; fi ;;
  esac
  shift
done
at=${inside}/runc-$id
case $verb in
  create) ${inside}/bin/sleep 600 </dev/null >/dev/null 2>&1 &
    echo $! >"$at"; printf %s $! >"$pidfile" ;;
  kill) read pid <"$at"; kill -9 "$pid" ;;
  state) read pid <"$at"; echo "{\\"id\\":\\"$id\\",\\"pid\\":$pid,\\"status\\":\\"running\\"}" ;;
esac
exit 0
`

/** Gives a daemon the script, and the image that a sandbox is made from. */
export const prepare = async (release: Release, daemon: Running): Promise<void> => {
  const programs = join(daemon.folder, "bin")
  await mkdir(programs, { recursive: true })
  await copyFile(await realpath("/bin/sh"), join(programs, "sh"))
  await copyFile(await realpath("/bin/sleep"), join(programs, "sleep"))
  await writeFile(join(programs, "runc"), script, { mode: 0o755 })
  const architecture = process.arch === "arm64" ? "arm64" : "amd64"
  const archive = await daemon.put(
    "pause.tar",
    SampleImage.layout(SampleImage.make(image, ["pause"], architecture)),
  )
  const how = release.major >= 2 ? ["--local"] : []
  await daemon.ctr("-n", "k8s.io", "images", "import", "--snapshotter", "native", ...how, archive)
}

/** What a kubelet sends to run a pod on the node's own network. */
const request = (namespace: string, name: string, handler: string) => ({
  runtimeHandler: handler,
  config: {
    metadata: { name, namespace, uid: `${namespace}-${name}` },
    logDirectory: `${inside}/logs`,
    linux: { securityContext: { namespaceOptions: { network: 2 } } },
  },
})

/** The few messages of Kubernetes' container runtime interface that run and stop a sandbox. */
const definition = `
syntax = "proto3";
package runtime.v1;
message RunPodSandboxRequest { PodSandboxConfig config = 1; string runtime_handler = 2; }
message RunPodSandboxResponse { string pod_sandbox_id = 1; }
message PodSandboxConfig {
  PodSandboxMetadata metadata = 1;
  string log_directory = 3;
  LinuxPodSandboxConfig linux = 8;
}
message PodSandboxMetadata { string name = 1; string uid = 2; string namespace = 3; }
message LinuxPodSandboxConfig { LinuxSandboxSecurityContext security_context = 2; }
message LinuxSandboxSecurityContext { NamespaceOption namespace_options = 1; }
message NamespaceOption { int32 network = 1; }
message StopPodSandboxRequest { string pod_sandbox_id = 1; }
message StopPodSandboxResponse {}
message RemovePodSandboxRequest { string pod_sandbox_id = 1; }
message RemovePodSandboxResponse {}
message PullImageRequest { ImageSpec image = 1; }
message ImageSpec { string image = 1; }
message PullImageResponse { string image_ref = 1; }
`

/** A client of the CRI at a socket, as far as a test needs one. */
export const clientOf = (socket: string) => {
  const root = parse(definition).root
  const call = (
    name: "RunPodSandbox" | "StopPodSandbox" | "RemovePodSandbox" | "PullImage",
    value: object,
  ): Promise<Record<string, unknown>> => {
    const [requests, answers] = [
      root.lookupType(`runtime.v1.${name}Request`),
      root.lookupType(`runtime.v1.${name}Response`),
    ]
    const client = new Client(`unix:${socket}`, credentials.createInsecure())
    return new Promise<Record<string, unknown>>((resolve, reject) =>
      client.makeUnaryRequest(
        `/runtime.v1.${name === "PullImage" ? "Image" : "Runtime"}Service/${name}`,
        (message: object) => Buffer.from(requests.encode(requests.fromObject(message)).finish()),
        (bytes: Buffer) => answers.toObject(answers.decode(bytes)),
        value,
        { deadline: Date.now() + 30_000 },
        (error, answer) => (error ? reject(error) : resolve(answer ?? {})),
      ),
    ).finally(() => client.close())
  }
  return {
    /** Runs a sandbox and tells its id. */
    run: async (namespace: string, name: string, handler: string): Promise<string> =>
      String((await call("RunPodSandbox", request(namespace, name, handler)))["podSandboxId"]),
    /** Pulls an image, as a kubelet does before it makes a container. */
    pull: (name: string) => call("PullImage", { image: { image: name } }),
    /** Stops a sandbox; it stays known. */
    stop: (id: string) => call("StopPodSandbox", { podSandboxId: id }),
    /** Forgets a sandbox; one that runs is stopped before. */
    remove: (id: string) => call("RemovePodSandbox", { podSandboxId: id }),
  }
}
