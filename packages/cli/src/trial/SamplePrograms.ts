/**
 * Answers: which files of this machine can stand for Kata's programs? Real programs compress like real programs,
 * so sizes and times of the trial mean something. Where a machine has too few, bytes are made up.
 */
import { open, readdir, stat } from "node:fs/promises"
import { basename, join } from "node:path"

/** A program or library of this machine. */
export interface RealFile {
  /** Where it is. */
  readonly path: string
  /** Its size in bytes. */
  readonly size: number
}

/** Where programs and libraries usually are; what does not exist is passed over. */
const places: ReadonlyArray<string> = [
  "/usr/bin",
  "/usr/sbin",
  "/usr/lib",
  "/usr/lib64",
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib/s390x-linux-gnu",
  "/usr/lib/powerpc64le-linux-gnu",
]

const smallest = 256 * 1024
const largest = 16 * 1024 * 1024

const startsLikeAProgram = async (path: string): Promise<boolean> => {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return bytesRead === 4 && buffer.toString("latin1") === "\x7fELF"
  } finally {
    await file.close()
  }
}

/** What the file is, if it can be read, is of a handy size and is a program or library. */
const inspect = async (path: string): Promise<RealFile | undefined> => {
  try {
    const found = await stat(path)
    if (!found.isFile() || found.size < smallest || found.size > largest) return undefined
    return (await startsLikeAProgram(path)) ? { path, size: found.size } : undefined
  } catch {
    // Not readable for this user: another one will do.
    return undefined
  }
}

const namesIn = async (directory: string): Promise<ReadonlyArray<string>> => {
  try {
    const listed = await readdir(directory, { withFileTypes: true })
    return listed.filter((entry) => entry.isFile()).map((entry) => join(directory, entry.name))
  } catch {
    return []
  }
}

/** Programs and libraries of this machine, largest first; names decide between equal sizes. */
export const collect = async (): Promise<ReadonlyArray<RealFile>> => {
  const paths = (await Promise.all(places.map(namesIn))).flat()
  const found = (await Promise.all(paths.map(inspect))).filter((file) => file !== undefined)
  return found.sort((a, b) => b.size - a.size || (basename(a.path) < basename(b.path) ? -1 : 1))
}

/**
 * Takes the file out of `pool` whose size is nearest to `size`, or none when nothing is between half and twice
 * of it.
 */
export const takeNearest = (pool: Array<RealFile>, size: number): RealFile | undefined => {
  const distance = (file: RealFile): number => Math.abs(Math.log(file.size / size))
  let best = -1
  for (const [index, file] of pool.entries()) {
    if (distance(file) > Math.LN2) continue
    if (best < 0 || distance(file) < distance(pool[best]!)) best = index
  }
  return best < 0 ? undefined : pool.splice(best, 1)[0]
}

/** `size` bytes that compress to about a third, as programs do, and are the same for the same `name`. */
export const madeUp = (name: string, size: number): Buffer => {
  let state = 2166136261
  for (const character of name) state = Math.imul(state ^ character.codePointAt(0)!, 16777619)
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  const bytes = Buffer.alloc(size)
  for (let at = 0; at + 4 <= size; at += 4) {
    // Two words out of three repeat what came before.
    if (at >= 64 && next() % 3 !== 0) bytes.copyWithin(at, at - 64, at - 60)
    else bytes.writeUInt32LE(next(), at)
  }
  return bytes
}
