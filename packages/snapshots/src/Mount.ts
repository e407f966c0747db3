/** Answers: what does containerd get to mount? The three kinds of mounts that nydus-snapshotter hands out. */

/** One mount, as containerd's API has it. */
export interface Mount {
  readonly type: string
  readonly source: string
  readonly options: ReadonlyArray<string>
}

/** A directory as it is. */
export const bind = (source: string, access: "ro" | "rw"): Mount => ({
  type: "bind",
  source,
  options: [access, "rbind"],
})

/** Directories on one another, by the kernel. */
export const overlay = (options: ReadonlyArray<string>): Mount => ({
  type: "overlay",
  source: "overlay",
  options,
})

/** Directories on one another, by nydus' mount program, which passes on what is meant for the Kata runtime. */
export const nydusOverlay = (program: string, options: ReadonlyArray<string>): Mount => ({
  type: `fuse.${program}`,
  source: "overlay",
  options,
})

/** Directory of a snapshot below the root of the snapshotter. */
export const snapshotDir = (root: string, id: string): string => `${root}/snapshots/${id}`

/** Where the files of a snapshot are. */
export const upperDir = (root: string, id: string): string => `${snapshotDir(root, id)}/fs`

/** What overlay needs beside the files of a snapshot that is written on. */
export const workDir = (root: string, id: string): string => `${snapshotDir(root, id)}/work`
