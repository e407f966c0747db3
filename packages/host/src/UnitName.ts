/** Answers: what is the full name of a unit? Source: spec 09 §10. */

/** Every type of unit that systemd has. */
const types = [
  "automount",
  "device",
  "mount",
  "path",
  "scope",
  "service",
  "slice",
  "socket",
  "swap",
  "target",
  "timer",
]

/** The name with its type; without one it is a service. A dot that begins no type is a part of the name. */
export const complete = (name: string): string =>
  types.some((type) => name.endsWith(`.${type}`)) ? name : `${name}.service`
