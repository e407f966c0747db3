/** From where can a host's systemd be reached? Each place has its way of starting a program, its layout and its route. */
import { HostLayout } from "@kata-deploy/core"
import type { NodeHostShell } from "@kata-deploy/host"
import { join } from "node:path"
import { run, type Outcome } from "../Command.ts"
import { layoutOf, node, runBeside, runInPod } from "./PodLike.ts"
import type { Told } from "./runCase.ts"
import { checkout, type SystemdHost } from "./SystemdHost.ts"

/** A place. */
export interface Place {
  readonly name: string
  readonly systemd: NodeHostShell.Mode
  /** What the route is expected to begin with. */
  readonly route: RegExp
  readonly layout: (host: SystemdHost) => HostLayout.HostLayout
  readonly run: (host: SystemdHost, argv: readonly [string, ...string[]]) => Promise<Outcome>
}

const wholeRoot = (host: SystemdHost) => HostLayout.wholeRoot(host.root)

/** Every place, with what is chosen there. */
export const places: ReadonlyArray<Place> = [
  {
    name: "a pod without privileges over the host",
    systemd: "auto",
    route: /^systemd's private socket/,
    layout: () => layoutOf({ pids: "own" }),
    run: (host, argv) => runInPod(host, { pids: "own" }, argv),
  },
  {
    name: "a program in the host's PID namespace",
    systemd: "dbus",
    route: /^systemd's private socket/,
    layout: wholeRoot,
    run: (host, argv) => runBeside(host, argv),
  },
  {
    name: "a program outside of the host's PID namespace",
    systemd: "auto",
    route: /^the system bus .*; not by systemd's private socket/,
    layout: wholeRoot,
    run: (_, argv) => run(argv[0], argv.slice(1)),
  },
  {
    name: "a pod with hostPID, through nsenter",
    systemd: "nsenter",
    route: /^the host's systemctl/,
    layout: () => layoutOf({ pids: "of the host" }),
    run: (host, argv) => runInPod(host, { pids: "of the host" }, argv),
  },
]

const start = async (
  host: SystemdHost,
  place: Place,
  ...what: ReadonlyArray<string>
): Promise<ReadonlyArray<Told>> => {
  const program = join(checkout, "e2e/systemd/runCase.ts")
  const layout = JSON.stringify(place.layout(host))
  const argv = [node, "--conditions=source", program, layout, place.systemd, ...what] as const
  const ended = await place.run(host, argv)
  if (ended.code !== 0)
    throw new Error(`"${what.join(" ")}" ended with ${ended.code}\n${ended.stdout}${ended.stderr}`)
  const lines = ended.stdout.split("\n").filter((line) => line.startsWith("{"))
  return lines.map((line) => JSON.parse(line) as Told)
}

/** Runs the conformance suite at a place. */
export const conformance = (host: SystemdHost, place: Place): Promise<ReadonlyArray<Told>> =>
  start(host, place, "conformance")

/** Does one thing at a place: a verb with a unit, or `run`, `log`, `await`, `lock`. */
export const act = async (host: SystemdHost, place: Place, what: string, unit = ""): Promise<Told> => {
  const [told] = await start(host, place, what, unit)
  if (told === undefined) throw new Error(`"${what}" said nothing`)
  return told
}
