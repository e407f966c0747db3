/**
 * `npm run check`: everything that machines can say about the repository without running it.
 *
 *   npm run check                    all rules
 *   npm run check -- lint names      only these
 *
 * With CHECK_REPORT=FILE the numbers also go to FILE, as `{ "passed": n, "failed": n }`.
 */
import { execFile } from "node:child_process"
import { globSync, readFileSync, writeFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import process from "node:process"
import { rules } from "./rules/index.ts"
import type { Finding, SourceFile } from "./rules/Source.ts"
import { tools } from "./tools.ts"

const root = join(import.meta.dirname, "..")

/** What came of one rule: nothing to say when it holds. */
interface Outcome {
  readonly name: string
  readonly says: string
  readonly complaint: string | undefined
  readonly seconds: number
}

const sources = (): ReadonlyArray<SourceFile> =>
  globSync(
    [
      "package-lock.json",
      "packages/*/package.json",
      "packages/*/{src,test}/**/*.{ts,mjs,js}",
      "{e2e,scripts,examples,bench}/**/*.{ts,mjs,js}",
    ],
    { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist|fixtures)$/.test(path) },
  )
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }))

const show = ({ line, message, path }: Finding): string =>
  `${path}${line === undefined ? "" : `:${line}`} ${message}`

const timed = async (
  { name, says }: { readonly name: string; readonly says: string },
  complaint: () => string | undefined | Promise<string | undefined>,
): Promise<Outcome> => {
  const started = performance.now()
  const result = await complaint()
  return { name, says, complaint: result, seconds: (performance.now() - started) / 1000 }
}

/** Output of a tool that failed; undefined when it had nothing to object to. */
const run = (command: string, args: ReadonlyArray<string>): Promise<string | undefined> =>
  new Promise((resolve) => {
    const path = [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter)
    const env = { ...process.env, PATH: path }
    execFile(command, args, { cwd: root, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve(error === null ? undefined : `${stdout}${stderr}`.trim() || error.message)
    })
  })

const print = ({ complaint, name, says, seconds }: Outcome): void => {
  const mark = complaint === undefined ? "ok  " : "FAIL"
  console.log(`${mark} ${name.padEnd(22)} ${seconds.toFixed(1).padStart(5)} s  ${says}`)
  if (complaint !== undefined) console.log(complaint.replace(/^/gm, "       "))
}

const wanted = process.argv.slice(2)
const known = [...tools, ...rules].map(({ name }) => name)
const unknown = wanted.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`No rule is called ${unknown.join(", ")}. There are: ${known.join(", ")}.`)
  process.exit(2)
}
const isWanted = ({ name }: { readonly name: string }) => wanted.length === 0 || wanted.includes(name)

const started = performance.now()
const outcomes: Array<Outcome> = []
const finish = (outcome: Outcome): void => {
  outcomes.push(outcome)
  print(outcome)
}

// The tools run side by side; our own rules are quick and run in this process meanwhile.
const running = tools
  .filter(isWanted)
  .map(async (tool) => finish(await timed(tool, () => run(tool.command, tool.args))))
const files = sources()
for (const rule of rules.filter(isWanted)) {
  finish(await timed(rule, () => rule.check(files).map(show).join("\n") || undefined))
}
await Promise.all(running)

const failed = outcomes.filter(({ complaint }) => complaint !== undefined).length
const passed = outcomes.length - failed
const report = process.env["CHECK_REPORT"]
if (report) writeFileSync(report, JSON.stringify({ passed, failed }))
const seconds = ((performance.now() - started) / 1000).toFixed(1)
console.log(`${passed} rules hold, ${failed} do not (${seconds} s)`)
process.exitCode = failed > 0 || outcomes.length === 0 ? 1 : 0
