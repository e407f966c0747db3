import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import * as Pages from "../../src/manual/Pages.ts"
import * as Golden from "../sample/Golden.ts"

describe("the generated pages", () => {
  it("say of settings what the table says", () => {
    Golden.matches(Pages.settings(), "docs/settings.md")
  })

  it("say of the command line what the tables say", () => {
    Golden.matches(Pages.commandLine(), "docs/cli.md")
  })

  it("name every variable that the program reads", () => {
    // Filled in by the bundler, and passed on from the supervisor to its children.
    const ours = ["KATA_DEPLOY_VERSION", "KATA_DEPLOY_SUPERVISOR_FD"]
    const sources = join(import.meta.dirname, "../../src")
    const read = globSync("**/*.ts", { cwd: sources }).flatMap(
      (file) => readFileSync(join(sources, file), "utf8").match(/\bKATA_DEPLOY_[A-Z_]+\b/g) ?? [],
    )
    const told = `${Pages.commandLine()}${Pages.settings()}`
    assert.deepStrictEqual(
      [...new Set(read)].filter((name) => !ours.includes(name) && !told.includes(`\`${name}\``)),
      [],
    )
  })
})
