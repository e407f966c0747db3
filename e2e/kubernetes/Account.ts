/**
 * Who is kata-deploy in the test cluster? A service account whose roles are made from the program's own table of rights,
 * and whose files lie where a pod would have them.
 */
import { createPrivateKey, createSign } from "node:crypto"
import { readFileSync } from "node:fs"
import { copyFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Rights } from "@kata-deploy/kubernetes"
import * as OwnFolder from "../OwnFolder.ts"
import type { Cluster } from "./Cluster.ts"

/** Namespace of the account. */
export const namespace = "kata-system"

const rbac = "rbac.authorization.k8s.io"
let counter = 0

/** A token with another life time, signed by the cluster's own key. */
const resigned = (token: string, key: string, expires: number): string => {
  const [header = "", payload = ""] = token.split(".")
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>
  const body = `${header}.${Buffer.from(JSON.stringify({ ...claims, exp: expires })).toString("base64url")}`
  const signature = createSign("RSA-SHA256").update(body).sign(createPrivateKey(key))
  return `${body}.${signature.toString("base64url")}`
}

/** A service account with roles, and the files of its pod. */
export class Account implements AsyncDisposable {
  readonly name: string
  /** Folder with `token`, `ca.crt` and `namespace`. */
  readonly folder: string
  private readonly cluster: Cluster
  private token = ""

  private constructor(cluster: Cluster, name: string, folder: string) {
    this.cluster = cluster
    this.name = name
    this.folder = folder
  }

  /** Makes an account that has these rights and nothing else. */
  static async make(cluster: Cluster, rights: ReadonlyArray<Rights.RightName>): Promise<Account> {
    counter += 1
    const name = `kata-deploy-${process.pid}-${counter}`
    const folder = await OwnFolder.make("kd-account-")
    const account = new Account(cluster, name, folder)
    await cluster.admin("POST", "/api/v1/namespaces", { metadata: { name: namespace } })
    await cluster.must("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } })
    for (const [index, role] of Rights.rolesOf(rights, namespace).entries())
      await account.bind(`${name}-${index}`, role)
    await copyFile(cluster.pki.path("ca.crt"), join(folder, "ca.crt"))
    await writeFile(join(folder, "namespace"), namespace)
    account.token = await cluster.token(namespace, name)
    await account.present(account.token)
    return account
  }

  /** What the API server calls the account. */
  get user(): string {
    return `system:serviceaccount:${namespace}:${this.name}`
  }

  /** Puts a token where the pod has it. */
  async present(token: string): Promise<void> {
    await writeFile(join(this.folder, "token"), token)
  }

  /** Puts a token there that was good until an hour ago. */
  async presentExpired(): Promise<void> {
    const key = readFileSync(this.cluster.pki.path("accounts.key"), "utf8")
    await this.present(resigned(this.token, key, Math.floor(Date.now() / 1000) - 3600))
  }

  /** Puts the good token there again. */
  async presentGood(): Promise<void> {
    await this.present(this.token)
  }

  private async bind(name: string, role: Rights.RoleRules): Promise<void> {
    const isCluster = role.namespace === undefined
    const folder = isCluster ? `/apis/${rbac}/v1` : `/apis/${rbac}/v1/namespaces/${role.namespace}`
    const kind = isCluster ? "ClusterRole" : "Role"
    // The namespace of leases is made by the controller manager, which does not run here.
    if (!isCluster)
      await this.cluster.admin("POST", "/api/v1/namespaces", { metadata: { name: role.namespace } })
    await this.cluster.must("POST", `${folder}/${kind.toLowerCase()}s`, {
      metadata: { name },
      rules: role.rules,
    })
    await this.cluster.must("POST", `${folder}/${kind.toLowerCase()}bindings`, {
      metadata: { name },
      roleRef: { apiGroup: rbac, kind, name },
      subjects: [{ kind: "ServiceAccount", name: this.name, namespace }],
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}
