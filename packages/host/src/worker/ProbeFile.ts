/**
 * Answers, as a program of its own: does a directory's filesystem take fs-verity and the immutable flag? Node has no
 * `ioctl`, so the C library is called by `node:ffi`. That is experimental, therefore nothing else depends on it: where it
 * is missing or breaks, this process ends, and whoever started it knows no more than before.
 *
 * The file is made by `O_TMPFILE`: it never has a name, and the kernel drops it with this process, flags or not.
 *
 *   node ProbeFile.js DIRECTORY     prints {"immutable": ERRNO, "fsverity": ERRNO}; 0 is a success
 *
 * Source: open(2), FS_IOC_SETFLAGS(2const); Documentation/filesystems/fsverity.rst.
 */
import { dlopen, getInt32 } from "node:ffi"
import fs from "node:fs"
import os from "node:os"

/** Requests as most architectures number them: `_IOW('f', 133, struct fsverity_enable_arg)` and so on. */
const request = { getFlags: 0x80086601n, setFlags: 0x40086602n, enableVerity: 0x40806685n }

/** Those of them that Kata runs on. */
const architectures: ReadonlyArray<string> = ["x64", "arm64", "s390x"]

/** `O_TMPFILE`, of which `O_DIRECTORY` is a part. */
const nameless = 0o20000000 | fs.constants.O_DIRECTORY

const immutableFlag = 0x10
const sha256 = 1
/** Bytes of `struct fsverity_enable_arg`; what is left zero is the salt and the signature. */
const verityArgument = 128

const { functions: c } = dlopen(null, {
  ioctl: { arguments: ["i32", "u64", "buffer"], return: "i32" },
  getpagesize: { arguments: [], return: "i32" },
  __errno_location: { arguments: [], return: "pointer" },
})

/** Calls `ioctl`; 0, or the errno. */
const ioctl = (file: number, what: bigint, argument: Buffer): number =>
  c.ioctl(file, what, argument) === 0 ? 0 : getInt32(c.__errno_location())

/** Sets the flag, looks whether it is on, and takes it off again. */
const tryImmutable = (file: number): number => {
  const flags = Buffer.alloc(8)
  const view = new Uint32Array(flags.buffer, flags.byteOffset, 1)
  const unread = ioctl(file, request.getFlags, flags)
  if (unread !== 0) return unread
  const before = view[0]!
  view[0] = before | immutableFlag
  const unset = ioctl(file, request.setFlags, flags)
  if (unset !== 0) return unset
  ioctl(file, request.getFlags, flags)
  const isOn = (view[0] & immutableFlag) !== 0
  view[0] = before
  ioctl(file, request.setFlags, flags)
  return isOn ? 0 : os.constants.errno.EOPNOTSUPP
}

/** Seals the empty file as containerd seals its own before it serves: SHA-256, blocks no larger than a page. */
const tryVerity = (file: number): number => {
  const argument = Buffer.alloc(verityArgument)
  const blockSize = Math.min(c.getpagesize(), fs.fstatSync(file).blksize)
  new Uint32Array(argument.buffer, argument.byteOffset, 3).set([1, sha256, blockSize])
  return ioctl(file, request.enableVerity, argument)
}

const probe = (directory: string): { readonly immutable: number; readonly fsverity: number } => {
  if (!architectures.includes(process.arch)) throw new Error(`nothing is known about ${process.arch}`)
  const written = fs.openSync(directory, nameless | fs.constants.O_RDWR, 0o600)
  // fs-verity seals only what nobody has open for writing.
  const file = fs.openSync(`/proc/self/fd/${written}`, "r")
  fs.closeSync(written)
  return { immutable: tryImmutable(file), fsverity: tryVerity(file) }
}

try {
  process.stdout.write(JSON.stringify(probe(process.argv[2]!)))
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  process.stdout.write(JSON.stringify({ failed: code ?? message }))
}
