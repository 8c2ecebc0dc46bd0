/**
 * Reproduce: the command, and everything that the result depends on besides it.
 *
 * @module
 */
import type { CreateResult } from "../../create/result.ts";
import { duration, flops } from "../format.ts";
import { element, whole } from "../markup.ts";
import { code, lead, pairs, type Section } from "./parts.ts";

/** How to do it again. */
export const reproduceSection = ({ command, budget, seed, profile, machine, model }: CreateResult): Section => {
  const numerics = Object.entries(profile);
  return {
    id: "reproduce",
    title: "Do it again",
    content: [
      element("pre", { tabindex: 0, "aria-label": "The command" }, whole(command)),
      lead(
        budget.reproducible
          ? numerics.length === 0
            ? "The same command gives a model of this identity on every machine, with one worker or several."
            : "The same command gives a model of this identity, with one worker or several, wherever numbers are " +
              "computed as below; --numerics strict takes that condition away."
          : "The budget was time: how far the search comes depends on the machine, so the model may be another one.",
      ),
      pairs([
        ["identity", code(model.digest)],
        ["seed", String(seed)],
        ["budget", budget.kind === "flops" ? flops(budget.value) : duration(budget.value)],
        ...numerics.map(([name, value]) => [`numerics: ${name}`, value] as const),
        ...Object.entries(machine),
      ]),
    ],
  };
};
