import { SettingsTable } from "@kata-deploy/core"
import { assert, describe, it } from "vitest"
import { schemaNames } from "../../src/command/ActionTable.ts"
import * as SettingsFile from "../../src/command/SettingsFile.ts"
import { document } from "../../src/manual/JsonSchemas.ts"

interface Schema {
  readonly $schema: string
  readonly $ref?: string
  readonly properties: Readonly<Record<string, unknown>>
  readonly $defs?: Readonly<Record<string, Schema>>
}

const schema = (name: (typeof schemaNames)[number]): Schema => JSON.parse(document(name)) as Schema

/** Properties of a document, be they at the root or behind its reference. */
const propertiesOf = ({ $defs, $ref, properties }: Schema) =>
  $ref === undefined ? properties : ($defs?.[$ref.replace("#/$defs/", "")]?.properties ?? assert.fail($ref))

describe("the JSON schemas", () => {
  it("are of the dialect draft 2020-12, and every reference leads somewhere", () => {
    for (const name of schemaNames) {
      const { $defs = {}, $schema } = schema(name)
      assert.strictEqual($schema, "https://json-schema.org/draft/2020-12/schema")
      for (const [, target] of document(name).matchAll(/"\$ref": "#\/\$defs\/([^"]+)"/g))
        assert.isDefined($defs[target ?? ""], `${name}: ${target}`)
    }
  })

  it("of documents ask for the version and the kind", () => {
    for (const name of schemaNames.filter((each) => each !== "settings")) {
      assert.containsAllKeys(propertiesOf(schema(name)), ["schemaVersion", "kind"])
      assert.deepInclude(propertiesOf(schema(name))["kind"], { enum: [name] })
    }
  })

  it("of settings knows exactly the keys that the file can have", () => {
    const keys = Object.keys(schema("settings").properties).filter((key) => key !== "$schema")
    assert.deepStrictEqual(keys, [...SettingsFile.keys])
    assert.strictEqual(keys.length, SettingsTable.rows.length)
  })
})
