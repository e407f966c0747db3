/**
 * Answers: why did a request come to nothing, and what is to be done about it? The reason is data; the text for people
 * is made here, in one place, and never shows a token.
 */
import { Fact, NodeApi } from "@kata-deploy/core"
import { Data } from "effect"
import type { Access, CredentialsError } from "./Access.ts"
import type { Status } from "./ApiObjects.ts"
import { namespaceOf, type Right, ruleOf } from "./Rights.ts"
import type { TransportError } from "./Transport.ts"

/** Why a request came to nothing. */
export type ApiFailureReason =
  | {
      readonly _tag: "Answered"
      readonly status: number
      readonly body: Status
      readonly retryAfterSeconds: number | undefined
    }
  | { readonly _tag: "NoAnswer"; readonly error: TransportError; readonly afterSeconds: number }
  | { readonly _tag: "NoCredentials"; readonly error: CredentialsError }
  | { readonly _tag: "NotUnderstood"; readonly why: string }

/** A request came to nothing. */
export class ApiFailure extends Data.TaggedError("ApiFailure")<{
  readonly reason: ApiFailureReason
  /** The right that the request made use of. */
  readonly right: Right
  /** Who asked whom. */
  readonly access: Pick<Access, "server" | "described" | "namespace" | "source">
}> {
  override get message(): string {
    return explain(this).detail
  }
}

/** The HTTP status of a failure that has one. */
export const statusOf = ({ reason }: ApiFailure): number | undefined =>
  reason._tag === "Answered" ? reason.status : undefined

/** Whether the API server itself says that the object does not exist. */
export const isNotFound = ({ reason }: ApiFailure): boolean =>
  reason._tag === "Answered" &&
  reason.status === 404 &&
  reason.body.reason === "NotFound" &&
  Boolean(reason.body.details?.name)

interface Explanation {
  readonly detail: string
  readonly remedy: string
}

/** Longest part of a server's message that is shown, in characters; some quote the whole object. */
const longestQuote = 400

/** A server's sentence as a clause of ours, cut where it is too long for people. */
export const clause = (text: string): string => {
  const whole = text.trim().replace(/\.$/, "")
  return whole.length <= longestQuote ? whole : `${whole.slice(0, longestQuote)}…`
}

/** `nodes`, `daemonsets.apps`: a resource as kubectl writes it. */
const kubectlName = (right: Right): string => {
  const [resource = ""] = right.resource.split("/")
  return right.apiGroup === "" ? resource : `${resource}.${right.apiGroup}`
}

/** Who the API server says we are. */
const userIn = (message: string): string | undefined => /User "([^"]+)" cannot/.exec(message)?.[1]

const forbidden = ({ access, right }: ApiFailure, body: Status): Explanation => {
  const message = body.message ?? ""
  if (message !== "" && !/ cannot \w+ resource /.test(message))
    return {
      detail: `the API server forbids it: ${clause(message)}`,
      remedy: "Rights are not what is missing; look for the admission plugin or webhook that says so.",
    }
  const namespace = namespaceOf(right, access.namespace)
  const where = namespace === undefined ? "in the whole cluster" : `in namespace ${namespace}`
  const user = userIn(message)
  if (user === "system:anonymous")
    return {
      detail: `the API server ${access.server.host} takes us for nobody: ${access.described} holds no credentials`,
      remedy: "Check the user of the context, and that kubectl get nodes works with it.",
    }
  const rule = JSON.stringify(ruleOf(right))
  const subresource = right.resource.split("/")[1]
  const check = [
    `kubectl auth can-i ${right.verb} ${kubectlName(right)}`,
    ...(subresource === undefined ? [] : [`--subresource=${subresource}`]),
    ...(namespace === undefined ? [] : [`-n ${namespace}`]),
    ...(user === undefined ? [] : [`--as=${user}`]),
  ].join(" ")
  return {
    detail: `${user ?? access.described} may not ${right.verb} ${right.resource} (API group "${right.apiGroup}") ${where}`,
    remedy: `Bind a ${namespace === undefined ? "ClusterRole" : `Role of namespace ${namespace}`} with the rule ${rule} to it, and check with: ${check}`,
  }
}

const unauthorized = ({ access }: ApiFailure): Explanation => ({
  detail: `the API server ${access.server.host} does not accept our credentials (${access.described}): expired, or those of another cluster`,
  remedy:
    access.source === "in-cluster"
      ? "Restart the pod, so that the kubelet mounts a new token; if that does not help, check the node's clock and that the service account still exists."
      : "Log in again, and check with kubectl get nodes in the same context.",
})

const tooBusy =
  "Try again when the API server is less busy, or look at its flow control (kubectl get --raw /debug/api_priority_and_fairness/dump_priority_levels)."

const answered = (failure: ApiFailure, status: number, body: Status): Explanation => {
  if (status === 401) return unauthorized(failure)
  if (status === 403) return forbidden(failure, body)
  const said = body.message ? `: ${clause(body.message)}` : ""
  const detail = `the API server answers ${status}${said}`
  if (status === 404) return { detail, remedy: "Check the name, and that this is the right cluster." }
  if (status === 429) return { detail: `the API server asks us to wait${said}`, remedy: tooBusy }
  if (status >= 500)
    return { detail, remedy: "Look at the API server and its etcd, and try again when they are well." }
  return { detail, remedy: "Look at the API server's log for the reason." }
}

const notTrusted = (failure: ApiFailure, code: string): Explanation => {
  const { access } = failure
  const ca =
    access.source === "in-cluster"
      ? "the CA that is mounted beside the token"
      : "certificate-authority of the cluster in the kubeconfig"
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID")
    return {
      detail: `the certificate of the API server ${access.server.host} is ${code === "CERT_HAS_EXPIRED" ? "expired" : "not valid yet"}`,
      remedy: "Check the clock of this machine, then renew the API server's certificate.",
    }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return {
      detail: `the certificate of the API server does not name ${access.server.hostname}`,
      remedy: "Use an address that the certificate names, or set tls-server-name in the kubeconfig.",
    }
  return {
    detail: `the certificate of the API server ${access.server.host} is not signed by a CA that we know (${code})`,
    remedy: `Check ${ca}: it has to be that of this cluster, and a proxy in between must not replace certificates.`,
  }
}

const noAnswer = (failure: ApiFailure, error: TransportError, afterSeconds: number): Explanation => {
  const { access } = failure
  const { host, hostname } = access.server
  switch (error.fault) {
    case "not-trusted":
      return notTrusted(failure, error.code)
    case "unknown-host":
      return {
        detail: `the name ${hostname} of the API server cannot be resolved (${error.code})`,
        remedy: "Check the name, and the DNS of this machine.",
      }
    case "unreachable":
      return {
        detail: `the API server ${host} cannot be reached (${error.code})`,
        remedy: "Check that it runs, and that nothing between it and this machine drops connections.",
      }
    case "not-http":
      return {
        detail: `what answers at ${access.server.origin} does not speak ${access.server.protocol === "https:" ? "TLS" : "HTTP"} (${error.code})`,
        remedy: "Check address and port of the API server, and any proxy in between.",
      }
    case "timed-out":
      return {
        detail: `the API server ${host} gave no answer within ${afterSeconds} s`,
        remedy: "Look at its load and at the network, and try again.",
      }
    case "broken":
      return {
        detail: `the connection to the API server ${host} ended before the answer did (${error.code})`,
        remedy: "Look for a restart of the API server or a proxy that cuts connections, and try again.",
      }
  }
}

/** What happened, as a clause, and what to do. */
export const explain = (failure: ApiFailure): Explanation => {
  const { reason } = failure
  switch (reason._tag) {
    case "Answered":
      return answered(failure, reason.status, reason.body)
    case "NoAnswer":
      return noAnswer(failure, reason.error, reason.afterSeconds)
    case "NoCredentials":
      return { detail: reason.error.detail, remedy: reason.error.remedy }
    case "NotUnderstood":
      return {
        detail: `the answer of ${failure.access.server.host} is not that of an API server: ${reason.why}`,
        remedy: "Check the address of the API server, and any proxy in between.",
      }
  }
}

/** A failure as the port has it. */
export const clusterError =
  (operation: string) =>
  (failure: ApiFailure): NodeApi.ClusterError =>
    new NodeApi.ClusterError({ operation, ...explain(failure) })

/** An error as a fact that could not be seen; what to do about it is part of the reason. */
export const unknownBy = (error: NodeApi.ClusterError): Fact.Unknown =>
  Fact.unknown("failed", `${error.detail} (${clause(error.remedy)})`)
