/** Answers: what lies at one path of a sample host? */

/** A directory with its mode. */
export interface DirectoryEntry {
  readonly kind: "directory"
  /** Absolute path on the sample host. */
  readonly path: string
  /** Permission bits, e.g. `0o755`. */
  readonly mode: number
}

/** A text file with its mode. */
export interface FileEntry {
  readonly kind: "file"
  /** Absolute path on the sample host. */
  readonly path: string
  /** Permission bits, e.g. `0o644`. */
  readonly mode: number
  /** The whole text. */
  readonly text: string
}

/** A symbolic link. */
export interface LinkEntry {
  readonly kind: "link"
  /** Absolute path on the sample host. */
  readonly path: string
  /** Where it points, as it is written in the link. */
  readonly target: string
}

/** One path of a sample host. Directories above it need no entry of their own. */
export type HostEntry = DirectoryEntry | FileEntry | LinkEntry

/** A directory. */
export const directory = (path: string, mode = 0o755): HostEntry => ({ kind: "directory", path, mode })

/** A text file. */
export const file = (path: string, text: string, mode = 0o644): HostEntry => ({
  kind: "file",
  path,
  text,
  mode,
})

/** A symbolic link. */
export const link = (path: string, target: string): HostEntry => ({ kind: "link", path, target })

/** A program that does nothing: enough for questions like "is there a `runc`?". */
export const program = (path: string): HostEntry => file(path, "#!/bin/sh\nexit 0\n", 0o755)
