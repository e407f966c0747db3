import { describe, it } from "vitest"
import * as Pages from "../../src/manual/Pages.ts"
import * as Golden from "../sample/Golden.ts"

describe("the generated pages", () => {
  it("say of settings what the table says", () => {
    Golden.matches(Pages.settings(), "docs/settings.md")
  })

  it("say of the command line what the tables say", () => {
    Golden.matches(Pages.commandLine(), "docs/cli.md")
  })
})
