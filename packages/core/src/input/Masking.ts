/**
 * Answers: what of this text may be shown? User-info in URLs, and values of keys that hold credentials in TOML, are
 * replaced before anything reaches a log, a diff or a document (spec 12 W-23).
 */

const userInfo = /([a-z][a-z0-9+.-]*:\/\/)[^/\s"'@]+@/gi

const secretKey =
  /^([ \t]*(?:"|')?(?:auth|password|passwd|secret|token|identity_?token|registry_?token|username|credentials?|access_?key|api_?key|authorization)(?:"|')?[ \t]*=[ \t]*)(.*\S)/gim

/** What stands in the place of a secret. */
export const mask = "***"

/** `text` with user-info of URLs and values of credential keys masked. */
export const maskSecrets = (text: string): string =>
  text
    .replace(userInfo, `$1${mask}@`)
    .replace(
      secretKey,
      (_, key: string, value: string) => `${key}${/^\[?\s*["']{2}\s*\]?$/.test(value) ? value : `"${mask}"`}`,
    )
