/**
 * Answers: in which words does an API server refuse something? The texts are those of a real one, which the end-to-end
 * tests compare them with.
 */

/** An answer of the double: a status code and a JSON body. */
export interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A resource type, as messages name it. */
export interface ResourceType {
  /** API group; blank for the core group. */
  readonly group: string
  /** `nodes`. */
  readonly plural: string
  /** `Node`. */
  readonly kind: string
}

/** What a Status object says beside its code. */
interface Saying {
  readonly message: string
  readonly reason?: string
  readonly details?: unknown
}

/** A Status object that says that something failed. */
export const failure = (code: number, { details, message, reason }: Saying): Reply => ({
  status: code,
  body: {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  },
})

const qualified = ({ group, plural }: ResourceType): string => (group === "" ? plural : `${plural}.${group}`)

const detailsOf = ({ group, plural }: ResourceType, name?: string) => ({
  ...(name === undefined ? {} : { name }),
  ...(group === "" ? {} : { group }),
  kind: plural,
})

/** 404 for an object. */
export const notFound = (type: ResourceType, name: string): Reply =>
  failure(404, {
    message: `${qualified(type)} "${name}" not found`,
    reason: "NotFound",
    details: detailsOf(type, name),
  })

/** 404 for a path that stands for nothing. */
export const noSuchResource = (): Reply =>
  failure(404, {
    message: "the server could not find the requested resource",
    reason: "NotFound",
    details: {},
  })

/** 409 for an object that is there already. */
export const alreadyExists = (type: ResourceType, name: string): Reply =>
  failure(409, {
    message: `${qualified(type)} "${name}" already exists`,
    reason: "AlreadyExists",
    details: detailsOf(type, name),
  })

/** 409 for a write that goes by an older version of the object. */
export const conflict = (type: ResourceType, name: string): Reply =>
  failure(409, {
    message: `Operation cannot be fulfilled on ${qualified(type)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    reason: "Conflict",
    details: detailsOf(type, name),
  })

/** 422 for a JSON patch that does not apply: a `test` that does not hold, a path that is not there. */
export const doesNotApply = (): Reply =>
  failure(422, {
    message: "the server rejected our request due to an error in our request",
    reason: "Invalid",
    details: {},
  })

/** One reason why an object is invalid. */
export interface Cause {
  /** Path of the field, such as `metadata.labels`. */
  readonly field: string
  readonly message: string
}

/** 422 for an object that would be invalid. */
export const invalid = (type: ResourceType, name: string, causes: ReadonlyArray<Cause>): Reply => {
  const all = causes.map(({ field, message }) => `${field}: ${message}`)
  return failure(422, {
    message: `${type.kind}${type.group === "" ? "" : `.${type.group}`} "${name}" is invalid: ${all.length === 1 ? all[0]! : `[${all.join(", ")}]`}`,
    reason: "Invalid",
    details: {
      ...detailsOf(type, name),
      kind: type.kind,
      causes: causes.map(({ field, message }) => ({ reason: "FieldValueInvalid", message, field })),
    },
  })
}

/** 401 for a token that is nobody's. */
export const unauthorized = (): Reply => failure(401, { message: "Unauthorized", reason: "Unauthorized" })

/** What somebody wanted to do and may not. */
export interface Attempt {
  readonly user: string
  readonly verb: string
  readonly type: ResourceType
  /** The subresource; `undefined` for the object itself. */
  readonly subresource: string | undefined
  readonly namespace: string | undefined
  readonly name: string | undefined
}

/** 403 for want of a right. */
export const forbidden = ({ name, namespace, subresource, type, user, verb }: Attempt): Reply => {
  const what = name === undefined ? qualified(type) : `${qualified(type)} "${name}"`
  const resource = subresource === undefined ? type.plural : `${type.plural}/${subresource}`
  const where = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`
  return failure(403, {
    message: `${what} is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "${type.group}" ${where}`,
    reason: "Forbidden",
    details: detailsOf(type, name),
  })
}

/** 415 for a patch of an unknown type. */
export const unsupportedMediaType = (): Reply =>
  failure(415, { message: "415: Unsupported Media Type", reason: "UnsupportedMediaType", details: {} })

/** 405 for a method that the resource does not have. */
export const methodNotAllowed = (): Reply =>
  failure(405, {
    message: "the server does not allow this method on the requested resource",
    reason: "MethodNotAllowed",
    details: {},
  })

/** 400 for a body that cannot be read. */
export const badRequest = (message: string): Reply => failure(400, { message, reason: "BadRequest" })

/** 429, which is to be tried again after that many seconds. */
export const tooManyRequests = (seconds: number): Reply => ({
  ...failure(429, {
    message: "Too many requests, please try again later.",
    reason: "TooManyRequests",
    details: { retryAfterSeconds: seconds },
  }),
  headers: { "retry-after": String(seconds) },
})
