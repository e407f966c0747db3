/** Answers: which `--output` names a directory, and which the form of the result? */

/**
 * `artifacts pack DIR --output DIR2` names a directory; everywhere else, and with `text` or `json`, `--output` is the
 * form of the result. Makes the first kind a flag of its own.
 */
export const withOutputDirectory = (argv: ReadonlyArray<string>): ReadonlyArray<string> => {
  const isForm = (value: string | undefined) => value === undefined || /^(text|json)$/i.test(value.trim())
  const at = argv.indexOf("artifacts")
  if (at === -1 || !argv.slice(at).includes("pack")) return argv
  return argv.map((word, i) => {
    if (word === "--output" && !isForm(argv[i + 1])) return "--output-dir"
    const inline = /^--output=(.*)$/s.exec(word)?.[1]
    return inline === undefined || isForm(inline) ? word : `--output-dir=${inline}`
  })
}
