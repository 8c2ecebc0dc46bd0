/**
 * The declaration of `norion.tour` (listed in operations.ts).
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { operation } from "../../../kernel/operation.ts";
import { subcallFailed } from "../../../kernel/mod.ts";
import { StepShown, tourSurprised } from "../../surfaces/library.ts";

/** `norion.tour`. */
export const NorionTour = operation("norion.tour", {
  summary: "Walk through reasoning control without any model: real calls in a fresh folder below the output folder.",
  input: {},
  output: Schema.Struct({ steps: Schema.Int, folder: Schema.String, text: Schema.String }),
  event: StepShown,
  failures: [tourSurprised, subcallFailed],
  effects: ["readLocal", "writeLocal"],
  cost: { compute: "constant" },
  idempotent: true,
  // It replaces only the folder of an earlier tour.
  reversible: true,
  stability: "unstable",
  examples: [{ input: {} }],
});
