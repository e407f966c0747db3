/** Answers the vectors about the health server. */
import { Result, Schema } from "effect"
import { Settings } from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"
import * as Responses from "../../src/health/Responses.ts"

const State = Schema.Literals(["installing", "ready"])

const portOf = (text: string | null): unknown =>
  Result.match(
    Settings.decode({
      architecture: "x86_64",
      variables: { HEALTH_PORT: text ?? undefined },
      customConfigs: { _tag: "Files", files: new Map() },
      api: "not-used",
    }),
    {
      onFailure: ({ problems }) => ({ error: problems[0]!.code }),
      onSuccess: ({ healthPort }) => healthPort,
    },
  )

/** The bytes that a client gets that says nothing until its time is over. */
const silence = () => {
  const response = Responses.respond(undefined, "ready")
  return {
    connectionClosedAfterSeconds: Responses.firstLineSeconds,
    bytesSent: response === undefined ? 0 : Responses.encode(response).length,
  }
}

/** Runner of `10-health`. */
export const runner: Vectors.Runner = {
  file: "10-health",
  sections: {
    responses: Vectors.answering(
      Schema.Struct({ requestLine: Schema.String, state: State }),
      ({ requestLine, state }) => Responses.respond(requestLine, state),
    ),
    port: Vectors.answering(
      Schema.Struct({ HEALTH_PORT: Schema.optionalKey(Schema.NullOr(Schema.String)) }),
      ({ HEALTH_PORT }) => portOf(HEALTH_PORT ?? null),
    ),
    noRequestLine: ({ expected }) => Vectors.compare(expected, silence()),
    // The state is a value that whoever runs the stages sets; nothing in it depends on what it was.
    stateTransitions: (vector) =>
      Result.flatMap(
        Vectors.read(Schema.Struct({ from: State, to: State, allowed: Schema.Boolean }), vector.input),
        ({ allowed, from, to }) => {
          const bodies = [from, to].map((state) => Responses.respond("GET /healthz", state)?.body)
          return Vectors.compare(
            { allowed, bodies: [`ok ${from}\n`, `ok ${to}\n`] },
            { allowed: true, bodies },
          )
        },
      ),
  },
}
