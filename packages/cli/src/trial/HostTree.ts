/**
 * Answers: what does a node of this flavour look like before Kata comes? A sample host is a list of paths; the
 * texts are what an operator of such a node would have, with comments and settings that must survive.
 */
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
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

const put = async (root: string, entry: HostEntry): Promise<void> => {
  const path = join(root, entry.path)
  await mkdir(dirname(path), { recursive: true })
  switch (entry.kind) {
    case "directory":
      await mkdir(path, { recursive: true })
      // A mode given to mkdir would be cut by the umask.
      return await chmod(path, entry.mode)
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
      // One after the other: an entry may lie below the link or directory that an earlier one made.
      for (const entry of entries(flavour)) await put(root, entry)
    },
    catch: (cause) => new TrialError({ doing: "writing the sample host", cause }),
  })
