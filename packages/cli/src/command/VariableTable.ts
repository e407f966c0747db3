/**
 * Which environment variables mean something besides those of settings and flags? The documentation is made from these
 * rows; the program reads each where it is needed.
 */

/** A variable that no flag stands for. */
export interface VariableRow {
  readonly name: string
  /** What may stand in it, for people. */
  readonly value: string
  /** What applies without it, for people. */
  readonly fallback: string
  /** What it does, one or two sentences. */
  readonly description: string
}

/** Every such variable, in the order of the documentation. */
export const rows: ReadonlyArray<VariableRow> = [
  {
    name: "KATA_DEPLOY_DRIFT_INTERVAL",
    value: "seconds",
    fallback: "never",
    description:
      "How often an install that stays looks for drift while it waits; what it finds is in the metrics.",
  },
  {
    name: "KATA_DEPLOY_TERMINATION_LOG",
    value: "path",
    fallback: "/dev/termination-log",
    description:
      "File for the termination message, as the container's terminationMessagePath has it. It has to be there.",
  },
  {
    name: "KATA_DEPLOY_HEALTH_FD",
    value: "number of a file descriptor",
    fallback: "no health server",
    description: "Socket of the health server that internal-post-install-wait takes over.",
  },
  {
    name: "KATA_DEPLOY_NODE_MACHINE_ID",
    value: "text",
    fallback: "none",
    description: "An older name of NODE_MACHINE_ID.",
  },
  {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    value: "URL",
    fallback: "no traces",
    description:
      "Collector that traces are sent to. Other standard variables of OpenTelemetry are heeded too, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and OTEL_SDK_DISABLED among them.",
  },
  {
    name: "TMPDIR",
    value: "directory",
    fallback: "/tmp",
    description: "Where try makes its sample host.",
  },
]
