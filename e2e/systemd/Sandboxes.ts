/**
 * How does a kubelet's pod sandbox come to run on a host that booted? containerd, its CRI, its shim and runc are real;
 * of what runc is told only that is left out which this machine's control groups cannot do.
 */
import { existsSync } from "node:fs"
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { clientOf } from "../containerd/PodSandbox.ts"
import { pack } from "../containerd/ProgramImage.ts"
import { sleepingRootfs } from "./Program.ts"
import type { SystemdHost } from "./SystemdHost.ts"

/** An image that sleeps, known to containerd of a host after {@link prepare}. */
export const image = "example.com/sleeping:1"

const config = "/etc/containerd/config.toml"

/** Comes before the real one in containerd's path. There are no controllers to limit with, and no right to lower a score. */
const runc = `#!/bin/sh
previous=
for word in "$@"; do
  [ "$previous" != --bundle ] || sed -i -E \\
    -e 's/"(cpu|memory|pids|hugepageLimits|unified)":(\\{[^{}]*\\}|\\[[^]]*\\])//g' \\
    -e 's/"oomScoreAdj":-?[0-9]+//' \\
    -e 's/,+/,/g; s/\\{,/{/g; s/,\\}/}/g' "$word/config.json"
  previous=$word
done
exec /usr/sbin/runc "$@"
`

/** Lets a host run sandboxes: its containerd is told from which image, has it, and was started anew. */
export const prepare = async (host: SystemdHost): Promise<void> => {
  const at = (path: string): string => join(host.root, path)
  await mkdir(at("/usr/local/sbin"), { recursive: true })
  await writeFile(at("/usr/local/sbin/runc"), runc)
  await chmod(at("/usr/local/sbin/runc"), 0o755)
  const archive = "/var/lib/e2e-sleeping.tar"
  await pack(image, at(await sleepingRootfs(host)), ["/bin/sleep", "infinity"], at(archive))
  await host.mustExec(["ctr", "-n", "k8s.io", "images", "import", archive])
  const table = '[plugins."io.containerd.grpc.v1.cri"]\n'
  const text = await readFile(at(config), "utf8")
  if (!text.includes(table)) throw new Error(`${config} of ${host.suite} has no ${table}`)
  await writeFile(at(config), text.replace(table, `${table}sandbox_image = "${image}"\n`))
  await host.mustExec(["systemctl", "restart", "containerd"])
}

const socket = "/run/containerd/containerd.sock"

/** The CRI of a host. */
export const criOf = (host: SystemdHost) => clientOf(join(host.root, socket))

/** Containers of pods that run, their sandboxes included, each with its first process as the host numbers it. */
export const running = async (
  host: SystemdHost,
): Promise<ReadonlyArray<{ readonly id: string; readonly pid: number }>> => {
  const { stdout } = await host.mustExec(["ctr", "-n", "k8s.io", "task", "ls"])
  const rows = stdout.split("\n").map((line) => line.split(/\s+/))
  return rows.flatMap(([id, pid, status]) =>
    id !== undefined && status === "RUNNING" && existsSync(join(host.root, `proc/${pid}`))
      ? [{ id, pid: Number(pid) }]
      : [],
  )
}

/** What runs as a sandbox's first process; `undefined` where it does not run. */
export const processOf = async (host: SystemdHost, id: string): Promise<number | undefined> =>
  (await running(host)).find((one) => one.id === id)?.pid

/** As {@link running}, of one pod that a kubelet made. */
export const runningOf = async (
  host: SystemdHost,
  pod: string,
): Promise<ReadonlyArray<{ readonly id: string }>> => {
  const ofPod = `labels."io.kubernetes.pod.name"==${pod}`
  const { stdout } = await host.mustExec(["ctr", "-n", "k8s.io", "containers", "ls", "--quiet", ofPod])
  const ids = stdout.split("\n")
  return (await running(host)).filter(({ id }) => ids.includes(id))
}
