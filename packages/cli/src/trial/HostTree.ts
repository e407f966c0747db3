/**
 * Answers: what does a node of this flavour look like before Kata comes? A sample host is a list of paths; the
 * texts are what an operator of such a node would have, with comments and settings that must survive.
 */
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import type { HostEntry } from "./HostEntry.ts"
import type { HostFlavour } from "./HostFlavour.ts"
import { base } from "./host/Base.ts"
import { k0s } from "./host/K0s.ts"
import { microk8s } from "./host/MicroK8s.ts"
import { k3s, rke2 } from "./host/Rancher.ts"
import { vanilla } from "./host/Vanilla.ts"
import { TrialError } from "./TrialError.ts"

const own: Readonly<Record<HostFlavour["distribution"], (flavour: HostFlavour) => ReadonlyArray<HostEntry>>> =
  {
    k8s: vanilla,
    k3s,
    rke2,
    k0s,
    microk8s,
  }

/** Every path of the sample host of a flavour, without the directories above them. */
export const entries = (flavour: HostFlavour): ReadonlyArray<HostEntry> => [
  ...base(flavour),
  ...own[flavour.distribution](flavour),
]

/** Makes a directory; a mode given to `mkdir` would be cut by the umask. */
const makeDirectory = async (path: string, mode: number): Promise<void> => {
  await mkdir(path, { recursive: true })
  await chmod(path, mode)
}

/** The directories above an entry that have none of their own, topmost first. */
const implied = (entry: HostEntry, known: Set<string>): ReadonlyArray<string> => {
  const above = HostPath.ancestors(HostPath.make(entry.path)).filter((path) => !known.has(path))
  for (const path of above) known.add(path)
  return above
}

const put = async (path: string, entry: HostEntry): Promise<void> => {
  switch (entry.kind) {
    case "directory":
      return await makeDirectory(path, entry.mode)
    case "file":
      await writeFile(path, entry.text, { flag: "wx" })
      return await chmod(path, entry.mode)
    case "link":
      return await symlink(entry.target, path)
  }
}

/** Writes the sample host of a flavour below `root`, a directory that is empty or does not exist yet. */
export const write = (root: string, flavour: HostFlavour): Effect.Effect<void, TrialError> =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(root, { recursive: true })
      const all = entries(flavour)
      const known = new Set(all.map((entry) => entry.path))
      for (const entry of all) {
        for (const path of implied(entry, known)) await makeDirectory(join(root, path), 0o755)
        await put(join(root, entry.path), entry)
      }
    },
    catch: (cause) => new TrialError({ doing: "writing the sample host", cause }),
  })
