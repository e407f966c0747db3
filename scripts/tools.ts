/**
 * The rules that other programs check for us, with the exact commands.
 */

/** A program that exits non-zero when its rule is broken. */
export interface Tool {
  readonly name: string
  readonly says: string
  readonly command: string
  readonly args: ReadonlyArray<string>
}

export const tools: ReadonlyArray<Tool> = [
  {
    name: "types",
    says: "TypeScript accepts packages, tests, e2e, scripts and examples",
    command: "tsc",
    args: ["-b"],
  },
  {
    name: "effect",
    says: "Effect's own diagnostics find no misuse",
    command: "effect-tsgo",
    args: [
      "diagnostics",
      "--project",
      "tsconfig.effect.json",
      "--strict",
      "--format",
      "text",
      "--severity",
      "error,warning",
    ],
  },
  {
    name: "lint",
    says: "oxlint has nothing to say",
    command: "oxlint",
    args: ["--deny-warnings", "--format", "unix"],
  },
  { name: "format", says: "oxfmt would change nothing", command: "oxfmt", args: ["--check"] },
]
