/**
 * Benchmark gate: whether one measurement of a genome is a regression from another.
 *
 * Not the measuring (scissors/suite.ts).
 * Invariant: two measurements are compared only when they are of the same tasks.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { badModel } from "../failures.ts";
import { saidBy } from "../models/places.ts";
import type { Policy } from "../policy.ts";
import { judgeBenefit, type Measured, type MeasureName, MEASURES } from "../scissors/measures.ts";
import { check, type GateReport } from "./check.ts";

const Values = Schema.Struct(
  Object.fromEntries(Object.keys(MEASURES).map((name) => [name, Schema.Finite])) as {
    readonly [M in MeasureName]: typeof Schema.Finite;
  },
);

const Measurement = Schema.Struct({
  values: Values,
  tasks: Schema.Array(Schema.Struct({ id: Schema.String, solved: Schema.Boolean })),
  broken: Schema.Array(Schema.String),
});

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Measurement));

/** Reads a measurement; throws `NORION_MODELS` where it is none. */
export const readMeasurement = (text: string, what: string): Measured => {
  const read = decode(text, { onExcessProperty: "error" });
  if (Result.isFailure(read)) throw badModel({ what, reason: saidBy(read.failure) });
  return read.success;
};

/** A change that gains nothing is no reason to close a gate of regressions. */
const NO_FAULT: ReadonlySet<string> = new Set(["NO_GAIN"]);

/** Compares a measurement with the one before. */
export const benchmarkGate = (before: Measured, after: Measured, policy: Policy): GateReport => {
  const ids = (measured: Measured): string => measured.tasks.map(({ id }) => id).join(" ");
  const same = ids(before) === ids(after);
  const { reasons, difference } = judgeBenefit(before, after, policy);
  const faults = reasons.filter((reason) => !NO_FAULT.has(reason));
  const moved = Object.entries(difference).filter(([, by]) => by !== 0).map(([name, by]) => `${name} ${by}`);
  return {
    checks: [
      check("both are of the same tasks", same, `${before.tasks.length} and ${after.tasks.length}`),
      check("nothing regressed", faults.length === 0, faults.join(", ") || moved.join(", ") || "nothing moved"),
    ],
    unchecked: ["whether the tasks are like those of users"],
  };
};
