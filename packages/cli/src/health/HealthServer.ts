/**
 * Answers: who answers on the health port? A server on a plain socket: the first line of a request is all that counts,
 * and node:http alone would cost more memory than everything else here. Source: spec 10 §1.
 */
import type { AddressInfo, Server, Socket } from "node:net"
import { net } from "../supervisor/Builtins.ts"
import * as Responses from "./Responses.ts"

/** What the server is given. */
export interface HealthServerOptions {
  /** Where it listens: a port on all addresses, or a socket that somebody else has opened. */
  readonly place: { readonly port: number } | { readonly fd: number }
  /** The state at the moment of the question. */
  readonly state: () => Responses.HealthState
  /** The metrics at the moment of the question, and their content type. */
  readonly metrics: () => { readonly body: string; readonly contentType: string }
  /** Told of every client that has left. */
  readonly onLeft?: () => void
  /** Told of what goes wrong later; serving goes on. */
  readonly onTrouble: (error: NodeJS.ErrnoException) => void
  /** Milliseconds that a client has for its first line; 5000. */
  readonly firstLineMilliseconds?: number
}

/** A server that listens. */
export interface HealthServer {
  /** The address; `undefined` for a socket that has none. */
  readonly address: AddressInfo | undefined
  /** Stops listening and leaves everybody. */
  readonly close: () => void
}

/** Connections at a time; more than a kubelet and a few scrapers ever have is nobody's to hold. */
const mostConnections = 128

/** Serves one client and forgets it. */
const serve = (socket: Socket, options: HealthServerOptions): void => {
  let begun = ""
  let answered = false
  const leave = setTimeout(
    () => socket.destroy(),
    options.firstLineMilliseconds ?? Responses.firstLineSeconds * 1000,
  )
  const answer = (line: string): void => {
    answered = true
    const isMetrics = Responses.pathOf(line) === Responses.metricsPath
    const response = isMetrics
      ? { status: 200 as const, ...options.metrics() }
      : Responses.respond(line, options.state())
    // What the client still sends is read and dropped: closing on it would take the answer back from the wire.
    socket.end(response === undefined ? "" : Responses.encode(response))
  }
  socket.setEncoding("latin1")
  socket.on("data", (piece: string) => {
    if (answered) return
    begun += piece
    const end = begun.indexOf("\n")
    if (end >= 0 ? end > Responses.firstLineBytes : begun.length > Responses.firstLineBytes) socket.destroy()
    else if (end >= 0) answer(begun.slice(0, end))
  })
  // A client that goes away is its own business.
  socket.on("error", () => socket.destroy())
  socket.on("end", () => socket.end())
  socket.on("close", () => {
    clearTimeout(leave)
    options.onLeft?.()
  })
}

/**
 * Without a host Node listens on `::` with IPv4 mapped, and on `0.0.0.0` where there is no IPv6; naming one makes it
 * load its resolver.
 */
const listen = (server: Server, where: HealthServerOptions["place"]): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(where, () => {
      server.off("error", reject)
      resolve()
    })
  })

/** Opens the server; rejects with the system's error where it cannot listen. */
export const open = async (options: HealthServerOptions): Promise<HealthServer> => {
  const sockets = new Set<Socket>()
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
    serve(socket, options)
  })
  server.maxConnections = mostConnections
  await listen(server, options.place)
  server.on("error", options.onTrouble)
  const address = server.address()
  return {
    address: typeof address === "object" && address !== null ? address : undefined,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
