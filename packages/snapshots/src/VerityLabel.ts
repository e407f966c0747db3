/**
 * Answers: how does a guest check a disk? Text and meaning of the labels with dm-verity parameters, and what is valid.
 * Source: facts nydus §7.
 */
import { Result } from "effect"

/** Parameters of a dm-verity device, as the Kata runtime gets them. */
export interface DmVerity {
  /** `sha256` or `sha1`, in any case. */
  readonly hashtype: string
  /** Root hash in hexadecimal digits. */
  readonly hash: string
  /** Number of data blocks. */
  readonly blocknum: number
  /** Bytes of a data block. */
  readonly blocksize: number
  /** Bytes of a block of hashes. */
  readonly hashsize: number
  /** Byte at which the hashes begin. */
  readonly offset: number
}

const hashDigits: Readonly<Record<string, number>> = { sha256: 64, sha1: 40 }
const fewestBytes = 512
const mostBytes = 512 * 1024
const mostBlocks = 2 ** 32 - 1

const isBlockSize = (bytes: number): boolean =>
  Number.isInteger(bytes) && bytes >= fewestBytes && bytes <= mostBytes

/** What is wrong with the parameters, as a clause; `undefined` when nothing is. */
export const complaint = (given: DmVerity): string | undefined => {
  const type = given.hashtype.toLowerCase()
  const digits = Object.hasOwn(hashDigits, type) ? hashDigits[type] : undefined
  if (digits === undefined)
    return `the hash type ${JSON.stringify(given.hashtype)} is neither sha256 nor sha1`
  if (given.hash.length !== digits || !/^[0-9a-fA-F]*$/.test(given.hash))
    return `the root hash has to be ${digits} hexadecimal digits`
  if (!Number.isInteger(given.blocknum) || given.blocknum < 1 || given.blocknum > mostBlocks)
    return `there have to be 1 to ${mostBlocks} data blocks`
  if (!isBlockSize(given.blocksize) || !isBlockSize(given.hashsize))
    return `blocks have to be ${fewestBytes} to ${mostBytes} bytes`
  if (!Number.isSafeInteger(given.offset) || given.offset % given.hashsize !== 0)
    return "the hashes have to begin at a multiple of their block size"
  return given.offset < given.blocksize * given.blocknum
    ? "the hashes have to begin behind the data"
    : undefined
}

/** Text of the label: data blocks, offset of the hashes, root hash. Block sizes are fixed in it. */
export const format = (blocknum: number, offset: number, hash: string): string =>
  `${blocknum},${offset},sha256:${hash}`

/** Parameters of a label's text; an empty one means that there is nothing to check, and that is legal. */
export const parse = (text: string): Result.Result<DmVerity | undefined, string> => {
  if (text === "") return Result.succeed(undefined)
  const match = /^(\d{1,16}),(\d{1,16}),sha256:(\S+)$/.exec(text)
  if (match === null) return Result.fail(`${JSON.stringify(text)} is not blocks,offset,sha256:hash`)
  const verity: DmVerity = {
    hashtype: "sha256",
    hash: match[3]!,
    blocknum: Number(match[1]),
    blocksize: 512,
    hashsize: 4096,
    offset: Number(match[2]),
  }
  const wrong = complaint(verity)
  return wrong === undefined ? Result.succeed(verity) : Result.fail(wrong)
}
