/**
 * Answers: does the kubelet wait long enough for containers whose images are pulled or converted while they are
 * created? Advice only; it never keeps anything from being done. Source: spec 08 §7.
 */
import type { Fact } from "../input/Fact.ts"
import type { Notice } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"

/** Seconds that `runtimeRequestTimeout` should at least be. */
export const recommendedSeconds = 600

/** Pull type of images that the guest pulls by itself. */
export const guestPull = "guest-pull"

const secondsOf: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
}

/** Seconds of a Go duration such as `1h2m0.5s`, or `undefined` for anything else. */
export const parseDuration = (text: string): number | undefined => {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text)
  if (match === null) return undefined
  let seconds = 0
  for (const [, number, unit] of match[2]!.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g))
    seconds += Number(number) * secondsOf[unit!]!
  return match[1] === "-" ? -seconds : seconds
}

/** The pull types that a mapping in the settings' words names: what stands behind the first `:` of each item. */
export const pullTypesIn = (mapping: string): ReadonlyArray<string> =>
  mapping.split(",").map((item) => item.slice(item.indexOf(":") + 1).trim())

/** Whether any image is pulled inside a guest. */
export const usesGuestPull = (pulls: {
  /** Shims that are forced to it. */
  readonly forced: ReadonlyArray<string>
  /** Pull types of shims and custom runtimes. */
  readonly pullTypes: ReadonlyArray<string | undefined>
}): boolean => pulls.forced.length > 0 || pulls.pullTypes.includes(guestPull)

/** `usesGuestPull` of whole settings. */
export const settingsUseGuestPull = (
  settings: Pick<Settings, "forceGuestPull" | "pullTypeMapping" | "customRuntimes">,
): boolean =>
  usesGuestPull({
    forced: settings.forceGuestPull,
    pullTypes: [
      ...settings.pullTypeMapping.map((item) => item.value),
      ...settings.customRuntimes.map((runtime) => runtime.pullType),
    ],
  })

const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined

/** Seconds of `runtimeRequestTimeout` in the answer of the kubelet's `configz`, where it has a usable one. */
export const timeoutIn = (configz: unknown): number | undefined => {
  const text = field(
    field(configz, "kubeletconfig") ?? field(configz, "kubeletConfig"),
    "runtimeRequestTimeout",
  )
  return typeof text === "string" ? parseDuration(text) : undefined
}

/** The advice on an answer of `configz`, or `undefined` when the kubelet waits long enough. */
export const advise = (configz: Fact<unknown>): Notice | undefined => {
  const seconds = configz._tag === "Known" ? timeoutIn(configz.value) : undefined
  if (seconds !== undefined && seconds >= recommendedSeconds) return undefined
  const found =
    configz._tag === "Unknown"
      ? `could not be read (${configz.why})`
      : seconds === undefined
        ? "is not set to a duration that we can read"
        : `is ${seconds} s`
  return {
    code: "kubelet-runtime-request-timeout",
    severity: "warning",
    message: `The kubelet's runtimeRequestTimeout ${found}. Images that are pulled or converted while a container is created take long, and the kubelet would give up on them.`,
    remedy: `Set runtimeRequestTimeout to at least ${recommendedSeconds}s in the kubelet's configuration.`,
  }
}
