/**
 * Answers: where do traces go? To the OpenTelemetry collector that the standard variables name
 * (`OTEL_EXPORTER_OTLP_ENDPOINT` and its like), secrets masked, and nowhere without one. Nothing is loaded for that case.
 */
import { Masking } from "@kata-deploy/core"
import { ConfigProvider, Effect, Layer } from "effect"

const endpoints = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] as const

type Environment = Readonly<Record<string, string | undefined>>

const isOn = (env: Environment): boolean =>
  (env["OTEL_SDK_DISABLED"] ?? "").trim().toLowerCase() !== "true" &&
  endpoints.some((name) => (env[name] ?? "").trim() !== "")

/** The layer of a tracer; a collector that does not answer costs the run nothing but its spans. */
export const layer = async (env: Environment, release: string): Promise<Layer.Layer<never>> => {
  if (!isOn(env)) return Layer.empty
  const [{ OtlpSerialization, OtlpTracer }, { FetchHttpClient }] = await Promise.all([
    import("effect/observability"),
    import("effect/http"),
  ])
  const { OtlpSerialization: Serialization } = OtlpSerialization
  const masked = Layer.effect(
    Serialization,
    Effect.map(Serialization, (json) => ({
      ...json,
      traces: (data: Parameters<typeof json.traces>[0]) => json.traces(Masking.maskTexts(data)),
    })),
  ).pipe(Layer.provide(OtlpSerialization.layerJson))
  // As OpenTelemetry has it: without a word about exporters, traces go to the endpoint.
  const known = { OTEL_TRACES_EXPORTER: "otlp", ...env }
  return OtlpTracer.layerFromConfig({
    resource: { serviceName: "kata-deploy", serviceVersion: release },
  }).pipe(
    Layer.provide(masked),
    Layer.provide(FetchHttpClient.layer),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: known as Record<string, string> }))),
  )
}
