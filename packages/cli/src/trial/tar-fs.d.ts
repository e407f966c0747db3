/** The part of tar-fs 3.1 that is used here; the package brings no types. */
declare module "tar-fs" {
  import type { Readable } from "node:stream"

  /** Header of one archive entry, as `map` sees it before it is written. */
  export interface Header {
    name: string
    mode: number
    mtime: Date
    size: number
    type: "file" | "directory" | "symlink" | "link"
    uid: number
    gid: number
    uname?: string
    gname?: string
    linkname?: string
  }

  /** How a directory is packed. */
  export interface PackOptions {
    /** Visit the entries of a directory in order of their names. */
    readonly sort?: boolean
    /** Permission bits that are taken away; the umask of the process when not given. */
    readonly umask?: number
    /** Changes or replaces each header. */
    readonly map?: (header: Header) => Header
  }

  /** A tar stream of everything below `directory`. */
  export const pack: (directory: string, options?: PackOptions) => Readable
}
