/**
 * The other end of a unix socket: greets as it is told to, keeps every byte that comes, and sends bytes in pieces. What
 * systemd's side of the handshake would be is in the test's hand.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"

/** A peer with its controls. */
export interface FakePeer {
  /** Path of its socket. */
  readonly path: string
  /** Everything that came up to the end of the handshake. */
  readonly greeting: () => string
  /** Everything that came after it. */
  readonly received: () => Buffer
  /** Sends bytes on the connection that is open. */
  readonly send: (bytes: Uint8Array) => void
  /** Waits until `count` bytes have come after the handshake. */
  readonly until: (count: number) => Promise<void>
  /** Closes the connection. */
  readonly hangUp: () => void
}

/** What is answered to the first line: a line, bytes without a line's end, nothing, or the end of the connection. */
export type Greeting = { readonly answer: string } | "silence" | "hang up"

const begin = "BEGIN\r\n"

/** A peer that greets so; it is gone with the scope. */
export const make = (
  greeting: Greeting = { answer: "OK 0123456789abcdef\r\n" },
): Effect.Effect<FakePeer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<{ readonly peer: FakePeer; readonly close: () => void }>((resolve) => {
          const folder = mkdtempSync(join(tmpdir(), "kd-peer-"))
          const path = join(folder, "socket")
          let all = Buffer.alloc(0)
          let open: Socket | undefined
          let waiting = (): void => {}
          const split = (): number => {
            const at = all.indexOf(begin)
            return at < 0 ? all.length : at + begin.length
          }
          const server = createServer((socket) => {
            open = socket
            let isGreeted = false
            socket.on("error", () => {})
            socket.on("data", (bytes: Buffer) => {
              all = Buffer.concat([all, bytes])
              if (!isGreeted && all.includes("\r\n")) {
                isGreeted = true
                if (greeting === "hang up") socket.destroy()
                else if (greeting !== "silence") socket.write(greeting.answer)
              }
              waiting()
            })
          })
          const peer: FakePeer = {
            path,
            greeting: () => all.subarray(0, split()).toString("latin1"),
            received: () => all.subarray(split()),
            send: (bytes) => void open?.write(bytes),
            until: (count) =>
              new Promise((done) => {
                waiting = () => {
                  if (all.length - split() >= count) done()
                }
                waiting()
              }),
            hangUp: () => void open?.destroy(),
          }
          const close = (): void => {
            open?.destroy()
            server.close()
            rmSync(folder, { recursive: true, force: true })
          }
          server.listen(path, () => resolve({ peer, close }))
        }),
    ),
    ({ close }) => Effect.sync(close),
  ).pipe(Effect.map(({ peer }) => peer))
