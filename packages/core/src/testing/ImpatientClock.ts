/**
 * The double of the clock: whoever sleeps is woken at once, and time has passed. For programs that wait for a world
 * in which nothing moves by itself.
 */
import { Clock, Duration, Effect, Layer } from "effect"

/** A clock that starts at the epoch and stands still except for those who sleep. */
export const make = (): Clock.Clock => {
  let now = 0
  const millis = () => now
  const nanos = () => BigInt(Math.round(now * 1_000_000))
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) =>
      Effect.sync(() => {
        now += Duration.toMillis(duration)
      }),
  }
}

/** The clock for a program under test. */
export const layer: Layer.Layer<never> = Layer.sync(Clock.Clock, make)
