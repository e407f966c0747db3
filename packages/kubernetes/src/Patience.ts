/**
 * Answers: which failed request is tried again, when, and for how long? k3s and RKE2 take the API server down for a
 * minute while they restart, so one that has answered before is waited for; one that never did is not.
 */
import { Duration, Effect, Schedule } from "effect"
import type { ApiFailure } from "./ApiFailure.ts"

/** How long is waited for what. */
export interface Patience {
  /** Seconds for one request, credentials and whole answer included. */
  readonly requestSeconds: number
  /** Seconds of trying while the API server has not answered at all yet. */
  readonly firstContactSeconds: number
  /** Seconds of trying once it has answered; longer than a k3s server is away. */
  readonly outageSeconds: number
  /** Milliseconds before the second try; each further pause is twice as long. */
  readonly firstPauseMillis: number
  /** Longest pause in seconds, unless the server asks for more. */
  readonly longestPauseSeconds: number
}

/** The usual patience: 20 s for a request, 15 s for a first answer, two minutes for an outage. */
export const usual: Patience = {
  requestSeconds: 20,
  firstContactSeconds: 15,
  outageSeconds: 120,
  firstPauseMillis: 500,
  longestPauseSeconds: 10,
}

/** What is known of the API server when a request fails. */
export interface Acquaintance {
  /** It has answered a request of ours. */
  readonly hasAnswered: boolean
  /** It has granted the right of this request. */
  readonly hasGranted: boolean
}

/** Seconds that a failure is worth trying again; zero for one that would only come back. */
export const secondsWorth = (
  failure: ApiFailure,
  { hasAnswered, hasGranted }: Acquaintance,
  patience: Patience,
): number => {
  const { reason } = failure
  const outage = hasAnswered ? patience.outageSeconds : patience.firstContactSeconds
  switch (reason._tag) {
    case "Answered":
      if (reason.status === 429 || reason.status >= 500) return outage
      // A server that has just started knows neither accounts nor roles for a moment.
      if (reason.status === 401 || reason.status === 403) return hasGranted ? patience.firstContactSeconds : 0
      return 0
    case "NoAnswer":
      return reason.error.fault === "not-trusted" || reason.error.fault === "not-http" ? 0 : outage
    case "NoCredentials":
    case "NotUnderstood":
      return 0
  }
}

/** Seconds that the server asks us to stay away. */
const askedFor = ({ reason }: ApiFailure): number =>
  reason._tag === "Answered" ? (reason.retryAfterSeconds ?? 0) : 0

/** Growing pauses with jitter, never shorter than the server asks for, until the failure is not worth it any longer. */
export const schedule = (patience: Patience, acquaintance: () => Acquaintance) =>
  Schedule.exponential(Duration.millis(patience.firstPauseMillis)).pipe(
    Schedule.modifyDelay(({ duration }) =>
      Effect.succeed(Duration.min(duration, Duration.seconds(patience.longestPauseSeconds))),
    ),
    Schedule.jittered,
    Schedule.setInputType<ApiFailure>(),
    Schedule.modifyDelay(({ duration, input }) =>
      Effect.succeed(Duration.max(duration, Duration.seconds(askedFor(input)))),
    ),
    Schedule.while(
      ({ duration, elapsed, input }) =>
        elapsed + Duration.toMillis(duration) < secondsWorth(input, acquaintance(), patience) * 1000,
    ),
  )
