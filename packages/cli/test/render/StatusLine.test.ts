import { assert, describe, it } from "vitest"
import * as StatusLine from "../../src/render/StatusLine.ts"

const terminal = (columns = 80) => {
  const written: Array<string> = []
  return {
    written,
    line: StatusLine.make({ write: (text) => void written.push(text), isTerminal: true, columns }),
  }
}

describe("the line that is rewritten", () => {
  it("gives way to lines that stay, and comes back below them", () => {
    const { line, written } = terminal()
    line.show("10 %")
    line.print("a log line\n")
    line.show("")
    assert.deepStrictEqual(written, ["10 %", "\r\u001b[2Ka log line\n10 %", "\r\u001b[2K"])
  })

  it("is cut, since a wrapped line could not be taken away", () => {
    const { line, written } = terminal(10)
    line.show("0123456789abc")
    assert.deepStrictEqual(written, ["01234567…"])
  })

  it("writes nothing of its own when it is not used", () => {
    const { line, written } = terminal()
    line.print("a log line\n")
    line.show("")
    assert.deepStrictEqual(written, ["a log line\n"])
  })
})
