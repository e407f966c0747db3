/**
 * What does a real host start with in the conformance suite? The units of the fixture as unit files; each case begins by
 * taking them down.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { HostShellConformance } from "@kata-deploy/core/testing"
import type { SystemdHost } from "./SystemdHost.ts"

const unitFile = (fate: "stays up" | "ends with an error"): string => {
  const start =
    fate === "stays up"
      ? "Type=exec\nExecStart=/bin/sleep infinity"
      : // Its job is through only when it has ended.
        "Type=oneshot\nExecStart=/bin/false"
  return `[Unit]\nDescription=End-to-end test\n[Service]\n${start}\n[Install]\nWantedBy=multi-user.target\n`
}

const units = Object.entries(HostShellConformance.fixture.units)

/** Writes the unit files; once for a host. */
export const install = async (host: SystemdHost): Promise<void> => {
  const folder = join(host.root, "etc/systemd/system")
  mkdirSync(folder, { recursive: true })
  for (const [name, fate] of units) writeFileSync(join(folder, name), unitFile(fate))
  await host.mustExec(["systemctl", "daemon-reload"])
}
