import { once } from "node:events"
import { connect } from "node:net"
import { afterEach, assert, describe, it } from "vitest"
import * as HealthServer from "../../src/health/HealthServer.ts"
import * as Responses from "../../src/health/Responses.ts"

let state: Responses.HealthState = "installing"
let open: HealthServer.HealthServer | undefined
const start = async (more: Partial<HealthServer.HealthServerOptions> = {}): Promise<number> => {
  state = "installing"
  open = await HealthServer.open({
    place: { port: 0 },
    state: () => state,
    metrics: () => ({ body: "up 1\n", contentType: "text/x" }),
    onTrouble: () => {},
    ...more,
  })
  return open.address?.port ?? 0
}

/** Sends the pieces and answers everything that comes until the end. */
const ask = async (port: number, host: string, ...pieces: ReadonlyArray<string>): Promise<string> => {
  const socket = connect({ port, host })
  let heard = ""
  socket.setEncoding("latin1").on("data", (text: string) => (heard += text))
  const closed = once(socket, "close")
  await once(socket, "connect")
  for (const piece of pieces) {
    socket.write(piece)
    await new Promise(setImmediate)
  }
  await closed
  return heard
}

const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nUser-Agent: kube-probe/1.34\r\n\r\n`

describe("the health server", () => {
  afterEach(() => open?.close())

  it("answers over IPv4 and IPv6, byte for byte, and closes", async () => {
    const port = await start()
    for (const host of ["127.0.0.1", "::1"]) {
      assert.strictEqual(
        await ask(port, host, request("/readyz")),
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 21\r\nConnection: close\r\n\r\nnot_ready installing\n",
      )
    }
    state = "ready"
    assert.match(
      await ask(port, "127.0.0.1", request("/readyz")),
      /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nok ready\n$/s,
    )
  })

  it("answers a line that comes in pieces, and one that ends in a bare line feed", async () => {
    const port = await start()
    assert.match(
      await ask(port, "127.0.0.1", "GET /hea", "lthz HT", "TP/1.1\r\n"),
      /\r\n\r\nok installing\n$/,
    )
    assert.match(await ask(port, "127.0.0.1", "GET /healthz\n"), /\r\n\r\nok installing\n$/)
  })

  it("serves others while somebody says nothing, who is left in the end without an answer", async () => {
    const port = await start({ firstLineMilliseconds: 150 })
    const silent = ask(port, "127.0.0.1")
    assert.match(await ask(port, "127.0.0.1", request("/healthz")), /ok installing/)
    assert.strictEqual(await silent, "")
  })

  it("leaves whoever sends a line without end", async () => {
    const port = await start()
    const heard = await ask(port, "127.0.0.1", "GET /", "x".repeat(Responses.firstLineBytes + 10)).catch(
      () => "",
    )
    assert.strictEqual(heard, "")
  })

  it("gives the metrics with a type of their own", async () => {
    const port = await start()
    assert.match(
      await ask(port, "127.0.0.1", request("/metrics")),
      /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nup 1\n$/,
    )
  })

  it("says when another program has the port", async () => {
    const port = await start()
    const code = await HealthServer.open({
      place: { port },
      state: () => state,
      metrics: () => ({ body: "", contentType: "" }),
      onTrouble: () => {},
    }).then(
      () => "none",
      (error: NodeJS.ErrnoException) => error.code,
    )
    assert.strictEqual(code, "EADDRINUSE")
  })
})
