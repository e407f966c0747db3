/**
 * Answers: what of this text may be shown? User-info in URLs, and values of keys that hold credentials in TOML or
 * JSON, are replaced before anything reaches a log, a diff or a document (spec 12 W-23). One pass over the text, so
 * that no input takes long.
 */

/** What stands in the place of a secret. */
export const mask = "***"

const authorityEnd = /[/\s"'`<>?#]/

/** `text` with everything in front of the last `@` of each URL's authority masked. */
const withoutUserInfo = (text: string): string => {
  let out = ""
  let from = 0
  // The scheme of a second URL may end where the authority of the first does.
  for (let at = text.indexOf("://"); at >= 0; at = text.indexOf("://", Math.max(at + 3, from - 1))) {
    const start = at + 3
    let end = start
    while (end < text.length && !authorityEnd.test(text[end]!)) end++
    const sign = text.slice(start, end).lastIndexOf("@")
    const isScheme = at > 0 && /[a-z0-9+.-]/i.test(text[at - 1]!)
    out +=
      text.slice(from, start) +
      (isScheme && sign > 0 ? mask + text.slice(start + sign, end) : text.slice(start, end))
    from = end
  }
  return out + text.slice(from)
}

/** Keys that hold credentials, with `=` behind them, or `:` behind a quoted one. */
const secretKey =
  /(?<=^|[^\w-]|\\[nrt])(["']?)(?:[\w-]*[_-])?(?:auth|password|passwd|secret|token|identitytoken|registrytoken|username|credentials?|access_?key|api_?key|authorization)(?:\1[ \t]*=|(?<=["'][\w-]*)["'][ \t]*:)[ \t]*/gi

/** Offset behind the string that starts at `at`; one that is not closed ends with its line. */
const stringEnd = (text: string, at: number): number => {
  const quote = text[at]!
  const triple = text.startsWith(quote.repeat(3), at)
  const close = triple ? quote.repeat(3) : quote
  let end = at + close.length
  while (end < text.length && !text.startsWith(close, end)) {
    if (!triple && text[end] === "\n") return end
    end += quote === '"' && text[end] === "\\" ? 2 : 1
  }
  return Math.min(end + close.length, text.length)
}

/** Offset behind the value that starts at `at`; brackets that are not closed reach to the end of the text. */
const valueEnd = (text: string, at: number): number => {
  let depth = 0
  let end = at
  while (end < text.length) {
    const c = text[end]!
    if (c === '"' || c === "'") end = stringEnd(text, end)
    else if (c === "[" || c === "{") {
      depth++
      end++
    } else if (depth === 0 && /[,\]}#\r\n]/.test(c)) break
    else if (c === "]" || c === "}") {
      depth--
      end++
    } else if (c === "#") {
      const line = text.indexOf("\n", end)
      end = line < 0 ? text.length : line
    } else {
      end++
      continue
    }
    if (depth === 0) return end
  }
  while (end > at && (text[end - 1] === " " || text[end - 1] === "\t")) end--
  return end
}

const isEmpty = (value: string): boolean => /^(?:|""|''|\[\s*\]|\{\s*\})$/.test(value)

interface Masked {
  /** Offset behind the value. */
  readonly end: number
  /** What stands in its place. */
  readonly instead: string
}

const plain = (text: string, start: number): Masked => {
  const end = valueEnd(text, start)
  const value = text.slice(start, end)
  return { end, instead: isEmpty(value) ? value : `"${mask}"` }
}

/** A value inside a string of a JSON document: its quotes are escaped, and so have to be those of the mask. */
const escaped = (text: string, start: number): Masked => {
  if (text[start + 1] !== '"') return { end: start, instead: "" }
  const close = /(?:\\"|["\r\n])/g
  close.lastIndex = start + 2
  const found = close.exec(text)
  const end = found === null ? text.length : found.index + (found[0].length === 2 ? 2 : 0)
  return { end, instead: end === start + 4 ? text.slice(start, end) : `\\"${mask}\\"` }
}

const maskText = (text: string): string => {
  const shown = withoutUserInfo(text)
  let out = ""
  let from = 0
  secretKey.lastIndex = 0
  for (let match = secretKey.exec(shown); match !== null; match = secretKey.exec(shown)) {
    const start = match.index + match[0].length
    const { end, instead } = shown[start] === "\\" ? escaped(shown, start) : plain(shown, start)
    out += shown.slice(from, start) + instead
    from = end
    secretKey.lastIndex = end
  }
  return out + shown.slice(from)
}

const isJson = (text: string): boolean => {
  if (!/^\s*[{[]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const jsonString = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g

/** A JSON document stays one: each of its strings is masked by itself, and whole under a credential key. */
const maskJson = (text: string): string => {
  let secret = false
  return text.replace(jsonString, (literal: string, colon: string | undefined) => {
    if (colon !== undefined) {
      secret = maskText(`${literal}"x"`) !== `${literal}"x"`
      return literal
    }
    const value = JSON.parse(literal) as string
    const shown = secret && value !== "" ? mask : maskSecrets(value)
    return shown === value ? literal : JSON.stringify(shown)
  })
}

/** `text` with user-info of URLs and values of credential keys masked. */
export const maskSecrets = (text: string): string => (isJson(text) ? maskJson(text) : maskText(text))

/** A value with every text inside it masked; keys stay. It comes out as JSON would bring it back. */
export const maskTexts = <A>(value: A): A =>
  JSON.parse(JSON.stringify(value ?? null), (_, item: unknown) =>
    typeof item === "string" ? maskSecrets(item) : item,
  ) as A
