/** Answers: how is text made to stand out on a terminal, and left alone everywhere else? */

/** What text can look like. */
export type Tone = "bold" | "dim" | "red" | "green" | "yellow" | "cyan"

/** Gives text a tone. */
export type Paint = (tone: Tone, text: string) => string

const codes: Readonly<Record<Tone, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 }

/** Leaves text as it is. */
export const plain: Paint = (_, text) => text

/** Paints with the codes that every terminal knows. */
export const coloured: Paint = (tone, text) => (text === "" ? "" : `\u001b[${codes[tone]}m${text}\u001b[0m`)

/** How a text is laid out: the tones, and the width in columns. */
export interface Style {
  readonly paint: Paint
  readonly columns: number
}
