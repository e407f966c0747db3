import { EventEmitter } from "node:events"
import { assert, describe, it } from "vitest"
import { outputOf, workingDirectoryOf } from "../src/Surroundings.ts"

class FakeStream extends EventEmitter {
  readonly written: Array<string> = []
  isTTY = false
  columns = 120
  write(text: string): void {
    this.written.push(text)
  }
}

const failure = (code: string) => Object.assign(new Error(code), { code })

describe("an output of the process", () => {
  it("does not mind a reader that leaves early, and writes no more", () => {
    const stream = new FakeStream()
    const failures: Array<string> = []
    const output = outputOf(stream, (error) => failures.push(error.code ?? ""))
    output.write("one")
    stream.emit("error", failure("EPIPE"))
    output.write("two")
    assert.deepStrictEqual(stream.written, ["one"])
    assert.deepStrictEqual(failures, [])
  })

  it("tells once when nothing can be written for another reason", () => {
    const stream = new FakeStream()
    const failures: Array<string> = []
    outputOf(stream, (error) => failures.push(error.code ?? ""))
    stream.emit("error", failure("ENOSPC"))
    stream.emit("error", failure("ENOSPC"))
    assert.deepStrictEqual(failures, ["ENOSPC"])
  })

  it("is 80 columns wide where there is no terminal, and never too narrow to read", () => {
    const stream = new FakeStream()
    const output = outputOf(stream, () => {})
    assert.strictEqual(output.columns, 80)
    assert.isFalse(output.isTerminal)
    const terminal = Object.assign(new FakeStream(), { isTTY: true, columns: 7 })
    assert.strictEqual(outputOf(terminal, () => {}).columns, 40)
    const unsized = Object.assign(new FakeStream(), { isTTY: true, columns: 0 })
    assert.strictEqual(outputOf(unsized, () => {}).columns, 80)
  })
})

describe("the working directory", () => {
  it("that was removed under a shell is known by the name that it had", () => {
    assert.strictEqual(workingDirectoryOf({ cwd: () => "/here", env: { PWD: "/elsewhere" } }), "/here")
    const cwd = (): string => {
      throw failure("ENOENT")
    }
    assert.strictEqual(workingDirectoryOf({ cwd, env: { PWD: "/gone" } }), "/gone")
    assert.strictEqual(workingDirectoryOf({ cwd, env: {} }), "/")
  })
})
