/**
 * Handlers of a recorded request once more.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import { Ledger } from "../../effects/mod.ts";
import { CallContext } from "../../kernel/mod.ts";
import { answerJson, askedBy } from "./handlers_ask.ts";
import type { Fork, Resume, Retrace } from "./operations_runs.ts";
import { fork, replay, resume } from "./runs.ts";
import { Norion } from "./service.ts";

type InputOf<O extends { readonly input: Schema.Constraint }> = Schema.Schema.Type<O["input"]>;

/** The handlers. */
export const runHandlers = {
  "norion.retrace": ({ request, answer, ...input }: InputOf<typeof Retrace>) =>
    Effect.gen(function* () {
      const { models: _models, ...asked } = yield* askedBy(input);
      const { actor } = yield* CallContext;
      const again = { ...asked, ...(answer === undefined ? {} : { answer }) };
      return yield* replay(yield* Norion, yield* Ledger, request, again, actor);
    }).pipe(Effect.scoped),
  "norion.resume": ({ request, ...input }: InputOf<typeof Resume>) =>
    Effect.gen(function* () {
      const { actor } = yield* CallContext;
      return answerJson(yield* resume(yield* Norion, yield* Ledger, request, yield* askedBy(input), actor));
    }).pipe(Effect.scoped),
  "norion.fork": ({ request, ...input }: InputOf<typeof Fork>) =>
    Effect.gen(function* () {
      const { actor } = yield* CallContext;
      return answerJson(yield* fork(yield* Norion, yield* Ledger, request, yield* askedBy(input), actor));
    }).pipe(Effect.scoped),
};
