/**
 * Answers: which labels does an API server take? Source: k8s.io/apimachinery, `IsQualifiedName` and `IsValidLabelValue`.
 */
import type { Cause } from "./Statuses.ts"

const name = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const subdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/

const nameText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const valueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

const wrongInKey = (key: string): ReadonlyArray<string> => {
  const cut = key.indexOf("/")
  const prefix = cut < 0 ? undefined : key.slice(0, cut)
  const local = key.slice(cut + 1)
  return [
    ...(prefix !== undefined && (prefix.length > 253 || !subdomain.test(prefix))
      ? ["prefix part must be a DNS subdomain"]
      : []),
    ...(local.length > 63 ? ["name part must be no more than 63 characters"] : []),
    ...(name.test(local) ? [] : [nameText]),
  ]
}

const wrongInValue = (value: string): ReadonlyArray<string> => [
  ...(value.length > 63 ? ["must be no more than 63 characters"] : []),
  ...(value === "" || name.test(value) ? [] : [valueText]),
]

/** What is wrong with a set of labels. */
export const wrongLabels = (labels: Readonly<Record<string, unknown>>): ReadonlyArray<Cause> =>
  Object.entries(labels).flatMap(([key, value]) => {
    const wrong = (text: string, why: string): Cause => ({
      field: "metadata.labels",
      message: `Invalid value: "${text}": ${why}`,
    })
    if (typeof value !== "string")
      return [{ field: "patch", message: "Invalid value: json: cannot unmarshal" }]
    return [
      ...wrongInKey(key).map((why) => wrong(key, why)),
      ...wrongInValue(value).map((why) => wrong(value, why)),
    ]
  })
