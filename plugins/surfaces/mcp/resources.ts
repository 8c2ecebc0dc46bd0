/**
 * Resources: the system's self-description under `manifest://`, for clients that attach documents rather than call.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type McpServer, registerResource } from "effect/ai/McpServer";
import { param } from "effect/ai/McpSchema";
import type { FrontShape } from "../contract.ts";
import { callerOf } from "./caller.ts";

/** The resource that holds the manifest. */
export const MANIFEST_URI = "manifest://rmi";

/** The resource that lists every operation. */
export const OPERATIONS_URI = "manifest://operations";

/** Most completions offered for an operation id. */
const MAX_COMPLETIONS = 20;

/** Registers the resources. */
export const registerResources = (front: FrontShape): Effect.Effect<void, never, McpServer> =>
  Effect.gen(function* () {
    yield* registerResource({
      uri: MANIFEST_URI,
      name: "manifest",
      description: "The whole system in under 1,000 tokens",
      mimeType: "text/plain",
      content: Effect.flatMap(callerOf(front), (caller) => caller.manifest),
    });
    yield* registerResource({
      uri: OPERATIONS_URI,
      name: "operations",
      description: "Every operation with one line",
      mimeType: "application/json",
      content: Effect.gen(function* () {
        const known = yield* (yield* callerOf(front)).operations;
        return JSON.stringify(known.map(({ id, summary }) => ({ id, summary })));
      }),
    });
    yield* registerResource`manifest://operations/${param("id", Schema.String)}`({
      name: "operation",
      description: "One operation in full: schemas, examples, effects, cost, failures",
      mimeType: "application/json",
      completion: {
        id: (typed) =>
          Effect.gen(function* () {
            const known = yield* (yield* callerOf(front)).operations;
            return known.map(({ id }) => id).filter((id) => id.startsWith(typed)).slice(0, MAX_COMPLETIONS);
          }),
      },
      content: (_uri, id) =>
        Effect.gen(function* () {
          const caller = yield* callerOf(front);
          return JSON.stringify(yield* caller.invoke({ operation: "kernel.describe", input: { id } }));
        }),
    });
  });
