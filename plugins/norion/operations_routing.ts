/**
 * Declaration of learned routing: `norion.learnRouting`.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { operation, role } from "../../kernel/operation.ts";
import { ArtifactName } from "../../registry/artifact.ts";
import { declare, Milli } from "./declaration.ts";
import { LEAST_OBSERVED, LEAST_OBSERVED_EACH } from "./routing/learned.ts";
import { ScopeInput } from "./scope.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** `norion.learnRouting`. */
export const LearnRouting = operation("norion.learnRouting", {
  ...declare,
  summary:
    "Fit a router between a cheap and a strong model to outcomes, and store it: of a file, or of judged requests.",
  input: {
    name: ArtifactName.annotate({ description: "name of the stored router" }),
    file: Schema.optionalKey(
      role(
        "readPath",
        "Outcomes of both models, at least " + LEAST_OBSERVED + ": lines of JSON or comma-separated values with " +
          "weak, strong (0 to 1), and text, length or subject",
      ),
    ),
    models: Schema.optionalKey(
      Schema.Struct({ cheap: Schema.String, strong: Schema.String }).annotate({
        description: "ids of the two models: without a file, those whose judged answers are learned from, at least " +
          LEAST_OBSERVED_EACH + " each",
      }),
    ),
    scope: ScopeInput,
  },
  output: Schema.Struct({
    name: Schema.String,
    digest: Schema.String,
    observed: Count,
    weak: Milli,
    strong: Milli,
    area: Schema.optionalKey(Milli).annotate({
      description: "share of the gap recovered on outcomes left out of the fit; 500 is chance. Absent for own requests",
    }),
    used: Schema.Boolean.annotate({ description: "whether requests that name no router are routed by it" }),
  }),
  effects: ["readLocal", "writeLocal"],
  idempotent: true,
  cost: { compute: "quadratic in the features of an outcome, linear in outcomes" },
  examples: [
    {
      title: "nobody has judged any answer yet",
      input: { name: "own", models: { cheap: "http:small", strong: "http:large" } },
      failure: "NORION_REQUEST",
    },
    { title: "nothing to learn from", input: { name: "own" }, failure: "NORION_REQUEST" },
  ],
});

/** Declarations of learned routing. */
export const ROUTING = [LearnRouting] as const;
