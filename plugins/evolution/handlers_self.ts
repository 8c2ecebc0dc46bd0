/**
 * Handlers of the operations on registered models, and the checks of this room's domains.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type * as Schema from "effect/Schema";
import { Proposals } from "../../effects/mod.ts";
import { CallContext } from "../../kernel/context.ts";
import type { Json } from "../../kernel/json.ts";
import { Artifacts } from "../../registry/contract.ts";
import type { Apply, Assess, Models, PromoteModel, RegisterModel } from "./operations_self.ts";
import { assess } from "./self/assess.ts";
import { modelChecks } from "./self/model_checks.ts";
import { MODEL_DOMAINS } from "./self/model_document.ts";
import { modelsOf, promoteModel, registerModel } from "./self/models.ts";
import { holding } from "./self/modify.ts";
import { standing } from "./self/road.ts";
import { SUBJECT_DOMAINS } from "./self/subject.ts";
import { subjectChecks } from "./self/subject_checks.ts";

type InputOf<O extends { readonly input: Schema.Constraint }> = Schema.Schema.Type<O["input"]>;

/** The checks that this room's domains bring into the gate while the kernel is open. */
export const layerSelf: Layer.Layer<never, never, Proposals | Artifacts> = Layer.effectDiscard(
  Effect.gen(function* () {
    const proposals = yield* Proposals;
    const store = yield* Artifacts;
    yield* proposals.register(MODEL_DOMAINS, modelChecks(store, proposals));
    for (const domain of SUBJECT_DOMAINS) yield* proposals.register(domain, subjectChecks(store, proposals));
  }),
);

/** The handlers. */
export const selfHandlers = {
  "evolution.assess": (input: InputOf<typeof Assess>) => assess({ ...input, data: input.data as Json }),
  "evolution.registerModel": (input: InputOf<typeof RegisterModel>) =>
    registerModel({ ...input, data: input.data as Json }),
  "evolution.promoteModel": (input: InputOf<typeof PromoteModel>) => promoteModel(input),
  "evolution.models": ({ name }: InputOf<typeof Models>) =>
    Effect.map(modelsOf(name), ({ digest, document }) => ({ digest, ...document })),
  "evolution.apply": ({ proposal }: InputOf<typeof Apply>) =>
    Effect.gen(function* () {
      const { actor } = yield* CallContext;
      const applied = yield* standing(yield* (yield* Proposals).apply(proposal, actor));
      return applied.domain.startsWith("models.") ? applied : yield* holding(applied);
    }),
};
