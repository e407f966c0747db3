import { assert, describe, it } from "@effect/vitest"
import { ApiFailure, type ApiFailureReason, explain, isNotFound } from "../src/ApiFailure.ts"
import { CredentialsError } from "../src/Access.ts"
import { rights } from "../src/Rights.ts"
import { TransportError, type TransportFault } from "../src/Transport.ts"

const access = (source: "in-cluster" | "kubeconfig") => ({
  source,
  server: new URL("https://10.96.0.1:443"),
  namespace: "kube-system",
  described:
    source === "in-cluster" ? "the service account of this pod" : "context lab of /root/.kube/config",
})

const told = (reason: ApiFailureReason, source: "in-cluster" | "kubeconfig" = "in-cluster") => {
  const { detail, remedy } = explain(
    new ApiFailure({ reason, right: rights.readNode, access: access(source) }),
  )
  return `${detail}. ${remedy}`
}
const answered = (status: number, message?: string): ApiFailureReason => ({
  _tag: "Answered",
  status,
  body: message === undefined ? {} : { message },
  retryAfterSeconds: undefined,
})
const noAnswer = (fault: TransportFault, code = "CODE"): ApiFailureReason => ({
  _tag: "NoAnswer",
  error: new TransportError({ fault, code }),
  afterSeconds: 20,
})

describe("a failure tells what happened and what to do", () => {
  for (const [what, text, expected] of [
    [
      "an expired token in a pod",
      told(answered(401)),
      [/does not accept our credentials/, /Restart the pod/],
    ],
    ["an expired token of a kubeconfig", told(answered(401), "kubeconfig"), [/context lab/, /Log in again/]],
    [
      "a refusal that is not about rights",
      told(answered(403, "node is not allowed to modify labels: kubernetes.io/x")),
      [/not allowed to modify labels/, /admission plugin/],
    ],
    [
      "an account without credentials",
      told(
        answered(
          403,
          'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope',
        ),
        "kubeconfig",
      ),
      [/takes us for nobody: context lab of .* holds no credentials/, /kubectl get nodes/],
    ],
    ["a refusal without words", told(answered(403)), [/may not get nodes/, /Bind a ClusterRole/]],
    [
      "a wrong CA in a pod",
      told(noAnswer("not-trusted", "UNABLE_TO_VERIFY_LEAF_SIGNATURE")),
      [/not signed by a CA that we know/, /mounted beside the token/],
    ],
    [
      "a wrong CA of a kubeconfig",
      told(noAnswer("not-trusted", "SELF_SIGNED_CERT_IN_CHAIN"), "kubeconfig"),
      [/certificate-authority/],
    ],
    ["an expired certificate", told(noAnswer("not-trusted", "CERT_HAS_EXPIRED")), [/is expired/, /clock/]],
    [
      "a certificate of tomorrow",
      told(noAnswer("not-trusted", "CERT_NOT_YET_VALID")),
      [/not valid yet/, /clock/],
    ],
    [
      "a certificate of another name",
      told(noAnswer("not-trusted", "ERR_TLS_CERT_ALTNAME_INVALID")),
      [/does not name 10\.96\.0\.1/, /tls-server-name/],
    ],
    [
      "a refused connection",
      told(noAnswer("unreachable", "ECONNREFUSED")),
      [/cannot be reached \(ECONNREFUSED\)/, /Check that it runs/],
    ],
    ["an unknown name", told(noAnswer("unknown-host", "ENOTFOUND")), [/cannot be resolved/, /DNS/]],
    ["silence", told(noAnswer("timed-out")), [/no answer within 20 s/]],
    ["a broken connection", told(noAnswer("broken", "ECONNRESET")), [/ended before the answer did/]],
    ["another protocol", told(noAnswer("not-http")), [/does not speak TLS/]],
    [
      "a server in trouble",
      told(answered(503, "etcd is away.")),
      [/answers 503: etcd is away\. Look at the API server/],
    ],
    ["a busy server", told(answered(429)), [/asks us to wait/, /less busy/]],
    [
      "a page of something else",
      told({ _tag: "NotUnderstood", why: "it has another shape" }),
      [/not that of an API server/],
    ],
    [
      "missing credentials",
      told({ _tag: "NoCredentials", error: new CredentialsError({ detail: "d", remedy: "r" }) }),
      [/^d\. r$/],
    ],
  ] as const)
    it(`of ${what}`, () => {
      for (const pattern of expected) assert.match(text, pattern)
    })

  it("and cuts what a server quotes at length", () => {
    assert.isBelow(told(answered(500, "x".repeat(10_000))).length, 700)
  })
})

describe("an object does not exist", () => {
  const by = (body: object) =>
    isNotFound(
      new ApiFailure({
        reason: { _tag: "Answered", status: 404, body, retryAfterSeconds: undefined },
        right: rights.readNode,
        access: access("in-cluster"),
      }),
    )
  it("where the API server says so of the object", () => {
    assert.isTrue(by({ reason: "NotFound", details: { name: "n" } }))
  })
  it("not where a path is unknown, or something else answers", () => {
    assert.isFalse(by({ reason: "NotFound", details: {} }))
    assert.isFalse(by({ details: { name: "n" } }))
    assert.isFalse(by({}))
  })
})
