/**
 * The declaration of `tour.run` (listed in plugins/surfaces/operations.ts).
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { subcallFailed } from "../../../kernel/failures.ts";
import { JsonValue } from "../../../kernel/failure.ts";
import { operation } from "../../../kernel/operation.ts";
import { tourSurprised } from "../failures.ts";

const Text = Schema.String;

/** What one step shows. */
export const StepShown = Schema.Struct({
  step: Schema.Int,
  of: Schema.Int,
  title: Text,
  actor: Text,
  operation: Text,
  input: JsonValue,
  ok: Schema.Boolean,
  answer: JsonValue,
  text: Text,
});

/** `tour.run`: ten real calls in a folder of their own. */
export const Tour = operation("tour.run", {
  summary: "Walk through what works here: ten real calls in a fresh folder below the output folder.",
  input: {},
  output: Schema.Struct({ steps: Schema.Int, folder: Text, text: Text }),
  event: StepShown,
  failures: [tourSurprised, subcallFailed],
  effects: ["readLocal", "writeLocal"],
  cost: { compute: "constant" },
  idempotent: true,
  // It replaces only the folder of an earlier tour.
  reversible: true,
  stability: "stable",
  examples: [{ input: {}, output: { steps: 10 } }],
});
