/**
 * Property tests draw the same examples everywhere, so that a run can be repeated and one change is judged alone.
 * `FC_SEED=random` explores, `FC_SEED=<number>` repeats what such a run printed.
 */
import fc from "fast-check"

const wanted = process.env["FC_SEED"] ?? "20261121"
if (wanted !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wanted) })

/** Of a mutant it is enough to know that there is a counterexample; looking for the smallest takes most of the time. */
if (process.env["STRYKER_MUTATOR_WORKER"] !== undefined)
  fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true })
