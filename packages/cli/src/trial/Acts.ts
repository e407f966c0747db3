/**
 * Answers: what does the show consist of? A list of acts: each is one action of the command line, with the reason
 * for showing it and what has to be true afterwards. Plain data, so that the order can be read at a glance.
 */

/** Which moment the sample host is held against after an act. */
export type Comparison = "as it was at first" | "as it was before this act" | "not compared"

/** One action that is shown. */
export interface Act {
  /** Heading: what a user wants to know or do. */
  readonly title: string
  /** One sentence: why it is shown. */
  readonly why: string
  /** The action and its own flags, as typed after the global flags. */
  readonly words: ReadonlyArray<string>
  /** What the sample host must look like afterwards. */
  readonly compare: Comparison
  /** What has been proven once the act ended with 0 and the comparison held. */
  readonly claim: string
}

/** The show, in order. */
export const acts: ReadonlyArray<Act> = [
  {
    title: "What would an install do?",
    why: "The plan is worked out from what the node looks like; every step says why, every file shows its diff.",
    words: ["plan", "install"],
    compare: "as it was at first",
    claim: "A plan changes nothing.",
  },
  {
    title: "Install",
    why: "The archives are unpacked beside their place and moved when they are complete; then containerd learns its handlers.",
    words: ["install", "--once"],
    compare: "not compared",
    claim: "An install needs no cluster, no network and no systemd.",
  },
  {
    title: "What is installed here?",
    why: "Everything that was written is in a ledger on the host, so drift would show.",
    words: ["status", "--verify"],
    compare: "as it was before this act",
    claim: "Nothing has drifted: every file is as it was written. Looking changes nothing.",
  },
  {
    title: "Install again",
    why: "A pod that restarts runs the same install again; there must be nothing left to do.",
    words: ["install", "--once"],
    compare: "as it was before this act",
    claim: "A second install changes not a single byte.",
  },
  {
    title: "Clean up",
    why: "The ledger says what is ours: exactly that goes, and our line in a file of somebody else's.",
    words: ["cleanup"],
    compare: "as it was at first",
    claim: "After cleanup the host is what it was: paths, types, modes, owners, links and bytes.",
  },
]

/** Files that stay on purpose, relative to the host's root: other programs may hold the lock at any time. */
export const residues: ReadonlySet<string> = new Set(["run/lock/kata-deploy.lock"])
