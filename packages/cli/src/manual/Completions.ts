export const script = (name: string): string => name
