/**
 * Answers: what can this process see of the host besides its files and units? The seeing half of `HostShell`: each
 * look is taken anew, never fails, and tells what is out of sight from what was tried and failed.
 */
import type { HostLayout, HostShell } from "@kata-deploy/core"
import { Effect } from "effect"
import * as Cri from "./Cri.ts"
import * as MachineFacts from "./MachineFacts.ts"
import * as ProbeFile from "../ProbeFile.ts"
import * as TreeUsers from "./TreeUsers.ts"

/** The seeing half of the port. */
export type Sight = Pick<
  HostShell.HostShell["Service"],
  "machine" | "probeFile" | "usersOf" | "criStatus" | "sandboxes"
>

/** What decides how the host is seen. */
export interface Options {
  readonly layout: HostLayout.HostLayout
  /** This process's own `/proc`, which is asked where the layout shows no whole root; `/proc` when left out. */
  readonly ownProc?: string
}

/** Looks at the host as the layout shows it. */
export const make = ({ layout, ownProc = "/proc" }: Options): Sight => ({
  machine: Effect.sync(() => MachineFacts.look(layout)),
  probeFile: (directory) => ProbeFile.look(layout, directory),
  usersOf: (tree) => TreeUsers.look(layout, tree, ownProc),
  criStatus: (socket) => Cri.status(layout, socket),
  sandboxes: (socket) => Cri.sandboxes(layout, socket),
})
