/**
 * What stands in for Kata's shim where no virtual machine can be started? runc's shim, with a proxy between containerd and
 * it that takes Kata's options off, which runc's refuses, and writes down that it was asked and with which.
 *
 * Arguments: the path that containerd started, then what containerd asked. Source: containerd 1.6 to 2.1,
 * `core/runtime/v2/README.md` (`start` prints an address), and the protocol of ttrpc.
 */
import { spawn, spawnSync } from "node:child_process"
import { appendFileSync, existsSync } from "node:fs"
import { connect, createServer, type Socket } from "node:net"
import protobuf from "protobufjs"
import { type Asked, log } from "./StandIn.ts"

const real = "containerd-shim-runc-v2"

/** A field of a protobuf message as it stands in its bytes; `value` where it is a text, bytes or a message. */
interface Field {
  readonly number: number
  readonly whole: Uint8Array
  readonly value: Uint8Array | undefined
}

const lengthDelimited = 2

const fieldsOf = (message: Uint8Array): ReadonlyArray<Field> => {
  const reader = protobuf.Reader.create(message)
  const fields: Array<Field> = []
  while (reader.pos < reader.len) {
    const from = reader.pos
    const tag = reader.uint32()
    const isDelimited = (tag & 7) === lengthDelimited
    const value = isDelimited ? reader.bytes() : undefined
    if (!isDelimited) reader.skipType(tag & 7)
    fields.push({ number: tag >>> 3, whole: message.subarray(from, reader.pos), value })
  }
  return fields
}

const textOf = (fields: ReadonlyArray<Field>, number: number): string =>
  Buffer.from(fields.find((field) => field.number === number)?.value ?? []).toString("latin1")

/** Fields of ttrpc's request and of the shim's `CreateTaskRequest`. */
const [method, payload, options] = [2, 3, 10]

/** The same request to create a task without options, which are told; any other request as it is. */
const withoutOptions = (request: Uint8Array, tell: (options: string) => void): Uint8Array => {
  const fields = fieldsOf(request)
  if (textOf(fields, method) !== "Create") return request
  const task = fieldsOf(fields.find(({ number }) => number === payload)?.value ?? new Uint8Array())
  tell(textOf(task, options))
  const bare = Buffer.concat(task.filter(({ number }) => number !== options).map(({ whole }) => whole))
  const changed = protobuf.Writer.create()
    .uint32((payload << 3) | lengthDelimited)
    .bytes(bare)
    .finish()
  return Buffer.concat([
    ...fields.filter(({ number }) => number !== payload).map(({ whole }) => whole),
    changed,
  ])
}

const headerLength = 10
const requestType = 1

/** Passes on frames (length, stream, type, flags, message) from one side to the other. */
const passOn = (from: Socket, to: Socket, tell: (options: string) => void): void => {
  let pending = Buffer.alloc(0)
  from.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= headerLength && pending.length >= headerLength + pending.readUInt32BE(0)) {
      const end = headerLength + pending.readUInt32BE(0)
      const header = Buffer.from(pending.subarray(0, headerLength))
      const message = pending.subarray(headerLength, end)
      pending = pending.subarray(end)
      const passed = header[8] === requestType ? withoutOptions(message, tell) : message
      header.writeUInt32BE(passed.length, 0)
      to.write(Buffer.concat([header, passed]))
    }
  })
}

/** Stands between containerd, at the socket `own`, and the real shim; says so, and lives as long as that one. */
const serve = (program: string, own: string, theirs: string): void => {
  const tell = (options: string): void => {
    const asked: Asked = { program, options }
    appendFileSync(log, `${JSON.stringify(asked)}\n`)
  }
  const server = createServer((containerd) => {
    const shim = connect(theirs)
    passOn(containerd, shim, tell)
    shim.pipe(containerd)
    for (const side of [containerd, shim]) side.on("error", () => {})
    containerd.on("close", () => shim.destroy())
    shim.on("close", () => {
      containerd.destroy()
      if (!existsSync(theirs)) process.exit(0)
    })
  })
  server.listen(own, () => process.stdout.write("ready\n"))
}

/** Starts the real shim and the proxy, and prints the address of the proxy in place of the shim's. */
const start = async (program: string, args: ReadonlyArray<string>): Promise<number> => {
  const shim = spawnSync(real, args, { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" })
  const theirs = /unix:\/\/([^"\s]+)/.exec(shim.stdout)?.[1]
  if (shim.status !== 0 || theirs === undefined) {
    process.stdout.write(shim.stdout)
    return shim.status ?? 1
  }
  const own = `${theirs}-k`
  // Another container of the same pod is taken to the shim that is there.
  if (!existsSync(own)) {
    const proxy = spawn(process.execPath, [import.meta.filename, program, "serve", own, theirs], {
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    })
    await new Promise((resolve) => proxy.stdout.once("data", resolve))
  }
  process.stdout.write(shim.stdout.replace(theirs, own))
  return 0
}

const [program = "", ...args] = process.argv.slice(2)
if (args[0] === "serve") serve(program, args[1]!, args[2]!)
else if (args.at(-1) === "start") process.exit(await start(program, args))
else process.exit(spawnSync(real, args, { stdio: "inherit" }).status ?? 1)
