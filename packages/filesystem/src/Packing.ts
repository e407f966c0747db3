/**
 * Answers: how is a directory made into a component archive? Any `tar --zstd` reads it; ours is unpacked by several
 * threads, since it consists of parts that are zstd frames of their own. The same tree gives the same bytes.
 */
import { createHash, randomUUID } from "node:crypto"
import fs from "node:fs"
import nodePath from "node:path"
import { pipeline } from "node:stream/promises"
import zlib from "node:zlib"
import { ArchiveEntry, type ArchiveIndex, HostError } from "@kata-deploy/core"
import { type Header, type Pack, pack as tarPack } from "tar-stream"
import { mostBytes } from "./ArchiveReader.ts"
import * as IndexFrame from "./IndexFrame.ts"
import { reasonOf, Refusal } from "./Refusal.ts"

/** What is to be packed. */
export interface PackRequest {
  /** Directory with what goes below `opt/kata`. */
  readonly tree: string
  readonly component: string
  /** The file that is written; it appears when it is whole. */
  readonly archive: string
  /** zstd's level, 1 to 19. */
  readonly level: number
}

/** What was packed. */
export interface Packed {
  readonly entries: number
  /** Bytes of all files. */
  readonly fileBytes: number
  /** Bytes of the archive. */
  readonly bytes: number
  readonly parts: number
  /** SHA-256 of the archive, hexadecimal. */
  readonly sha256: string
}

/** From this many bytes on a part is full, each entry counted as some more; threads get pieces of about this size. */
const partBytes = 16 * 1024 * 1024

/** Creating a file takes about as long as unpacking so many bytes; thousands of small files are to be shared out too. */
const entryCost = 64 * 1024

/** What a tar ends with, and a part does not. */
const endBytes = 1024

/** Bytes that are read at once. */
const pieceBytes = 256 * 1024

type Sink = ReturnType<Pack["entry"]>

/** A failure names the one of thousands of files that it is about. */
const naming = <A>(verb: "read" | "write", path: string, use: () => A): A => {
  try {
    return use()
  } catch (cause) {
    throw new HostError.HostError({ operation: `${verb} ${path}`, path: undefined, reason: reasonOf(cause) })
  }
}

interface Entry {
  /** Path relative to `opt/kata`. */
  readonly path: string
  readonly at: string
  readonly stat: fs.Stats
}

/** Everything below a directory, parents first, in the order of the bytes of the paths. */
const entriesOf = (root: string): ReadonlyArray<Entry> => {
  const found: Array<Entry> = []
  const visit = (at: string, above: string): void => {
    const names = naming("read", at, () => fs.readdirSync(at, { encoding: "buffer" })).sort(Buffer.compare)
    for (const name of names) {
      const path = above + name.toString("utf8")
      const place = ArchiveEntry.place(`${ArchiveEntry.prefix}/${path}`)
      const refuse = (detail: string) =>
        new Refusal({ _tag: "Refused", detail: `${ArchiveEntry.shown(path)} cannot be packed: ${detail}` })
      if (place._tag !== "Inside" || !Buffer.from(path).subarray(-name.length).equals(name)) {
        throw refuse(place._tag === "Refused" ? place.why : "its name is not UTF-8")
      }
      const inner = `${at}/${name.toString("utf8")}`
      const stat = fs.lstatSync(inner)
      if (!stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink()) {
        throw refuse("it is no file, link or directory")
      }
      found.push({ path, at: inner, stat })
      if (stat.isDirectory()) visit(inner, `${path}/`)
    }
  }
  visit(root, "")
  return found
}

/** Consecutive entries, so that each group has about as much to unpack. */
const groupsOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<ReadonlyArray<Entry>> => {
  const groups: Array<Array<Entry>> = []
  let bytes = Number.POSITIVE_INFINITY
  for (const entry of entries) {
    const size = entry.stat.isFile() ? entry.stat.size : 0
    // A large file does not leave a tiny part behind.
    if (bytes + size > partBytes && bytes > partBytes / 8) {
      groups.push([])
      bytes = 0
    }
    groups.at(-1)!.push(entry)
    bytes += size + entryCost
  }
  return groups
}

/** A tar holds no time before 1970, and our writer of tars none after this second. */
const latestSecond = 0x7fffffff

const targetOf = (at: string): string => {
  const bytes = fs.readlinkSync(at, { encoding: "buffer" })
  const target = bytes.toString("utf8")
  if (Buffer.from(target).equals(bytes)) return target
  throw new Refusal({ _tag: "Refused", detail: `${at} cannot be packed: its target is not UTF-8` })
}

/** Seconds since 1970 that a tar has of a file. */
const secondOf = ({ mtimeMs }: fs.Stats): number =>
  Math.min(Math.max(0, Math.floor(mtimeMs / 1000)), latestSecond)

/** Only files keep their times: those of directories and links tell when the tree was put together, and nobody unpacks them. */
const latestOf = (entries: ReadonlyArray<Entry>): number =>
  entries.reduce((latest, { stat }) => (stat.isFile() ? Math.max(latest, secondOf(stat)) : latest), 0)

const headerOf = ({ at, path, stat }: Entry, latest: number): Header => ({
  name: `./${ArchiveEntry.prefix}/${path}${stat.isDirectory() ? "/" : ""}`,
  size: stat.isFile() ? stat.size : 0,
  mode: stat.isFile() ? ArchiveEntry.fileMode(path, stat.mode) : stat.isDirectory() ? 0o755 : 0o777,
  mtime: new Date((stat.isFile() ? secondOf(stat) : latest) * 1000),
  type: stat.isFile() ? "file" : stat.isDirectory() ? "directory" : "symlink",
  linkname: stat.isSymbolicLink() ? targetOf(at) : "",
  uid: 0,
  gid: 0,
  uname: "root",
  gname: "root",
  devmajor: 0,
  devminor: 0,
})

/** The bytes of a tar with these entries. */
async function* tarOf(
  entries: ReadonlyArray<Entry>,
  latest: number,
  end: "of-archive" | "of-part",
): AsyncGenerator<Buffer> {
  const packing = tarPack()
  const feeding = feed(packing, entries, latest)
  // Whoever reads the stream is told; nobody else waits for it.
  feeding.catch((cause: unknown) =>
    packing.destroy(cause instanceof Error ? cause : new Error(String(cause))),
  )
  let held = Buffer.alloc(0)
  for await (const chunk of packing) {
    const all = Buffer.concat([held, chunk as Uint8Array])
    const ready = end === "of-archive" ? all.length : Math.max(0, all.length - endBytes)
    held = all.subarray(ready)
    if (ready > 0) yield all.subarray(0, ready)
  }
  await feeding
}

const feed = async (packing: Pack, entries: ReadonlyArray<Entry>, latest: number): Promise<void> => {
  for (const entry of entries) {
    const header = headerOf(entry, latest)
    await new Promise<void>((resolve, reject) => {
      const sink = packing.entry(header, (error) => (error ? reject(error) : resolve()))
      // It goes with the tar when something fails, and tells that by an event that somebody has to take.
      sink.on("error", reject)
      // Without a body there is nothing to feed.
      if (header.type === "file") feedBody(sink, entry, header.size).catch(reject)
      else sink.end(null)
    })
  }
  packing.finalize()
}

const feedBody = async (sink: Sink, { at }: Entry, size: number): Promise<void> => {
  const fd = naming("read", at, () => fs.openSync(at, "r"))
  try {
    for (let left = size; left > 0;) {
      const chunk = Buffer.allocUnsafe(Math.min(left, pieceBytes))
      const read = fs.readSync(fd, chunk)
      if (read === 0)
        throw new Refusal({ _tag: "Refused", detail: `${at} became shorter while it was packed` })
      left -= read
      if (!sink.write(chunk.subarray(0, read)))
        await new Promise<void>((resolve) => sink.once("drain", resolve))
    }
    sink.end(null)
  } finally {
    fs.closeSync(fd)
  }
}

const isWithin = (path: string, directory: string): boolean => {
  const way = nodePath.relative(directory, path)
  return way !== ".." && !way.startsWith("../") && !nodePath.isAbsolute(way)
}

/** Makes a directory and those above it. Node's own way never ends where the kernel makes none, as below `/proc`. */
const makeDirectory = (path: string): void => {
  if (fs.existsSync(path)) return
  makeDirectory(nodePath.dirname(path))
  fs.mkdirSync(path)
}

/** What an install takes for a bomb is better refused here, where it can still be changed. */
const tooEmpty = (entries: ReadonlyArray<Entry>): Refusal => {
  const { path } = entries.reduce((largest, entry) => (entry.stat.size > largest.stat.size ? entry : largest))
  const detail = `${path} would unpack to more than 200 times what it takes in the archive, which an install refuses`
  return new Refusal({ _tag: "Refused", detail })
}

/** Packs a directory; nothing of it stays where `signal` ends it early. */
export const pack = async (
  { archive, component, level, tree }: PackRequest,
  signal?: AbortSignal,
): Promise<Packed> => {
  const inner = nodePath.join(tree, ArchiveEntry.prefix)
  const root = fs.existsSync(inner) ? inner : tree
  // Otherwise the next archive would hold this one.
  if (isWithin(archive, root))
    throw new Refusal({ _tag: "Refused", detail: `${archive} would lie in the tree that it is made of` })
  const entries = entriesOf(root)
  if (entries.length === 0) throw new Refusal({ _tag: "Refused", detail: `${root} is empty` })
  const temporary = `${archive}.${randomUUID()}.tmp`
  const fd = naming("write", archive, () => {
    makeDirectory(nodePath.dirname(archive))
    return fs.openSync(temporary, "wx", 0o644)
  })
  try {
    const hash = createHash("sha256")
    const write = (bytes: Uint8Array): void => {
      hash.update(bytes)
      for (let at = 0; at < bytes.length;) at += naming("write", archive, () => fs.writeSync(fd, bytes, at))
    }
    const parts: Array<ArchiveIndex.Part> = []
    const groups = groupsOf(entries)
    const latest = latestOf(entries)
    for (const [at, group] of groups.entries()) {
      const end = at === groups.length - 1 ? "of-archive" : "of-part"
      const planned = group.some(({ path, stat }) => stat.isFile() && ArchiveEntry.isPlanned(path))
      const part = await compress(tarOf(group, latest, end), level, write, signal)
      parts.push({ ...part, planned })
    }
    const sum = (of: "content" | "size"): number => parts.reduce((before, part) => before + part[of], 0)
    if (sum("content") > mostBytes(sum("size"))) throw tooEmpty(entries)
    write(
      IndexFrame.encode({
        schemaVersion: 1,
        kind: "archive-index",
        component,
        entries: entries.length,
        parts,
      }),
    )
    fs.fsyncSync(fd)
    const { size } = fs.fstatSync(fd)
    naming("write", archive, () => fs.renameSync(temporary, archive))
    const fileBytes = entries.reduce((sum, { stat }) => sum + (stat.isFile() ? stat.size : 0), 0)
    return {
      entries: entries.length,
      fileBytes,
      bytes: size,
      parts: parts.length,
      sha256: hash.digest("hex"),
    }
  } finally {
    fs.closeSync(fd)
    fs.rmSync(temporary, { force: true })
  }
}

/** Writes one frame. */
const compress = async (
  tar: AsyncIterable<Buffer>,
  level: number,
  write: (bytes: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<{ readonly size: number; readonly content: number }> => {
  let size = 0
  let content = 0
  const { ZSTD_c_checksumFlag, ZSTD_c_compressionLevel } = zlib.constants
  await pipeline(
    async function* () {
      for await (const chunk of tar) {
        content += chunk.length
        yield chunk
      }
    },
    zlib.createZstdCompress({ params: { [ZSTD_c_compressionLevel]: level, [ZSTD_c_checksumFlag]: 1 } }),
    async (compressed: AsyncIterable<Buffer>) => {
      for await (const chunk of compressed) {
        size += chunk.length
        write(chunk)
      }
    },
    signal === undefined ? {} : { signal },
  )
  return { size, content }
}
