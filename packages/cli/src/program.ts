/** Placeholder of the program behind the entry. */
export const run = (_argv: ReadonlyArray<string>): Promise<number> => Promise.resolve(0);
