/** Answers: in what do two values of a vector differ? By structure, each difference with its place. */

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const show = (value: unknown): string => JSON.stringify(value) ?? String(value)

const place = (at: string, key: string): string =>
  `${at}${/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`}`

const within = (at: string, expected: unknown, actual: unknown, found: Array<string>): void => {
  if (Object.is(expected, actual)) return
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    expected.forEach((item: unknown, index) => within(`${at}[${index}]`, item, actual[index], found))
    return
  }
  if (isRecord(expected) && isRecord(actual)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)])
    for (const key of keys) within(place(at, key), expected[key], actual[key], found)
    return
  }
  found.push(`${at === "" ? "answer" : at}: expected ${show(expected)}, got ${show(actual)}`)
}

/** What differs, one line each; a key that is missing is the same as one that is `undefined`. */
export const differences = (expected: unknown, actual: unknown): ReadonlyArray<string> => {
  const found: Array<string> = []
  within("", expected, actual, found)
  return found
}
