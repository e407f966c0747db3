export const document = (name: string): string => name
