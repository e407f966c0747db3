/**
 * Does the double speak like the real API server? Both are asked the same; status, reason, message and causes have to be
 * the same, so that tests at the double are worth something.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { readFileSync } from "node:fs"
import { ApiServerDouble } from "@kata-deploy/kubernetes/testing"
import { Account } from "./Account.ts"
import { type Binaries, obtain, wayOf } from "./Binaries.ts"
import { type Answer, ask, Cluster } from "./Cluster.ts"

const jsonPatch = "application/json-patch+json"
const mergePatch = "application/merge-patch+json"
const node = "/api/v1/nodes/n"
const label = (op: string, key: string, value?: unknown) => ({ op, path: `/metadata/labels/${key}`, value })

/** One question to both: who asks, and what. */
interface Question {
  readonly what: string
  readonly by: "administrator" | "nobody" | "stranger"
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
  /** Status that a real server answered with; all that is known where there is none. */
  readonly status: number
}

const questions: ReadonlyArray<Question> = [
  { what: "an absent node", by: "administrator", method: "GET", path: "/api/v1/nodes/none", status: 404 },
  {
    what: "an absent DaemonSet",
    by: "administrator",
    method: "GET",
    path: "/apis/apps/v1/namespaces/default/daemonsets/none",
    status: 404,
  },
  {
    what: "a second node of that name",
    by: "administrator",
    method: "POST",
    path: "/api/v1/nodes",
    body: { metadata: { name: "n" } },
    status: 409,
  },
  {
    what: "a resource that there is not",
    by: "administrator",
    method: "GET",
    path: "/api/v1/frobs",
    status: 404,
  },
  {
    what: "the kubelet of a node without address",
    by: "administrator",
    method: "GET",
    path: `${node}/proxy/configz`,
    status: 500,
  },
  ...[
    ["a test that does not hold", [label("test", "a", "9")], 422],
    ["a label to be removed that is not there", [label("remove", "none")], 422],
    ["a path without parent", [{ op: "add", path: "/metadata/nowhere/x", value: "1" }], 422],
    ["a label key that is invalid", [label("add", "-bad-", "1")], 422],
    ["a label value that is invalid", [label("add", "ok", "no spaces")], 422],
    ["an unknown operation", [label("frob", "a", "1")], 422],
    ["no list of operations", { a: 1 }, 400],
    ["a test that holds, and a change", [label("test", "a", "1"), label("add", "b", "2")], 200],
  ].map(([what, body, status]): Question => ({
    what: `a JSON patch with ${what as string}`,
    by: "administrator",
    method: "PATCH",
    path: node,
    body,
    contentType: jsonPatch,
    status: Number(status),
  })),
  {
    what: "a merge patch that goes by an older version",
    by: "administrator",
    method: "PATCH",
    path: node,
    body: { metadata: { resourceVersion: "1", labels: { x: "y" } } },
    contentType: mergePatch,
    status: 409,
  },
  {
    what: "a patch of another type",
    by: "administrator",
    method: "PATCH",
    path: node,
    body: { a: 1 },
    contentType: "application/json",
    status: 415,
  },
  {
    what: "an update that goes by an older version",
    by: "administrator",
    method: "PUT",
    path: node,
    body: { apiVersion: "v1", kind: "Node", metadata: { name: "n", resourceVersion: "1" } },
    status: 409,
  },
  { what: "a token that is nobody's", by: "nobody", method: "GET", path: node, status: 401 },
  ...[
    ["GET", node],
    ["PATCH", node],
    ["GET", "/api/v1/nodes"],
    ["GET", "/api/v1/nodes?watch=true"],
    ["GET", `${node}/proxy/configz`],
    ["GET", "/apis/apps/v1/daemonsets"],
    ["GET", "/apis/apps/v1/namespaces/kata-system/daemonsets/own"],
    ["GET", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n"],
    ["POST", "/api/v1/namespaces/default/events"],
    ["DELETE", node],
  ].map(([method, path]): Question => ({
    what: `${method} ${path} without rights`,
    by: "stranger",
    method: method!,
    path: path!,
    ...(method === "GET" || method === "DELETE" ? {} : { body: [], contentType: jsonPatch }),
    status: 403,
  })),
]

interface StatusBody {
  readonly message?: string
  readonly reason?: string
  readonly details?: { readonly causes?: ReadonlyArray<object> } & Readonly<Record<string, unknown>>
}

/** What of an answer has to be the same; the real server names some causes several times. */
const essence = ({ body, status }: Answer) => {
  if (status < 300) return { status }
  const { details, message, reason } = body as StatusBody
  const { causes, ...rest } = details ?? {}
  const different = [...new Set((causes ?? []).map((cause) => JSON.stringify(cause)))]
  return {
    status,
    reason,
    // The message repeats the causes as often as they are named.
    message: causes === undefined ? message : undefined,
    details: details === undefined ? undefined : rest,
    causes: different,
  }
}

const run = (real: Binaries | undefined): void => {
  let cluster: Cluster | undefined
  let stranger: Account | undefined
  let double: ApiServerDouble.ApiServerDouble
  const tokens: Record<Question["by"], string> = {
    administrator: "administrator",
    nobody: "nope",
    stranger: "stranger",
  }
  beforeAll(async () => {
    const body = { metadata: { name: "n", labels: { a: "1" } } }
    double = new ApiServerDouble.ApiServerDouble()
    await double.start()
    double.put("nodes", body)
    if (real !== undefined) {
      cluster = await Cluster.start(real)
      stranger = await Account.make(cluster, [])
      tokens.stranger = readFileSync(`${stranger.folder}/token`, "utf8")
      await cluster.must("POST", "/api/v1/nodes", body)
    }
    double.admit({ token: tokens.stranger, user: stranger?.user ?? "stranger", roles: [] })
  })
  afterAll(async () => {
    await stranger?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
    await double?.stop()
  })

  const ofReal = (at: Cluster, { body, by, contentType, method, path }: Question): Promise<Answer> => {
    if (by === "administrator") return at.admin(method, path, body, contentType)
    const headers = { authorization: `Bearer ${tokens[by]}` }
    const ca = readFileSync(at.pki.path("ca.crt"))
    return ask({ ca, headers }, `${at.url}${path}`, method, body, contentType)
  }
  const ofDouble = async ({ body, by, contentType, method, path }: Question): Promise<Answer> => {
    const response = await fetch(`${double.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${tokens[by]}`,
        ...(body === undefined ? {} : { "content-type": contentType ?? "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }

  for (const question of questions)
    test(question.what, async () => {
      const answer = await ofDouble(question)
      expect(answer.status).toBe(question.status)
      if (cluster !== undefined) expect(essence(answer)).toEqual(essence(await ofReal(cluster, question)))
    })
}

const obtained = await obtain(wayOf(process.env["KATA_DEPLOY_E2E_KUBERNETES"]))
if ("notRun" in obtained)
  describe(`the double answers with the status codes of a real API server (none ran: ${obtained.notRun.split("\n")[0]})`, () =>
    run(undefined))
else describe("the double answers like a real API server, word for word", () => run(obtained))
