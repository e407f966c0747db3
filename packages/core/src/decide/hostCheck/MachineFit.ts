/**
 * Answers: can this machine run virtual machines at all? Only told, never refused: devices may come with a module
 * that is loaded later, and an image may be prepared elsewhere. Source: spec 12 W-24.
 */
import type { Fact } from "../../input/Fact.ts"
import type { Notice } from "../../input/Problem.ts"
import type { Settings } from "../../input/Settings.ts"
import * as Shim from "../../model/Shim.ts"

/** Whether the host has the devices that hypervisors work with. */
export interface MachineFacts {
  /** `/dev/kvm`. */
  readonly kvm: Fact<boolean>
  /** `/dev/vhost-vsock`, over which the runtime talks to its guest. */
  readonly vhostVsock: Fact<boolean>
}

const onKvm: ReadonlySet<string> = new Set(["qemu", "clh", "dragonball", "firecracker"])

/** Hypervisors that bring a vsock of their own. */
const ownVsock: ReadonlySet<string> = new Set(["clh", "dragonball", "firecracker"])

const handlersOn = (settings: Pick<Settings, "handlers">, wanted: (hypervisor: string) => boolean): string =>
  settings.handlers
    .filter((handler) => wanted(Shim.lookup(handler.shim)?.hypervisor ?? ""))
    .map((handler) => handler.name)
    .join(", ")

const absent = (fact: Fact<boolean>): boolean => fact._tag === "Known" && !fact.value

/** What is worth knowing before pods are scheduled here. */
export const notices = (settings: Pick<Settings, "handlers">, facts: MachineFacts): ReadonlyArray<Notice> => {
  const withKvm = handlersOn(settings, (hypervisor) => onKvm.has(hypervisor))
  const withVhost = handlersOn(settings, (hypervisor) => onKvm.has(hypervisor) && !ownVsock.has(hypervisor))
  return [
    ...(absent(facts.kvm) && withKvm !== ""
      ? [
          {
            code: "no-virtualisation",
            severity: "warning" as const,
            message: `The host has no /dev/kvm, so no pod of ${withKvm} can start here.`,
            remedy:
              "Switch virtualisation on in the firmware (or nested virtualisation in the cloud), and load the kvm module.",
          },
        ]
      : []),
    ...(absent(facts.vhostVsock) && withVhost !== ""
      ? [
          {
            code: "no-vhost-vsock",
            severity: "warning" as const,
            message: `The host has no /dev/vhost-vsock, over which the runtime reaches the guests of ${withVhost}.`,
            remedy: "Load the module vhost_vsock, and at each start with a file in /etc/modules-load.d.",
          },
        ]
      : []),
  ]
}
