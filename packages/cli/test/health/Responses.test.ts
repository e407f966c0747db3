import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Responses from "../../src/health/Responses.ts"

const states = ["installing", "ready"] as const

const answers: ReadonlyArray<
  readonly [path: string, state: Responses.HealthState, status: number, body: string]
> = [
  ["/healthz", "installing", 200, "ok installing\n"],
  ["/healthz", "ready", 200, "ok ready\n"],
  ["/readyz", "installing", 503, "not_ready installing\n"],
  ["/readyz", "ready", 200, "ok ready\n"],
  ["/healthz?verbose=1", "installing", 200, "ok installing\n"],
  ["/", "ready", 404, "not found\n"],
  ["/healthz/", "ready", 404, "not found\n"],
  ["/HEALTHZ", "ready", 404, "not found\n"],
]

describe("Responses", () => {
  for (const [path, state, status, body] of answers) {
    it(`answers ${status} to ${path} while ${state}`, () => {
      for (const method of ["GET", "HEAD", "POST"])
        assert.deepStrictEqual(Responses.respond(`${method} ${path} HTTP/1.1`, state) as object, {
          status,
          body,
        })
    })
  }

  it("says nothing when no request line came", () => {
    assert.isUndefined(Responses.respond(undefined, "ready"))
  })

  it("answers every line, however odd, and never with 200 to what is no endpoint", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.constantFrom(...states), (line, state) => {
        const response = Responses.respond(line, state)!
        assert.include([200, 404, 503], response.status)
        if (!/\s\/(?:health|ready)z/.test(line)) assert.strictEqual(response.status, 404)
      }),
    )
  })

  it("closes the connection behind a body whose length it says", () => {
    assert.strictEqual(
      Responses.encode({ status: 503, body: "not_ready installing\n" }),
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 21\r\nConnection: close\r\n\r\nnot_ready installing\n",
    )
  })
})
