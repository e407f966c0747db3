import { describe, expect, it } from "vitest"
import { plain } from "../../src/render/Paint.ts"
import * as Page from "../../src/trial/Page.ts"

const paper = (columns: number) => {
  const written: Array<string> = []
  const page: Page.Page = { write: (text) => void written.push(text), columns, paint: plain }
  return { page, lines: () => written.join("").split("\n").slice(0, -1) }
}

const commandLine = [
  "kata-deploy",
  "--host-root",
  "/tmp/kata-deploy-try-a1b2c3/host",
  "--artifacts",
  "/tmp/kata-deploy-try-a1b2c3/artifacts",
  "--shims",
  "qemu clh qemu-runtime-rs",
]
const action = ["install", "--once"]

describe("a page", () => {
  it("holds no escape sequence when it is plain", () => {
    const { page, lines } = paper(80)
    Page.title(page, "a title")
    Page.heading(page, "a heading")
    Page.facts(page, [["name", "value"]])
    Page.command(page, commandLine, action)
    Page.verdict(page, { claim: "Right.", measured: "0.1 s", verdict: "failed", against: ["not so"] })
    expect(lines().join("\n")).not.toContain("\u001b")
  })
})

describe.each([80, 200])("on %i columns", (columns) => {
  it("no heading, paragraph, fact or verdict is wider than the page", () => {
    const { page, lines } = paper(columns)
    const long = "words that go on and on ".repeat(20).trim()
    Page.heading(page, "What would an install do?")
    Page.paragraph(page, long)
    Page.facts(page, [["in", long]])
    Page.verdict(page, { claim: long, measured: "0.1 s", verdict: "held", against: [] })
    expect(Math.max(...lines().map((line) => line.length))).toBeLessThanOrEqual(Math.min(columns, 100))
  })

  it("a command line can be pasted into a shell", () => {
    const { page, lines } = paper(columns)
    Page.command(page, commandLine, action)
    expect(Math.max(...lines().map((line) => line.length))).toBeLessThanOrEqual(Math.min(columns, 100))
    const joined = lines()
      .join("\n")
      .replace(/ \\\n +/g, " ")
    expect(joined).toBe(
      "$ kata-deploy --host-root /tmp/kata-deploy-try-a1b2c3/host --artifacts /tmp/kata-deploy-try-a1b2c3/artifacts " +
        '--shims "qemu clh qemu-runtime-rs" install --once',
    )
  })
})

describe("a command line", () => {
  it("keeps a flag and its value on one line", () => {
    const { page, lines } = paper(60)
    Page.command(page, commandLine, action)
    expect(lines()).toEqual([
      "$ kata-deploy --host-root /tmp/kata-deploy-try-a1b2c3/host \\",
      "    --artifacts /tmp/kata-deploy-try-a1b2c3/artifacts \\",
      '    --shims "qemu clh qemu-runtime-rs" install --once',
    ])
  })

  it("keeps the words of an action on one line", () => {
    const { page, lines } = paper(50)
    Page.command(page, ["kata-deploy", "--systemd", "none", "--shims", "qemu clh"], ["plan", "install"])
    expect(lines()).toEqual(['$ kata-deploy --systemd none --shims "qemu clh" \\', "    plan install"])
  })

  it("quotes what a shell would change", () => {
    expect(Page.quoted("containerd://2.1.5-k3s1")).toBe("containerd://2.1.5-k3s1")
    expect(Page.quoted("")).toBe('""')
    expect(Page.quoted('a "$HOME" `b`')).toBe('"a \\"\\$HOME\\" \\`b\\`"')
  })
})

describe("a verdict", () => {
  it("does not go on for ever about what speaks against it", () => {
    const { page, lines } = paper(80)
    const against = Array.from({ length: 30 }, (_, index) => `opt/kata/${index}: the file is gone`)
    Page.verdict(page, { claim: "Nothing changed.", measured: "0.1 s", verdict: "failed", against })
    expect(lines()).toHaveLength(23)
    expect(lines().at(-1)).toBe("    and 10 more")
  })
})

describe("times for people", () => {
  it("have a unit and one decimal", () => {
    expect(Page.seconds(836)).toBe("0.8 s")
  })
})
