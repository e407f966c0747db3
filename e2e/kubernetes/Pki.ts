/**
 * Who may be believed in the test cluster? A CA of its own, made with openssl for each run, and what it signs.
 */
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { must } from "../Command.ts"

/** Makes keys and certificates in one folder. */
export class Pki {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  /** Path of a file of the folder. */
  path(name: string): string {
    return join(this.folder, name)
  }

  /** Content of a file of the folder. */
  text(name: string): Promise<string> {
    return readFile(this.path(name), "utf8")
  }

  private openssl(...args: ReadonlyArray<string>): Promise<unknown> {
    return must("openssl", args, { cwd: this.folder })
  }

  /** Makes a CA: `NAME.crt` and `NAME.key`. */
  async ca(name: string): Promise<void> {
    await this.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${name}.key`)
    await this.openssl(
      "req",
      "-x509",
      "-new",
      "-key",
      `${name}.key`,
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
      "-out",
      `${name}.crt`,
    )
  }

  /** Makes a certificate that `ca` signs: `NAME.crt` and `NAME.key`. */
  async certificate(ca: string, name: string, subject: string, names = "IP:127.0.0.1"): Promise<void> {
    await this.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${name}.key`)
    await this.openssl("req", "-new", "-key", `${name}.key`, "-subj", subject, "-out", `${name}.csr`)
    await writeFile(
      this.path(`${name}.ext`),
      `extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=${names}\n`,
    )
    await this.openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      `${ca}.crt`,
      "-CAkey",
      `${ca}.key`,
      "-CAcreateserial",
      "-days",
      "2",
      "-extfile",
      `${name}.ext`,
      "-out",
      `${name}.crt`,
    )
  }

  /** Makes the key that signs tokens of service accounts: `NAME.key` and `NAME.pub`. */
  async tokenKey(name: string): Promise<void> {
    await this.openssl("genrsa", "-out", `${name}.key`, "2048")
    await this.openssl("rsa", "-in", `${name}.key`, "-pubout", "-out", `${name}.pub`)
  }
}
