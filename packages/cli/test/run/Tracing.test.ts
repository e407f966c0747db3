import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
import { HostError } from "@kata-deploy/core"
import { Effect, Layer } from "effect"
import { assert, describe, it } from "vitest"
import * as Tracing from "../../src/run/Tracing.ts"

interface Sent {
  readonly path: string
  readonly header: string | undefined
  readonly body: string
}

/** A collector that keeps what it is sent. */
const collector = async () => {
  const sent: Array<Sent> = []
  const server = createServer((request, response) => {
    const parts: Array<Buffer> = []
    request.on("data", (part: Buffer) => parts.push(part))
    request.on("end", () => {
      const bytes = Buffer.concat(parts)
      const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes
      sent.push({
        path: request.url ?? "",
        header: request.headers["x-team"]?.toString(),
        body: body.toString(),
      })
      response.end("{}")
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    sent,
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

const traced = async (env: Readonly<Record<string, string>>): Promise<void> => {
  const layer = await Tracing.layer(env, "1.2.3")
  const work = Effect.void.pipe(Effect.withSpan("write /etc/x"), Effect.withSpan("Run.run"))
  await Effect.runPromise(Effect.provide(work, layer))
}

describe("traces", () => {
  it("go to the collector that the standard variables name, with their headers", async () => {
    const { close, sent, url } = await collector()
    await traced({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_HEADERS: "x-team=nodes" })
    await close()
    assert.deepStrictEqual([...new Set(sent.map((each) => each.path))], ["/v1/traces"])
    assert.strictEqual(sent[0]?.header, "nodes")
    const told = sent.map((each) => each.body).join()
    for (const word of ["kata-deploy", "1.2.3", "Run.run", "write /etc/x"]) assert.include(told, word)
  })

  it("hold no secrets, neither in what failed nor in what was done", async () => {
    const { close, sent, url } = await collector()
    const layer = await Tracing.layer({ OTEL_EXPORTER_OTLP_ENDPOINT: url }, "1.2.3")
    const reason = { _tag: "Refused", detail: 'line 3 is password = "hunter2"' } as const
    const work = Effect.fail(
      new HostError.HostError({ operation: "restart it", path: undefined, reason }),
    ).pipe(Effect.withSpan("fetch", { attributes: { from: "https://me:hunter3@mirror" } }))
    await Effect.runPromiseExit(Effect.provide(work, layer))
    await close()
    const told = sent.map((each) => each.body).join()
    assert.include(told, "line 3 is password")
    assert.notMatch(told, /hunter/)
  })

  it("are not made at all without a collector, or where OpenTelemetry is switched off", async () => {
    const { close, sent, url } = await collector()
    assert.strictEqual(await Tracing.layer({}, "1.2.3"), Layer.empty)
    await traced({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SDK_DISABLED: "true" })
    await close()
    assert.deepStrictEqual(sent, [])
  })

  it("to a collector that is not there keep nothing from being done", async () => {
    await traced({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" })
  })
})
