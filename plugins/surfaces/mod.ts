/**
 * Code of the surfaces: the servers and the tour.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { type Implementation, implementation } from "../../kernel/plugin.ts";
import { Front } from "./contract.ts";
import { handleServe } from "./http/handler.ts";
import { Serve } from "./http/operation.ts";
import { handleMcp } from "./mcp/handler.ts";
import { Mcp } from "./mcp/operation.ts";
import { Tour } from "./tour/operation.ts";

/** The surfaces, tied to their declarations. */
const surfaces: Implementation = implementation({
  operations: [Mcp, Serve, Tour],
  requires: [Front],
  layer: Layer.empty,
  handlers: {
    "surfaces.mcp": handleMcp,
    "surfaces.serve": handleServe,
    "tour.run": () => Effect.flatMap(Effect.promise(() => import("./tour/play.ts")), ({ playTour }) => playTour),
  },
});

export default surfaces;
