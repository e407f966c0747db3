/**
 * What does a node's disk look like before anybody installs Kata? A folder with the few files that matter, and enough
 * others (links, odd modes, empty folders) that an installer which tidies too much is caught.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** A host tree and what an operator of that kind of node would tell the installer. */
export interface SampleHost extends AsyncDisposable {
  /** For test titles, such as `k3s with containerd 1.7.24`. */
  readonly name: string
  /** The folder that is the root of the host. */
  readonly dir: string
  /** Host path of the configuration that containerd is started with here. */
  readonly config: string
  /** Host path of our drop-in's folder, where the distribution has one of its own. */
  readonly dropIns?: string
  /** Value of `--cri-runtime`; empty: the program has to find out. */
  readonly criRuntime: string
  /** Environment that the node's chart would set. */
  readonly settings: Readonly<Record<string, string>>
  /** Where a host path lies on this machine. */
  readonly at: (hostPath: string) => string
  /** Text of a file of the host. */
  readonly read: (hostPath: string) => Promise<string>
  /** Puts a file of the operator's into the host. */
  readonly write: (hostPath: string, text: string, mode?: number) => Promise<void>
  /** Puts a link of the operator's into the host. */
  readonly link: (hostPath: string, target: string) => Promise<void>
}

/** What a file of a tree is: text, or text with a mode, or a link. */
export type Entry = string | { readonly text: string; readonly mode: number } | { readonly link: string }

/** Host path → entry; a path that ends in `/` is an empty folder. */
export type Files = Readonly<Record<string, Entry>>

/** Writes `files` below `dir`, making folders as needed. */
export const writeFiles = async (dir: string, files: Files): Promise<void> => {
  for (const [path, entry] of Object.entries(files)) {
    const target = join(dir, path)
    if (path.endsWith("/")) {
      await mkdir(target, { recursive: true })
      continue
    }
    await mkdir(dirname(target), { recursive: true })
    if (typeof entry !== "string" && "link" in entry) {
      await symlink(entry.link, target)
      continue
    }
    const { text, mode } = typeof entry === "string" ? { text: entry, mode: 0o644 } : entry
    await writeFile(target, text)
    await chmod(target, mode)
  }
}

/** What every node has, whatever runs on it. */
const everyNode: Files = {
  "/etc/machine-id": "3f1c0c5be5b34d7c9d5f2f0a7b1e9d11\n",
  "/etc/os-release": 'ID=debian\nVERSION_ID="13"\n',
  "/etc/hostname": "node-7\n",
  "/etc/shadow": { text: "root:*:20000:0:99999:7:::\n", mode: 0o600 },
  "/etc/localtime": { link: "/usr/share/zoneinfo/Etc/UTC" },
  "/etc/systemd/system/kubelet.service.d/10-node.conf": "[Service]\nRestartSec=3\n",
  "/etc/systemd/system/multi-user.target.wants/": "",
  "/opt/cni/bin/bridge": { text: "#!/bin/sh\nexit 0\n", mode: 0o755 },
  "/opt/vendor/agent/agent.conf": { text: "token = not-ours\n", mode: 0o640 },
  "/run/lock/": "",
  "/tmp/": "",
  "/usr/local/bin/": "",
  "/var/lib/kubelet/config.yaml": "kind: KubeletConfiguration\n",
  "/var/run": { link: "../run" },
}

/** Makes a temporary folder with nothing in it but `files`, for programs that look at a few files of a host only. */
export const makeTree = async (files: Files): Promise<{ readonly dir: string } & AsyncDisposable> => {
  const dir = await mkdtemp(join(tmpdir(), "kd-tree-"))
  await writeFiles(dir, files)
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

/** Makes a host tree in a temporary folder out of what every node has and `files`. */
export const makeHost = async (
  about: Pick<SampleHost, "name" | "config" | "criRuntime" | "settings"> & {
    readonly dropIns?: string
  },
  files: Files,
): Promise<SampleHost> => {
  const dir = await mkdtemp(join(tmpdir(), "kd-host-"))
  // As on a real host; mkdtemp gives 0700, which an unprivileged run of the installer could not even enter.
  await chmod(dir, 0o755)
  await writeFiles(dir, { ...everyNode, ...files })
  const at = (hostPath: string): string => join(dir, hostPath)
  return {
    ...about,
    dir,
    at,
    read: (hostPath) => readFile(at(hostPath), "utf8"),
    write: (hostPath, text, mode = 0o644) => writeFiles(dir, { [hostPath]: { text, mode } }),
    link: (hostPath, target) => writeFiles(dir, { [hostPath]: { link: target } }),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}
