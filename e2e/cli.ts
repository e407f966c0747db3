/**
 * How does a test use the program? As a user at a shell does: the committed launcher, flags, variables, and nothing but
 * exit code, stdout and stderr to judge by.
 */
import { join } from "node:path"
import { run, type Outcome } from "./Command.ts"
import { kataArchitecture, type Artifacts } from "./hostTree/Artifacts.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"

/** The launcher in the checkout that this file lies in. */
export const launcher = join(import.meta.dirname, "..", "packages", "cli", "bin", "kata-deploy")

/** Everything about one call that is not its arguments. */
export interface Setting {
  readonly host: SampleHost
  readonly artifacts: Artifacts
  /** Shims to install here. Left out: none are named, and the program's default list counts. */
  readonly shims?: ReadonlyArray<string>
  /** Variables beside those that the host's chart would set; `undefined` takes one of those away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** A command in front of the launcher, such as one that gives up root. */
  readonly through?: ReadonlyArray<string>
}

const withoutUndefined = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined))

/** Environment of a call: what the chart sets, and nothing of this machine but what a program needs to start. */
const environment = (setting: Setting): Record<string, string> =>
  withoutUndefined({
    PATH: `${join(import.meta.dirname, "..", "node_modules", ".bin")}:${process.env["PATH"] ?? ""}`,
    HOME: "/nonexistent",
    TMPDIR: process.env["TMPDIR"],
    ...setting.host.settings,
    ...(setting.shims ? { [`SHIMS_${kataArchitecture.toUpperCase()}`]: setting.shims.join(" ") } : {}),
    ...setting.env,
  })

/** Runs `kata-deploy` with `args` on a host tree: no cluster, no systemd, nothing outside of the tree. */
export const kataDeploy = (setting: Setting, ...args: ReadonlyArray<string>): Promise<Outcome> => {
  const command = [
    ...(setting.through ?? []),
    launcher,
    `--host-root=${setting.host.dir}`,
    `--artifacts=${setting.artifacts.dir}`,
    "--kube=none",
    "--systemd=none",
    ...(setting.host.criRuntime ? [`--cri-runtime=${setting.host.criRuntime}`] : []),
    ...args,
  ]
  return run(command[0]!, command.slice(1), { env: environment(setting), timeout: 120_000 })
}

/** What is shown when a call did not end as expected: the code is never enough to go on. */
export const told = (outcome: Outcome): string =>
  `exit code ${outcome.code} after ${outcome.milliseconds} ms\n--- stdout\n${outcome.stdout}\n--- stderr\n${outcome.stderr}`
