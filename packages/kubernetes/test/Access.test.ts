import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { NodeApi, type Problem } from "@kata-deploy/core"
import { Access, NodeKubernetes } from "@kata-deploy/kubernetes"
import { Effect } from "effect"
import { furnished, node, whyUnknown } from "./SampleNode.ts"

/** A folder of the test's own, by file name what it holds. */
const folder = (files: Readonly<Record<string, string>> = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = mkdtempSync(join(tmpdir(), "kata-deploy-access-"))
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(join(path, name, ".."), { recursive: true })
        writeFileSync(join(path, name), text)
      }
      return path
    }),
    (path) => Effect.sync(() => rmSync(path, { recursive: true })),
  )

const account = { token: "first\n", "ca.crt": "CA", namespace: "kata" }
const inPod = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" }
const kubeconfig = (...contexts: ReadonlyArray<string>): string =>
  JSON.stringify({
    clusters: contexts.map((name) => ({ name, cluster: { server: `https://${name}.example.com` } })),
    users: contexts.map((name) => ({ name, user: { token: `${name}-secret` } })),
    contexts: contexts.map((name) => ({ name, context: { cluster: name, user: name } })),
    "current-context": contexts[0],
  })

const problemOf = (options: Access.Options) =>
  Effect.map(Effect.flip(Access.resolve(options)), ({ problems }): Problem.Problem => problems[0]!)

describe("the choice of the API server", () => {
  const nothing = { named: false, variable: false, serviceHost: false, token: false, homeFile: false }
  for (const [what, choices, chosen] of [
    ["nothing", {}, "nothing"],
    ["a pod", { serviceHost: true, token: true }, "in-cluster"],
    ["a pod with ~/.kube/config", { serviceHost: true, token: true, homeFile: true }, "in-cluster"],
    ["a pod with KUBECONFIG", { serviceHost: true, token: true, variable: true }, "kubeconfig"],
    ["a pod with --kubeconfig", { serviceHost: true, token: true, named: true }, "kubeconfig"],
    ["a pod without a token", { serviceHost: true }, "nothing"],
    ["a token without a service host", { token: true }, "nothing"],
    ["~/.kube/config", { homeFile: true }, "kubeconfig"],
  ] as const)
    it(`of ${what} is ${chosen}`, () => {
      assert.strictEqual(Access.choose({ ...nothing, ...choices }), chosen)
    })

  it.effect("of nothing is a problem that names --kube none", () =>
    Effect.gen(function* () {
      const directory = yield* folder()
      const options = { mode: "auto", serviceAccountDirectory: directory } as const
      const alone = yield* problemOf({ ...options, environment: { HOME: directory } })
      assert.strictEqual(alone.setting, "--kube")
      assert.match(alone.message, /neither --kubeconfig, KUBECONFIG nor ~\/.kube\/config/)
      assert.include(alone.remedy, "--kube none")
      const pod = yield* problemOf({ ...options, environment: { ...inPod, HOME: directory } })
      assert.match(pod.remedy, /automountServiceAccountToken/)
    }),
  )
})

describe("a pod", () => {
  it.effect("asks its API server as its service account, with the token as it is now", () =>
    Effect.gen(function* () {
      const directory = yield* folder(account)
      const access = yield* Access.resolve({
        mode: "auto",
        environment: inPod,
        serviceAccountDirectory: directory,
      })
      assert.strictEqual(access.server.href, "https://10.96.0.1/")
      assert.strictEqual(access.namespace, "kata")
      assert.deepStrictEqual(yield* access.credentials, {
        headers: { authorization: "Bearer first" },
        ca: "CA",
      })
      writeFileSync(join(directory, "token"), "second")
      assert.deepStrictEqual((yield* access.credentials).headers, { authorization: "Bearer second" })
    }),
  )

  it.effect("may have an API server with an IPv6 address", () =>
    Effect.gen(function* () {
      const access = yield* Access.resolve({
        mode: "in-cluster",
        environment: { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" },
        serviceAccountDirectory: yield* folder(account),
      })
      assert.strictEqual(access.server.origin, "https://[fd00::1]:6443")
    }),
  )

  it.effect("whose token is gone or empty knows the file, and shows no secret", () =>
    Effect.gen(function* () {
      const directory = yield* folder(account)
      const access = yield* Access.resolve({
        mode: "in-cluster",
        environment: inPod,
        serviceAccountDirectory: directory,
      })
      writeFileSync(join(directory, "token"), " \n")
      const empty = yield* Effect.flip(access.credentials)
      assert.strictEqual(empty.detail, `${directory}/token is empty`)
      rmSync(join(directory, "token"))
      const gone = yield* Effect.flip(access.credentials)
      assert.strictEqual(gone.detail, `${directory}/token cannot be read (ENOENT)`)
      const why = whyUnknown(
        yield* Effect.flatMap(NodeApi.NodeApi, (api) => api.node).pipe(
          Effect.provide(NodeKubernetes.layerOf(access, node)),
        ),
      )
      assert.include(why, "automountServiceAccountToken")
    }),
  )

  it.effect("is none where the environment says nothing of an API server", () =>
    Effect.gen(function* () {
      const problem = yield* problemOf({ mode: "in-cluster", environment: {} })
      assert.strictEqual(problem.code, "E_NOT_IN_A_POD")
      assert.include(problem.remedy, "--kube none")
    }),
  )
})

describe("a kubeconfig", () => {
  it.effect("gives server, namespace and token of its current context", () =>
    Effect.gen(function* () {
      const home = yield* folder({ ".kube/config": kubeconfig("one", "two") })
      const access = yield* Access.resolve({
        mode: "auto",
        environment: { HOME: home },
        serviceAccountDirectory: home,
      })
      assert.strictEqual(access.server.href, "https://one.example.com/")
      assert.strictEqual(access.namespace, "default")
      assert.deepStrictEqual(yield* access.credentials, { headers: { authorization: "Bearer one-secret" } })
    }),
  )

  it.effect("gives another context that was named", () =>
    Effect.gen(function* () {
      const directory = yield* folder({ config: kubeconfig("one", "two") })
      const options = { mode: "auto", kubeconfig: join(directory, "config"), environment: {} } as const
      const access = yield* Access.resolve({ ...options, context: "two" })
      assert.strictEqual(access.server.hostname, "two.example.com")
      const problem = yield* problemOf({ ...options, context: "three" })
      assert.strictEqual(problem.setting, "--context")
      assert.include(problem.message, "has no context three; it has one, two")
    }),
  )

  it.effect(
    "of several files is merged as kubectl does it: the first wins, missing ones are passed over",
    () =>
      Effect.gen(function* () {
        const directory = yield* folder({
          a: kubeconfig("shared", "a"),
          b: kubeconfig("b", "shared").replaceAll("shared.example.com", "elsewhere.example.com"),
        })
        const files = ["none", "a", "b"].map((name) => join(directory, name)).join(":")
        const at = (context?: string) =>
          Access.resolve({ mode: "kubeconfig", environment: { KUBECONFIG: files }, context })
        assert.strictEqual((yield* at()).server.hostname, "shared.example.com")
        assert.strictEqual((yield* at("b")).server.hostname, "b.example.com")
        assert.deepStrictEqual((yield* (yield* at("b")).credentials).headers, {
          authorization: "Bearer b-secret",
        })
      }),
  )

  for (const [what, text, message] of [
    ["is not there", undefined, /There is no kubeconfig .*file/],
    ["is no YAML", "users: [token: SECRET: x", /cannot be read: line 1: /],
    ["is not one", '{"clusters":[{"name":"a"}],"SECRET":1}', /has another shape than a kubeconfig/],
    ["names no context", "{}", /has no current context/],
    [
      "names a cluster that it does not have",
      '{"contexts":[{"name":"a","context":{"cluster":"SECRET","user":"u"}}],"current-context":"a"}',
      /names no cluster with a server/,
    ],
  ] as const)
    it.effect(`that ${what} is a problem that shows nothing of it`, () =>
      Effect.gen(function* () {
        const directory = yield* folder(text === undefined ? {} : { file: text })
        const problem = yield* problemOf({
          mode: "kubeconfig",
          kubeconfig: join(directory, "file"),
          environment: {},
        })
        assert.strictEqual(problem.code, "E_KUBECONFIG")
        assert.match(problem.message, message)
        assert.notInclude(JSON.stringify(problem), "SECRET")
      }),
    )

  it.effect("may name a file that holds the token, beside itself", () =>
    Effect.gen(function* () {
      const config = {
        clusters: [{ name: "c", cluster: { server: "https://example.com" } }],
        users: [{ name: "u", user: { tokenFile: "token", token: "older" } }],
        contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
        "current-context": "x",
      }
      const directory = yield* folder({ file: JSON.stringify(config), token: "from-file\n" })
      const access = yield* Access.resolve({
        mode: "kubeconfig",
        kubeconfig: join(directory, "file"),
        environment: {},
      })
      assert.deepStrictEqual(yield* access.credentials, { headers: { authorization: "Bearer from-file" } })
    }),
  )

  it.effect("whose plugin fails gives no credentials, and nothing of what it printed to parse", () =>
    Effect.gen(function* () {
      const config = {
        clusters: [{ name: "c", cluster: { server: "https://example.com" } }],
        users: [
          {
            name: "u",
            user: {
              exec: { apiVersion: "client.authentication.k8s.io/v1", command: "echo", args: ["SECRET"] },
            },
          },
        ],
        contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
        "current-context": "x",
      }
      const directory = yield* folder({ file: JSON.stringify(config) })
      const access = yield* Access.resolve({
        mode: "kubeconfig",
        kubeconfig: join(directory, "file"),
        environment: {},
      })
      const error = yield* Effect.flip(access.credentials)
      assert.match(error.detail, /^context x of .* gives no credentials: its answer is no JSON$/)
      assert.notInclude(JSON.stringify(error), "SECRET")
    }),
  )

  it.live("reaches a server without TLS, such as kubectl proxy", () =>
    Effect.gen(function* () {
      const { server } = yield* furnished()
      const directory = yield* folder({ file: server.kubeconfig() })
      const layer = NodeKubernetes.layer({
        mode: "auto",
        kubeconfig: join(directory, "file"),
        environment: {},
        ...node,
      })
      const fact = yield* Effect.flatMap(NodeApi.NodeApi, (api) => api.node).pipe(Effect.provide(layer))
      assert.strictEqual(fact._tag, "Known")
    }),
  )
})
