/** Answers: how often per second, and how much does that vary? Medians over rounds that take turns. */
import process from "node:process"

/** Something to be measured; what it returns is kept alive, so that it cannot be optimised away. */
export interface Contestant {
  readonly name: string
  readonly run: () => unknown
}

/** What came of a contestant. */
export interface Figure {
  readonly name: string
  /** Runs per second, the median of all rounds. */
  readonly perSecond: number
  /** Slowest and fastest round, in runs per second. */
  readonly spread: readonly [slowest: number, fastest: number]
}

const roundSeconds = 0.15

/** Keeps results reachable. */
export const sink: { last: unknown } = { last: undefined }

/** Runs per second of processor time, so that neighbours on the machine count less. */
const round = ({ run }: Contestant): number => {
  const started = process.threadCpuUsage()
  const until = performance.now() + roundSeconds * 1000
  let runs = 0
  while (performance.now() < until || runs === 0) {
    sink.last = run()
    runs++
  }
  const used = process.threadCpuUsage(started)
  return (runs * 1_000_000) / (used.user + used.system)
}

/** Measures all contestants in turns, so that what disturbs one disturbs the others as well. */
export const compare = (contestants: ReadonlyArray<Contestant>, rounds = 9): ReadonlyArray<Figure> => {
  for (const contestant of contestants) for (let i = 0; i < 4; i++) round(contestant)
  const figures = contestants.map(() => [] as Array<number>)
  for (let i = 0; i < rounds; i++)
    for (const [at, one] of contestants.entries()) figures[at]!.push(round(one))
  return contestants.map(({ name }, at) => {
    const sorted = figures[at]!.sort((a, b) => a - b)
    return {
      name,
      perSecond: sorted[Math.floor(sorted.length / 2)]!,
      spread: [sorted[0]!, sorted.at(-1)!],
    }
  })
}
