/**
 * Generate: programs drawn from the grammar, those that do not check or cost too much counted by reason, and the first
 * generation checked once more by the language's own operation.
 *
 * Invariant: what is drawn here depends on the seed, the data's shape and the limits alone.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../../../kernel/context.ts";
import type { JsonObject } from "../../../../kernel/json.ts";
import { random } from "../../../../kernel/random.ts";
import { isRefused } from "../../architectures/judge.ts";
import { drawArchitecture } from "../../architectures/space.ts";
import { attempting } from "../../attempting.ts";
import { cannotCreate } from "../../failures.ts";
import { judgedOf, stepping, type Work } from "../work.ts";
import type { Capabilities } from "./discover.ts";

/** Programs that are drawn to see how many of the grammar's pass. */
export const DRAWN = 64;

const refusedOf = ({ request: { seed }, learned: { shape }, space }: Work): { readonly [reason: string]: number } => {
  const chance = random(`${seed}/create/generate`);
  const refused: { [reason: string]: number } = {};
  for (let draw = 0; draw < DRAWN; draw++) {
    const judged = space.judge(drawArchitecture(shape.length === 3, chance));
    if (isRefused(judged)) refused[judged.refused] = (refused[judged.refused] ?? 0) + 1;
  }
  return refused;
};

/** Asks the language what a program is, and compares with what it was taken for. */
const checked = (work: Work, operation: string, text: string, expected: { parameters: number; flops: number }) =>
  Effect.gen(function* () {
    const { invoke } = yield* CallContext;
    const input = { program: text, inputs: { x: `f32[${[1, ...work.learned.shape].join(",")}]` } };
    const { parameterCount, flops, effects } = (yield* invoke(operation, input)) as JsonObject;
    const agrees = parameterCount === expected.parameters && flops === expected.flops &&
      (effects as ReadonlyArray<unknown>).length === 0;
    if (agrees) return;
    return yield* cannotCreate({ reason: `${operation} judges ${text} otherwise than the search does`, path: "" });
  });

/** Draws and checks; answers how many programs were refused, by reason. */
export const generate = (work: Work, capabilities: Capabilities) =>
  stepping(
    work.steps,
    { name: "generate", does: `draw programs of the grammar and check each for type, size and cost` },
    Effect.gen(function* () {
      const value = yield* attempting(() => refusedOf(work));
      const first = yield* attempting(() => work.search.ask(work.search.start));
      for (const { genome } of first) {
        const judged = yield* attempting(() => judgedOf(work, genome));
        yield* checked(work, capabilities.check, judged.text, judged);
      }
      const count = Object.values(value).reduce((sum, each) => sum + each, 0);
      return {
        value,
        did:
          `${DRAWN} programs drawn, ${count} refused before training; the ${first.length} of the first generation check`,
      };
    }),
  );
