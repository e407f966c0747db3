/**
 * Answers: who asks, and may they? Tokens stand for accounts, and accounts have rules as roles have them.
 */
import type { RoleRules } from "../Rights.ts"
import type { RequestLine } from "./RequestLine.ts"

/** Somebody who may ask. */
export interface Account {
  /** What they send as bearer token. */
  readonly token: string
  /** What the API server calls them: `system:serviceaccount:kube-system:kata-deploy`. */
  readonly user: string
  /** What they may do; `"everything"` for an administrator. */
  readonly roles: ReadonlyArray<RoleRules> | "everything"
}

/** The account that a request's `Authorization` belongs to. */
export const accountOf = (
  accounts: ReadonlyArray<Account>,
  authorization: string | undefined,
): Account | undefined => accounts.find(({ token }) => authorization === `Bearer ${token}`)

const includes = (list: ReadonlyArray<string>, wanted: string): boolean =>
  list.includes(wanted) || list.includes("*")

/** Whether RBAC grants a request: a rule of the cluster, or of the namespace that it is about. */
export const mayDo = ({ roles }: Account, { namespace, subresource, type, verb }: RequestLine): boolean => {
  if (roles === "everything") return true
  const resource = subresource === undefined ? type.plural : `${type.plural}/${subresource}`
  return roles.some(
    (role) =>
      (role.namespace === undefined || role.namespace === namespace) &&
      role.rules.some(
        (rule) =>
          includes(rule.apiGroups, type.group) &&
          includes(rule.resources, resource) &&
          includes(rule.verbs, verb),
      ),
  )
}
