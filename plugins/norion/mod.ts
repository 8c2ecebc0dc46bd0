/**
 * Norion's code behind its operations.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Ledger, Programs, Proposals, Sandbox } from "../../effects/mod.ts";
import { Artifacts } from "../../registry/contract.ts";
import { Backends } from "../backends/contract.ts";
import { type Implementation, implementation } from "../../kernel/plugin.ts";
import { Workers } from "../../kernel/workers.ts";
import { askingHandlers } from "./handlers_ask.ts";
import { embeddingHandlers } from "./handlers_embedding.ts";
import { memoryHandlers } from "./handlers_memory.ts";
import { modelHandlers } from "./handlers_models.ts";
import { reviewHandlers } from "./handlers_review.ts";
import { routingHandlers } from "./handlers_routing.ts";
import { runHandlers } from "./handlers_runs.ts";
import { scissorsHandlers } from "./handlers_scissors.ts";
import { newestEmbedding } from "./memory/embedding/newest.ts";
import { layerModels } from "./models/configured.ts";
import { operations } from "./operations.ts";
import { DEFAULT_POLICY } from "./policy.ts";
import { layerScissors, Scissors } from "./scissors/service.ts";
import { Norion, norionOver } from "./service.ts";

/** The code behind the operations. */
const plugin: Implementation = implementation({
  operations,
  requires: [Ledger, Programs, Proposals, Sandbox, Artifacts, Backends, Workers],
  layer: Layer.merge(
    Layer.effect(
      Norion,
      Effect.gen(function* () {
        const { settle } = yield* Scissors;
        const { read } = yield* Artifacts;
        const norion = norionOver(yield* Ledger, DEFAULT_POLICY, settle, newestEmbedding(read));
        yield* Effect.addFinalizer(() => norion.memory.close);
        return norion;
      }),
    ).pipe(Layer.provideMerge(layerScissors)),
    layerModels,
  ),
  handlers: {
    ...askingHandlers,
    ...embeddingHandlers,
    ...memoryHandlers,
    ...modelHandlers,
    ...reviewHandlers,
    ...routingHandlers,
    ...runHandlers,
    ...scissorsHandlers,
    "norion.tour": () =>
      Effect.flatMap(Effect.promise(() => import("./tour/play.ts")), ({ playNorionTour }) => playNorionTour),
  },
});

export default plugin;
