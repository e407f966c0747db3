/**
 * THE table of actions. Parsing, `--help`, completions and the documentation are made from these rows.
 */
import { NydusMode, Plan, Shim, SnapshotsReport } from "@kata-deploy/core"
import { choices as artifactsChoices } from "../artifacts/ArtifactsJob.ts"
import { choices as setModeChoices } from "./SetModeJob.ts"
import { type FlagRow, actionFlags, nodeFlags, outputFlags, shortSettingFlags } from "./FlagTable.ts"

/** A word that follows an action. */
export interface Operand {
  /** What stands for it in the help. */
  readonly placeholder: string
  /** Words that it can be. */
  readonly choices: ReadonlyArray<string>
  /** What applies when it is left out; `undefined` where it has to be there. */
  readonly fallback: string | undefined
  /** Words that have to follow it, and what each can be. */
  readonly further?: ReadonlyArray<Pick<Operand, "placeholder" | "choices">>
}

/** One action. */
export interface ActionRow {
  readonly name: string
  /** Heading of the help that it stands below. */
  readonly group: "Whole jobs" | "Single stages, as containers of a Job" | "Without a node"
  /** Whether it works on a node, so that it takes settings and the flags about where the host is. */
  readonly works: "on-node" | "alone"
  /** One line for the list of actions. */
  readonly summary: string
  /** What there is to know beyond the summary. */
  readonly details: string
  readonly operand: Operand | undefined
  /** Names of the flags that only this action and its likes have. */
  readonly flags: ReadonlyArray<string>
  /** One command line, without the name of the program. */
  readonly example: string
}

/** JSON schemas that can be printed. */
export const schemaNames = [
  "settings",
  "plan",
  "report",
  "status",
  "snapshots",
  "mode-change",
  "artifacts",
  "archive-entries",
  "verification",
  "packed",
  "problems",
] as const

/** Shells for which there are completions. */
export const shells = ["bash", "zsh", "fish"] as const

const rowIn =
  (group: ActionRow["group"], works: ActionRow["works"]) =>
  (
    name: string,
    summary: string,
    details: string,
    example: string,
    rest: Partial<Pick<ActionRow, "operand" | "flags">> = {},
  ): ActionRow => ({ name, group, works, summary, details, operand: undefined, flags: [], example, ...rest })

const job = rowIn("Whole jobs", "on-node")
const stage = rowIn("Single stages, as containers of a Job", "on-node")
const alone = rowIn("Without a node", "alone")

const offline = "--host-root ./node --kube none --systemd none"

/** Every action, in the order of the help. */
export const rows: ReadonlyArray<ActionRow> = [
  job(
    "plan",
    "Show what an action would do here",
    "Changes nothing. Ordered steps with reasons, a diff of every file, restarts that become due. Takes the name of the action that is planned for; install when there is none. New files are shown by their first lines; --output json has them whole.",
    `plan install ${offline} --shims 'qemu clh'`,
    {
      operand: { placeholder: "ACTION", choices: Plan.ActionName.literals, fallback: "install" },
      flags: ["detailed-exitcode", "when-in-use", "restart-beside-others", "nydus-data"],
    },
  ),
  job(
    "install",
    "Install Kata Containers on this node",
    "Unpacks the components that the shims need, configures them and the CRI runtime. When a stage fails, what it did is undone. Stays until SIGTERM, answers the probes on HEALTH_PORT meanwhile, and then decides on the cleanup; with --once it ends when the node is set up.",
    `install --once ${offline} --shims qemu`,
    { flags: ["once", "when-stopped", "plan", "rollback"] },
  ),
  job(
    "status",
    "Show what is installed here, and drift",
    "Holds every owned file against what was installed; exits with 4 when one was changed or is gone.",
    `status --verify ${offline}`,
    { flags: ["verify"] },
  ),
  job(
    "cleanup",
    "Remove this instance from the node",
    "Takes back the configuration and removes exactly what was installed, also where somebody changed it since, which plan and report name; what is not ours is kept and named.",
    `cleanup ${offline}`,
    { flags: ["when-in-use", "restart-beside-others", "nydus-data"] },
  ),
  job(
    "rollback",
    "Take the last CRI configuration back",
    "Every file gets the bytes that the last stage replaced, and the runtime is restarted; a file that somebody changed since is named and nothing is touched. The unpacked files stay.",
    `rollback ${offline}`,
  ),
  job(
    "reset",
    "Give up the labels, restart the CRI runtime",
    "Removes nothing from the host. Where another instance holds the node, only the labels of this one go.",
    "reset --node-name worker-1",
  ),
  job(
    "snapshots",
    "Plan, remove or repair snapshots",
    'plan lists what can be removed of the snapshots that --snapshotter has in containerd, leaves first, and what is in the way of the rest. remove shows that plan and carries it out; what a container uses stays. repair finds records that containerd has of snapshots that the snapshotter lost, because of which pulls fail with "already exists"; it shows them, and takes them away with --apply.',
    "snapshots plan --snapshotter nydus",
    {
      operand: {
        placeholder: "plan|remove|repair",
        choices: SnapshotsReport.SnapshotsAction.literals,
        fallback: undefined,
      },
      flags: ["snapshotter", "namespace", "apply"],
    },
  ),
  job(
    "snapshotter",
    "Put a shim into guest pull or host sharing",
    "set-mode shows which settings put SHIM into the mode, which handlers pull anew and what would restart. With --apply it carries that out on this node, as an install of the changed settings does, and records the choice: installs hold to it until the settings say something else of the shim than now. Refused where another snapshotter of the node has the same name, root or socket, and with --apply where more than the mode would change.",
    `snapshotter set-mode host-share qemu ${offline}`,
    {
      operand: {
        placeholder: "set-mode",
        choices: setModeChoices,
        fallback: undefined,
        further: [
          { placeholder: "guest-pull|host-share", choices: NydusMode.all },
          { placeholder: "SHIM", choices: Shim.names },
        ],
      },
      flags: ["apply", "rollback"],
    },
  ),
  stage(
    "install-stage-host-check",
    "Check that the node can take an install",
    "Reads only. Exits with 3 when a prerequisite is missing.",
    `install-stage-host-check ${offline}`,
  ),
  stage(
    "install-stage-artifacts",
    "Unpack and configure Kata's files",
    "The second stage of an install.",
    `install-stage-artifacts ${offline} --shims qemu`,
  ),
  stage(
    "install-stage-cri",
    "Configure the CRI runtime",
    "The third stage of an install. Warns where the programs that its handlers start are not on the host.",
    `install-stage-cri ${offline} --shims qemu`,
    { flags: ["rollback"] },
  ),
  stage(
    "cleanup-stage-revert-cri",
    "Take the CRI runtime's configuration back",
    "The first stage of a cleanup.",
    `cleanup-stage-revert-cri ${offline}`,
    { flags: ["restart-beside-others", "nydus-data"] },
  ),
  stage(
    "cleanup-stage-remove-artifacts",
    "Remove Kata's files",
    "The second stage of a cleanup. Warns where the CRI runtime still has handlers whose programs go.",
    `cleanup-stage-remove-artifacts ${offline}`,
    { flags: ["when-in-use"] },
  ),
  alone(
    "try",
    "Show the whole thing on a sample host",
    "Needs no cluster, no network and no root: makes a sample host in a temporary directory, then shows plan, install, status, a second install and cleanup on it.",
    "try --distribution rke2 --containerd 1.7",
    { flags: ["distribution", "containerd", "shims", "keep"] },
  ),
  alone(
    "artifacts",
    "List, verify or pack component archives",
    "list shows the archives of the artifact directory, or with a component's name what is in its archive. verify reads every archive through and holds it against checksums.sha256; exits with 1 when one must not be used. pack DIR makes an archive of a directory: --component names it, --output the directory that it is written to.",
    "artifacts pack ./build/kernel --component kernel --output ./image/tarballs",
    {
      operand: { placeholder: "list|verify|pack", choices: artifactsChoices, fallback: undefined },
      flags: ["artifacts", "public-key", "component", "output-dir", "level"],
    },
  ),
  alone(
    "schema",
    "Print the JSON schema of a document",
    `Documents are ${schemaNames.join(", ")}; settings is the file that --config reads.`,
    "schema settings",
    { operand: { placeholder: "NAME", choices: schemaNames, fallback: undefined } },
  ),
  alone(
    "completions",
    "Print a completion script for a shell",
    `Shells are ${shells.join(", ")}.`,
    "completions bash > /etc/bash_completion.d/kata-deploy",
    { operand: { placeholder: "SHELL", choices: shells, fallback: undefined } },
  ),
]

/** Names of all actions. */
export const names: ReadonlyArray<string> = rows.map((row) => row.name)

/** The action of that name; names are exact. */
export const lookup = (name: string): ActionRow | undefined => rows.find((row) => row.name === name)

/** Whether a flag has an effect with an action. */
export const takes = (action: ActionRow, flag: FlagRow): boolean => {
  switch (flag.scope) {
    case "everywhere":
      return true
    case "node":
    case "setting":
      return action.works === "on-node" || action.flags.includes(flag.name)
    case "action":
      return action.flags.includes(flag.name)
  }
}

/** The flags that the help of an action shows, by heading. */
export const flagsOf = (
  action: ActionRow,
): ReadonlyArray<{ readonly heading: string; readonly flags: ReadonlyArray<FlagRow> }> =>
  [
    { heading: `Flags of ${action.name}`, flags: actionFlags },
    { heading: "The host and its surroundings", flags: nodeFlags },
    { heading: "Output", flags: outputFlags },
    { heading: "Settings", flags: shortSettingFlags },
  ]
    .map(({ flags, heading }) => ({ heading, flags: flags.filter((flag) => takes(action, flag)) }))
    .filter(({ flags }) => flags.length > 0)
