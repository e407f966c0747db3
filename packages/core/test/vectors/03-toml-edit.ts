/** Answers the vectors about edits in TOML files of somebody else. */
import { Result, Schema } from "effect"
import { ContainerdImports, Toml, TomlEdit } from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"
import { sameToml } from "./pod/sameToml.ts"

const Edit = Schema.Struct({
  op: Schema.Literals(["set", "append", "remove", "get", "getArray", "delete"]),
  before: Schema.NullOr(Schema.String),
  path: Schema.Array(Schema.String),
  value: Schema.optionalKey(Schema.Unknown),
})

type Answer = { readonly after: string } | { readonly result: unknown } | { readonly error: string }

const textOr = (result: Result.Result<string, TomlEdit.EditProblem>): Answer =>
  Result.match(result, { onFailure: (error) => ({ error }), onSuccess: (after) => ({ after }) })

const valueOr = (result: Result.Result<unknown, TomlEdit.EditProblem>): Answer =>
  Result.match(result, { onFailure: (error) => ({ error }), onSuccess: (value) => ({ result: value }) })

const isImports = (path: ReadonlyArray<string>): boolean => path.length === 1 && path[0] === "imports"

const arrayProblem = (before: string, path: ReadonlyArray<string>): TomlEdit.EditProblem =>
  Result.match(TomlEdit.getArray(before, path), { onFailure: (e) => e, onSuccess: () => "E_TOML_PARSE" })

const append = (before: string, path: ReadonlyArray<string>, value: unknown): Answer =>
  isImports(path)
    ? Result.match(ContainerdImports.add(before, [String(value)]), {
        onFailure: () => ({ error: arrayProblem(before, path) }),
        onSuccess: ({ text }) => ({ after: text }),
      })
    : textOr(
        Result.flatMap(TomlEdit.getArray(before, path), (members) =>
          TomlEdit.set(before, path, members.includes(value) ? members : [...members, value]),
        ),
      )

const remove = (before: string, path: ReadonlyArray<string>, value: unknown): Answer =>
  isImports(path)
    ? Result.match(ContainerdImports.remove(before, [String(value)], undefined), {
        onFailure: () => ({ error: arrayProblem(before, path) }),
        onSuccess: (after) => ({ after }),
      })
    : textOr(
        Result.flatMap(TomlEdit.getArray(before, path), (members) =>
          members.includes(value)
            ? TomlEdit.set(
                before,
                path,
                members.filter((member) => member !== value),
              )
            : Result.succeed(before),
        ),
      )

const answer = ({ before, op, path, value }: typeof Edit.Type): Answer => {
  // A file that is missing is the planner's business; for an edit it is an empty text.
  const text = before ?? ""
  switch (op) {
    case "set":
      return textOr(TomlEdit.set(text, path, value))
    case "delete":
      return textOr(TomlEdit.unset(text, path))
    case "get":
      return valueOr(TomlEdit.get(text, path))
    case "getArray":
      return valueOr(TomlEdit.getArray(text, path))
    case "append":
      return append(text, path, value)
    case "remove":
      return remove(text, path, value)
  }
}

/** Comments that are lost, and a blank line that came to stand in front of a text. */
const damage = (before: string, after: string): ReadonlyArray<string> => [
  ...before
    .split("\n")
    .flatMap((line) => /#.*$/.exec(line) ?? [])
    .filter((comment) => !after.includes(comment))
    .map((comment) => `the comment ${JSON.stringify(comment)} is lost`),
  ...(Toml.splitTemplateLine(before).template === Toml.splitTemplateLine(after).template
    ? []
    : ["the template line has changed"]),
  ...(/^\s*\n/.test(Toml.splitTemplateLine(after).body) && !/^\s*\n/.test(Toml.splitTemplateLine(before).body)
    ? ["a blank line leads"]
    : []),
]

const edit: Vectors.Section = (vector) =>
  Vectors.read(
    Schema.Struct({ edit: Edit, expected: Schema.Struct({ after: Schema.optionalKey(Schema.String) }) }),
    { edit: vector.input, expected: vector.expected },
  ).pipe(
    Result.flatMap(({ edit, expected }) => {
      const given = answer(edit)
      if (expected.after === undefined || !("after" in given)) return Vectors.compare(vector.expected, given)
      return Vectors.verdictOf([
        ...sameToml(
          "after",
          Toml.splitTemplateLine(expected.after).body,
          Toml.splitTemplateLine(given.after).body,
        ),
        ...damage(edit.before ?? "", given.after),
      ])
    }),
  )

/** Runner of `03-toml-edit`. */
export const runner: Vectors.Runner = {
  file: "03-toml-edit",
  sections: {
    edit,
    templateHeaderSplit: Vectors.answering(Schema.Struct({ content: Schema.String }), ({ content }) => {
      const { body, template } = Toml.splitTemplateLine(content)
      return { header: template, body }
    }),
  },
}
