/**
 * Answers: how is an install in a main config without drop-ins undone? Our block tells best; upstream's two witnesses
 * beside the file count only where there is none. Source: spec 03 §3; decisions §4; 12 W-14.
 */

/** What is found in and beside the main config. */
export interface WholeFileWitnesses {
  /** Whether our marked block is in the main config. */
  readonly block: "present" | "absent"
  /** Whether the copy that was made before the first edit is there (`.bak`). */
  readonly backup: "present" | "absent"
  /** Whether the mark is there that says that the file was made by an install (`.kata-deploy-created`). */
  readonly createdMark: "present" | "absent"
}

/**
 * - `merge`: cut our block and keep every other change;
 * - `restore`: put the copy back, `delete`: remove the file that an install made;
 * - `keep`: nothing says that anything in it is ours.
 */
export type Disposition = "merge" | "restore" | "delete" | "keep"

/** Decides what becomes of the main config. */
export const decide = (witnesses: WholeFileWitnesses): Disposition => {
  if (witnesses.block === "present") return "merge"
  if (witnesses.backup === "present") return "restore"
  return witnesses.createdMark === "present" ? "delete" : "keep"
}
