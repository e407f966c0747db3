import { assert, describe, it } from "vitest"
import * as Arguments from "../../src/command/Arguments.ts"
import * as Display from "../../src/command/Display.ts"
import * as Recorder from "../sample/Recorder.ts"

const decode = (argv: ReadonlyArray<string>, options: Recorder.Options = {}) =>
  Display.decode(Arguments.parse(argv).given, Recorder.make(options).surroundings)
const terminal = { columns: 120 }

describe("what is shown", () => {
  it("has no colours, no bar and JSON logs in a pipe", () => {
    const { color, logFormat, output, progress } = decode([])
    assert.deepStrictEqual(
      { color, logFormat, output, progress },
      {
        color: { stdout: false, stderr: false },
        logFormat: "json",
        output: "text",
        progress: "log",
      },
    )
  })

  it("has colours, progress and text logs on a terminal", () => {
    const { color, columns, logFormat, progress } = decode([], { terminal })
    assert.deepStrictEqual(
      { color, columns, logFormat, progress },
      {
        color: { stdout: true, stderr: true },
        columns: { stdout: 120, stderr: 120 },
        logFormat: "text",
        progress: "bar",
      },
    )
  })

  it("has no colours where somebody does not want them", () => {
    const none = { stdout: false, stderr: false }
    assert.deepStrictEqual(decode(["--no-color"], { terminal }).color, none)
    assert.deepStrictEqual(decode([], { terminal, env: { NO_COLOR: "1" } }).color, none)
    assert.deepStrictEqual(decode([], { terminal, env: { TERM: "dumb" } }).color, none)
    assert.strictEqual(decode([], { terminal, env: { NO_COLOR: "" } }).color.stdout, true)
  })

  it("shows progress as it is told", () => {
    assert.strictEqual(decode(["--progress=plain"]).progress, "plain")
    assert.strictEqual(decode(["--progress=none"], { terminal }).progress, "none")
    assert.strictEqual(decode(["--progress=none"]).progress, "none")
    assert.strictEqual(decode([], { terminal, env: { TERM: "dumb" } }).progress, "none")
  })

  it("logs more when debugging is on, unless the level is given", () => {
    assert.strictEqual(decode([]).logLevel, "Info")
    assert.strictEqual(decode([], { env: { DEBUG: "TRUE" } }).logLevel, "Debug")
    assert.strictEqual(decode(["--debug"]).logLevel, "Debug")
    assert.strictEqual(decode(["--debug=false"], { env: { DEBUG: "true" } }).logLevel, "Info")
    assert.strictEqual(decode(["--debug", "--log-level=warn"]).logLevel, "Warn")
  })
})
