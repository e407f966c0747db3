import { assert, describe, it } from "@effect/vitest"
import { ApiFaults, ApiServerDouble } from "@kata-deploy/kubernetes/testing"
import { Effect } from "effect"

const headers = { authorization: "Bearer administrator" }

/** Any answer of the API; the tests look at a few of its fields. */
interface Body {
  readonly message: string
  readonly reason: string
  readonly details: { readonly causes: ReadonlyArray<{ readonly field: string }> }
  readonly metadata: {
    readonly name: string
    readonly resourceVersion: string
    readonly labels: Readonly<Record<string, string>>
    readonly continue?: string
  }
  readonly status: { readonly conditions: ReadonlyArray<{ readonly type: string }> }
  readonly items: ReadonlyArray<Body>
}

const fetchJson = (url: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, { ...init, headers: { ...headers, ...init.headers } })
    const text = await response.text()
    return {
      status: response.status,
      retryAfter: response.headers.get("retry-after"),
      body: JSON.parse(text) as Body,
    }
  })

const patch = (
  server: ApiServerDouble.ApiServerDouble,
  type: string,
  body: unknown,
  path = "/api/v1/nodes/n",
) =>
  fetchJson(`${server.url}${path}`, {
    method: "PATCH",
    headers: { "content-type": `application/${type}+json` },
    body: JSON.stringify(body),
  })

const withNode = (node: { readonly metadata: object } = { metadata: { name: "n", labels: { a: "1" } } }) =>
  Effect.map(ApiServerDouble.scoped, (server) => {
    server.put("nodes", node as never)
    return server
  })

describe("the double of an API server", () => {
  it.live("gets, lists in pages, creates, updates and deletes", () =>
    Effect.gen(function* () {
      const server = yield* withNode()
      const nodes = `${server.url}/api/v1/nodes`
      const created = yield* fetchJson(nodes, { method: "POST", body: '{"metadata":{"name":"m"}}' })
      assert.strictEqual(created.status, 201)
      const again = yield* fetchJson(nodes, { method: "POST", body: '{"metadata":{"name":"m"}}' })
      assert.strictEqual(again.body.message, 'nodes "m" already exists')
      const first = yield* fetchJson(`${nodes}?limit=1`)
      assert.strictEqual(first.body.items[0]!.metadata.name, "m")
      const second = yield* fetchJson(`${nodes}?limit=1&continue=${first.body.metadata.continue}`)
      assert.strictEqual(second.body.items[0]!.metadata.name, "n")
      assert.isUndefined(second.body.metadata.continue)
      const selected = yield* fetchJson(`${nodes}?labelSelector=a%3D1`)
      assert.strictEqual(selected.body.items.length, 1)
      const put = { ...first.body.items[0]!, metadata: { name: "m", resourceVersion: "1" } }
      const old = yield* fetchJson(`${nodes}/m`, { method: "PUT", body: JSON.stringify(put) })
      assert.deepStrictEqual([old.status, old.body.reason], [409, "Conflict"])
      assert.strictEqual((yield* fetchJson(`${nodes}/m`, { method: "DELETE" })).status, 200)
      const gone = yield* fetchJson(`${nodes}/m`)
      assert.strictEqual(gone.body.message, 'nodes "m" not found')
    }),
  )

  it.live("applies JSON patches as a whole or not at all, and tells invalid from inapplicable", () =>
    Effect.gen(function* () {
      const server = yield* withNode()
      const half = yield* patch(server, "json-patch", [
        { op: "add", path: "/metadata/labels/b", value: "2" },
        { op: "test", path: "/metadata/labels/a", value: "9" },
      ])
      assert.deepStrictEqual([half.status, half.body.details], [422, {} as Body["details"]])
      assert.deepStrictEqual((server.get("nodes", "n") as unknown as Body).metadata.labels, { a: "1" })
      const absent = yield* patch(server, "json-patch", [{ op: "remove", path: "/metadata/labels/z" }])
      assert.strictEqual(absent.status, 422)
      const invalid = yield* patch(server, "json-patch", [
        { op: "add", path: "/metadata/labels/-x", value: "y" },
      ])
      assert.strictEqual(invalid.body.details.causes[0]!.field, "metadata.labels")
      const good = yield* patch(server, "json-patch", [
        { op: "add", path: "/metadata/labels/example.com~1b", value: "2" },
        { op: "remove", path: "/metadata/labels/a" },
      ])
      assert.deepStrictEqual(good.body.metadata.labels, { "example.com/b": "2" })
    }),
  )

  it.live("applies merge patches, and strategic ones that merge conditions by their type", () =>
    Effect.gen(function* () {
      const server = yield* withNode()
      const merged = yield* patch(server, "merge-patch", { metadata: { labels: { a: null, b: "2" } } })
      assert.deepStrictEqual(merged.body.metadata.labels, { b: "2" })
      const status = (type: string) =>
        patch(
          server,
          "strategic-merge-patch",
          { status: { conditions: [{ type, status: "True" }] } },
          "/api/v1/nodes/n/status",
        )
      yield* status("Ready")
      const both = yield* status("DiskPressure")
      assert.deepStrictEqual(
        both.body.status.conditions.map((condition) => condition.type),
        ["Ready", "DiskPressure"],
      )
      const unknown = yield* patch(server, "frob", {})
      assert.strictEqual(unknown.status, 415)
      const bySpec = yield* patch(server, "merge-patch", { status: null })
      assert.strictEqual(bySpec.body.status.conditions.length, 2)
    }),
  )

  it.live("lets nobody in without a token, and everybody do only what their rules say", () =>
    Effect.gen(function* () {
      const server = yield* withNode()
      server.admit(
        ApiServerDouble.serviceAccount("t", [
          { namespace: undefined, rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get"] }] },
          { namespace: "a", rules: [{ apiGroups: ["apps"], resources: ["daemonsets"], verbs: ["list"] }] },
        ]),
      )
      const as = (path: string, token: string, method = "GET") =>
        fetchJson(`${server.url}${path}`, { method, headers: { authorization: `Bearer ${token}` } })
      assert.strictEqual((yield* as("/api/v1/nodes/n", "other")).status, 401)
      assert.strictEqual((yield* as("/api/v1/nodes/n", "t")).status, 200)
      assert.strictEqual(
        (yield* as("/api/v1/nodes", "t")).body.message,
        'nodes is forbidden: User "system:serviceaccount:kube-system:kata-deploy" cannot list resource "nodes" in API group "" at the cluster scope',
      )
      assert.strictEqual((yield* as("/api/v1/nodes/n/proxy/configz", "t")).status, 403)
      assert.strictEqual((yield* as("/apis/apps/v1/namespaces/a/daemonsets", "t")).status, 200)
      assert.strictEqual((yield* as("/apis/apps/v1/namespaces/b/daemonsets", "t")).status, 403)
      server.expel("t")
      assert.strictEqual((yield* as("/api/v1/nodes/n", "t")).status, 401)
    }),
  )

  it.live("tells a watch what is there and what happens then", () =>
    Effect.gen(function* () {
      const server = yield* withNode()
      const seen = yield* Effect.promise(async () => {
        const abort = new AbortController()
        const response = await fetch(`${server.url}/api/v1/nodes?watch=true`, {
          headers,
          signal: abort.signal,
        })
        server.put("nodes", { metadata: { name: "m" } })
        server.delete("nodes", "n")
        let text = ""
        const decoder = new TextDecoder()
        for await (const chunk of response.body!) {
          text += decoder.decode(chunk)
          if (text.split("\n").length > 3) break
        }
        abort.abort()
        return text
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as { type: string; object: { metadata: { name: string } } })
      })
      assert.deepStrictEqual(
        seen.map(({ object, type }) => [type, object.metadata.name]),
        [
          ["ADDED", "n"],
          ["ADDED", "m"],
          ["DELETED", "n"],
        ],
      )
    }),
  )

  it.live("has every fault happen as often as it was planted, and only where it was meant to", () =>
    Effect.gen(function* () {
      const server = yield* withNode()
      server.plant(ApiFaults.busy(3), { verb: "get", resource: "nodes", times: 2 })
      const get = () => fetchJson(`${server.url}/api/v1/nodes/n`)
      assert.strictEqual((yield* fetchJson(`${server.url}/api/v1/nodes`)).status, 200)
      assert.deepStrictEqual([(yield* get()).status, (yield* get()).retryAfter], [429, "3"])
      assert.strictEqual((yield* get()).status, 200)
    }),
  )

  it.live("keeps the version of an object that does not change, and counts every change", () =>
    Effect.gen(function* () {
      const server = yield* withNode()
      const version = () => (server.get("nodes", "n") as unknown as Body).metadata.resourceVersion
      const before = version()
      yield* patch(server, "merge-patch", { metadata: { labels: { a: "1" } } })
      assert.strictEqual(version(), before)
      yield* patch(server, "merge-patch", { metadata: { labels: { a: "2" } } })
      assert.notStrictEqual(version(), before)
    }),
  )
})
