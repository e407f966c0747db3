/**
 * Answers: how are files staged that come out of no archive? Byte by byte beside the tree, like those of an archive, so
 * that one swap puts all of them into place. Source: spec 07 §2.
 */
import fs from "node:fs"
import type { Allowance, StagingJob, Unpacked } from "./Parts.ts"
import { Refusal } from "./Refusal.ts"
import { StagedTree } from "./StagedTree.ts"
import { SyncQueue } from "./SyncQueue.ts"

/** One file: where this process sees it, and where it goes, relative to the install directory. */
export interface ProgramFile {
  readonly path: string
  readonly to: string
}

const chunkBytes = 1024 * 1024

/** Lets others have the thread now and then; a program may have a hundred megabytes. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Copies files into the job's directory, with the permissions that they have. */
export const copyPrograms = async (
  job: StagingJob,
  files: ReadonlyArray<ProgramFile>,
  allowance: Allowance,
): Promise<Unpacked> => {
  const syncs = new SyncQueue()
  const tree = new StagedTree(job.root, job.archive, syncs, job)
  try {
    for (const file of files) await copy(tree, job, file, allowance)
    await syncs.settled()
    return { staged: tree.staged, skipped: tree.skipped, unsynced: syncs.unsynced }
  } finally {
    tree.abandon()
    await syncs.closed()
  }
}

const copy = async (
  tree: StagedTree,
  { archive }: StagingJob,
  { path, to }: ProgramFile,
  allowance: Allowance,
): Promise<void> => {
  const fd = fs.openSync(path, "r")
  try {
    const stat = fs.fstatSync(fd)
    if (!stat.isFile())
      throw new Refusal({ _tag: "BadArchive", archive, entry: to, detail: "it is no regular file" })
    const body = tree.add({
      name: `opt/kata/${to}`,
      type: "file",
      mode: stat.mode & 0o7777,
      modified: stat.mtime,
      size: stat.size,
      target: "",
    })
    const chunk = Buffer.allocUnsafe(chunkBytes)
    for (let read = fs.readSync(fd, chunk); read > 0; read = fs.readSync(fd, chunk)) {
      allowance.spend(read)
      body?.write(chunk.subarray(0, read))
      await turn()
    }
    body?.end()
  } finally {
    fs.closeSync(fd)
  }
}
