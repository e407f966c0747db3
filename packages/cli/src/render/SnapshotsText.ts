/** Answers: how does a person read what is planned for snapshots, and what became of it? */
import type { SnapshotsReport } from "@kata-deploy/core"
import type { Style } from "./Paint.ts"
import { count, hanging } from "./Prose.ts"

/** So many keys tell what it is about; the document has all of them. */
const shown = 8

/** The beginning of a digest tells two apart. */
const short = (key: string): string => key.replace(/(sha256:[0-9a-f]{12})[0-9a-f]+/g, "$1…")

const some = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length <= shown ? lines : [...lines.slice(0, shown), `and ${lines.length - shown} more`]

const section = (title: string, lines: ReadonlyArray<string>, { columns }: Style): ReadonlyArray<string> =>
  lines.length === 0
    ? []
    : [`  ${title}:`, ...some(lines.map(short)).flatMap((line) => hanging("    ", line, columns))]

const nothing: Readonly<Record<SnapshotsReport.NamespaceReport["outcome"], string>> = {
  clean: "nothing there",
  repairable: "nothing to do",
  blocked: "nothing that could go",
  unknown: "not known",
}

const namespaceLines = (
  found: SnapshotsReport.NamespaceReport,
  what: string,
  style: Style,
): ReadonlyArray<string> => {
  const { blocked, doubts, images, namespace, order, outcome } = found
  const lines = [
    ...section(`${count(order.length, what)} to remove, in this order`, order, style),
    ...section(
      `${count(blocked.length, what)} that stay${blocked.length === 1 ? "s" : ""}`,
      blocked.map(({ because, key }) => `${key}: ${because}`),
      style,
    ),
    ...section("Images that are unpacked anew with their next use", images, style),
    ...section("Not known", doubts, style),
  ]
  const heading = style.paint("bold", `Namespace ${namespace}`)
  return lines.length === 0 ? [`${heading}: ${nothing[outcome]}`] : [heading, ...lines]
}

/** The plan for people, with a final newline. */
export const plan = (report: SnapshotsReport.SnapshotsReport, style: Style): string => {
  const { action, namespaces, snapshotter } = report
  const what = action === "repair" ? "record" : "snapshot"
  const isRepairable = action === "repair" && namespaces.some(({ order }) => order.length > 0)
  return `${[
    action === "repair"
      ? `Records of ${snapshotter} without a snapshot behind them:`
      : `Snapshots of ${snapshotter}:`,
    ...(namespaces.length === 0 ? ["containerd has no namespaces."] : []),
    ...namespaces.flatMap((found) => namespaceLines(found, what, style)),
    ...(namespaces.some(({ outcome }) => outcome === "unknown")
      ? [style.paint("yellow", "Not everything could be seen, so there may be more.")]
      : []),
    ...(isRepairable && !report.applied ? ["With --apply they are removed."] : []),
  ].join("\n")}\n`
}

/** What became of the plan, with a final newline. */
export const figures = (
  { left, namespaces, stopped }: SnapshotsReport.SnapshotsReport,
  style: Style,
): string => {
  const done = namespaces.flatMap((found) => (found.figures === null ? [] : [found.figures]))
  const sum = (of: (one: SnapshotsReport.Figures) => number): number =>
    done.reduce((total, one) => total + of(one), 0)
  const failed = done.flatMap((one) => one.failed.map(({ key, why }) => `${key}: ${why}`))
  return `${[
    `Removed ${sum((one) => one.removed)}, gone already ${sum((one) => one.gone)}, failed ${failed.length}, left out ${sum((one) => one.leftOut.length)}; labels taken off ${sum((one) => one.unlabelled)}.`,
    ...section("Failed", failed, style),
    ...(stopped === undefined
      ? []
      : hanging(
          "",
          style.paint(
            "yellow",
            `Stopped before the end: ${stopped}. Run the same once more for what is left.`,
          ),
          style.columns,
        )),
    left === null ? "What is left could not be seen." : `Left: ${left}.`,
  ].join("\n")}\n`
}
