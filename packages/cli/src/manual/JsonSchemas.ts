/**
 * Answers: which JSON documents are valid? JSON Schema, dialect draft 2020-12, for the settings file and for every
 * document that the program prints.
 */
import { Architecture, SettingsTable } from "@kata-deploy/core"
import { JsonSchema, Schema } from "effect"
import type { schemaNames } from "../command/ActionTable.ts"
import * as DocumentSchemas from "../render/DocumentSchemas.ts"

/** Documents whose schema can be printed. */
export type SchemaName = (typeof schemaNames)[number]

const words = { type: "array", items: { type: "string" } }
const text = { type: "string" }
const map = (values: ReadonlyArray<string>) => ({ type: "object", additionalProperties: { type: values } })

/** Every value may also be the text that its variable would have. */
const valueOf = ({ value }: SettingsTable.SettingRow): object => {
  switch (value.kind) {
    case "boolean":
      return value.alsoTrue === undefined ? { type: "boolean" } : { enum: [true, false, value.alsoTrue] }
    case "choice":
      return { enum: value.choices }
    case "list":
      return { anyOf: [words, text] }
    case "mapping":
      return { anyOf: [map(["string"]), text] }
    case "per-shim":
      return { anyOf: [map(["string"]), text] }
    case "port":
      return { type: "integer", minimum: 0, maximum: 65535 }
    case "host-path":
      return { type: "string", pattern: "^/" }
    case "text":
      return text
  }
}

const propertyOf = (row: SettingsTable.SettingRow): readonly [string, object] => {
  const about = {
    description: `${row.description} Default: ${row.fallback}. Variable: ${row.variable}${row.perArchitecture ? "_<ARCH>" : ""}.`,
  }
  const value = row.perArchitecture
    ? {
        type: "object",
        properties: Object.fromEntries(Architecture.known.map((name) => [name, valueOf(row)])),
        additionalProperties: false,
      }
    : valueOf(row)
  return [SettingsTable.fileKey(row.variable), { ...about, ...value }]
}

const settings = (): object => ({
  type: "object",
  properties: { $schema: text, ...Object.fromEntries(SettingsTable.rows.map(propertyOf)) },
  additionalProperties: false,
})

const generated = (schema: Schema.Top): object => {
  const { definitions, schema: root } = Schema.toJsonSchemaDocument(schema)
  return { ...root, ...(Object.keys(definitions).length === 0 ? {} : { $defs: definitions }) }
}

const documents: Readonly<Record<Exclude<SchemaName, "settings">, Schema.Top>> = {
  plan: DocumentSchemas.PlanSchema,
  report: DocumentSchemas.ReportSchema,
  status: DocumentSchemas.StatusSchema,
  snapshots: DocumentSchemas.SnapshotsSchema,
  "mode-change": DocumentSchemas.ModeChangeSchema,
  artifacts: DocumentSchemas.ArtifactsSchema,
  "archive-entries": DocumentSchemas.ArchiveEntriesSchema,
  verification: DocumentSchemas.VerificationSchema,
  packed: DocumentSchemas.PackedSchema,
  problems: DocumentSchemas.ProblemsSchema,
}

const schemaOf = (name: SchemaName): object => (name === "settings" ? settings() : generated(documents[name]))

/** The schema of a document as a JSON text. */
export const document = (name: SchemaName): string =>
  `${JSON.stringify({ $schema: JsonSchema.META_SCHEMA_URI_DRAFT_2020_12, title: `kata-deploy ${name}`, ...schemaOf(name) }, null, 2)}\n`
