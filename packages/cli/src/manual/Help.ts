/** Answers: how is the program used? */
import type { ActionRow } from "../command/ActionTable.ts"
import type { Style } from "../render/Paint.ts"
export const general = (_: Style): string => ""
export const ofAction = (_a: ActionRow, _: Style): string => ""
