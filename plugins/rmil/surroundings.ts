/**
 * Surroundings: the logic and the agents that other plugins provide to a run; nothing where nobody does.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { CallContext } from "../../kernel/mod.ts";
import { Agents, Logic } from "./contract.ts";
import type { RunOptions } from "./interpreter.ts";

/** What is provided to the run of a call. */
export const surroundings: Effect.Effect<Pick<RunOptions, "symbolic" | "agents">, never, CallContext> = Effect.gen(
  function* () {
    const { actor } = yield* CallContext;
    const logic = yield* Effect.serviceOption(Logic);
    const agents = yield* Effect.serviceOption(Agents);
    return {
      ...(Option.isSome(logic) ? { symbolic: logic.value } : {}),
      ...(Option.isSome(agents) ? { agents: agents.value.port(actor) } : {}),
    };
  },
);
