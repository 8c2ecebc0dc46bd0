/**
 * Discover: the operations that a run uses, found as an agent finds them: the manifest, a search by a few words, the
 * description of what was found.
 *
 * Not a list of ids: an operation is taken because its description takes and gives what is needed.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../../../kernel/context.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../../kernel/json.ts";
import { cannotCreate } from "../../failures.ts";
import { stepping, type Work } from "../work.ts";

/** What a run needs of the system around it: the words it searches by, and the members that it gives and reads. */
const NEEDS = {
  check: {
    query: "type, parameters and cost of a program without running it",
    takes: ["program", "inputs"],
    gives: ["parameterCount", "flops", "effects"],
    why: "every program of the first generation is checked before anything is trained",
  },
  evaluate: {
    query: "judge a stored model on data",
    takes: ["digest", "data"],
    gives: ["scores", "samples"],
    why: "the stored model is judged once more by somebody who did not train it",
  },
  export: {
    query: "write a model in a format such as ONNX",
    takes: ["digest", "to", "file"],
    gives: ["bytes", "file"],
    why: "the model is written for others",
  },
  undo: {
    query: "undo an applied proposal",
    takes: ["proposal"],
    gives: ["state"],
    why: "the promotion is undone",
  },
  events: {
    query: "read a page of events",
    takes: ["from", "limit"],
    gives: ["events"],
    why: "the report quotes the ledger",
  },
  verify: {
    query: "verify the chain of events",
    takes: [],
    gives: ["ok"],
    why: "the quoted ledger is whole",
  },
} as const satisfies {
  readonly [need: string]: {
    readonly query: string;
    readonly takes: ReadonlyArray<string>;
    readonly gives: ReadonlyArray<string>;
    readonly why: string;
  };
};

/** The name of a need. */
export type Need = keyof typeof NEEDS;

/** The operation for each need. */
export type Capabilities = { readonly [N in Need]: string };

/** Hits of a search that are looked at. */
const LOOKED_AT = 8;

const membersOf = (schema: Json | undefined): ReadonlyArray<string> =>
  isJsonObject(schema) && isJsonObject(schema.properties) ? Object.keys(schema.properties) : [];

const found = (need: Need) =>
  Effect.gen(function* () {
    const { query, takes, gives } = NEEDS[need];
    const { invoke } = yield* CallContext;
    const { hits } = (yield* invoke("kernel.search", { query, limit: LOOKED_AT })) as unknown as {
      readonly hits: ReadonlyArray<{ readonly id: string }>;
    };
    for (const { id } of hits) {
      const { input, output } = (yield* invoke("kernel.describe", { id })) as JsonObject;
      const [taken, given] = [membersOf(input), membersOf(output)];
      if (takes.every((name) => taken.includes(name)) && gives.every((name) => given.includes(name))) return id;
    }
    return yield* cannotCreate({
      reason: `no operation was found by "${query}" that takes ${takes.join(", ")} and gives ${gives.join(", ")}`,
      path: "",
      actual: hits.map(({ id }) => id),
    });
  });

/** Capabilities as the result names them. */
export const capabilitiesOf = (capabilities: Capabilities) =>
  Object.entries(NEEDS).map(([need, { query, why }]) => ({ operation: capabilities[need as Need], query, why }));

/** Finds what the run needs. */
export const discover = (steps: Work["steps"]) =>
  stepping(
    steps,
    { name: "discover", does: "look up in the manifest which operations there are for what it needs" },
    Effect.gen(function* () {
      const { invoke } = yield* CallContext;
      yield* invoke("kernel.manifest", {});
      const entries: Array<readonly [string, string]> = [];
      for (const need of Object.keys(NEEDS) as ReadonlyArray<Need>) entries.push([need, yield* found(need)]);
      const value = Object.fromEntries(entries) as unknown as Capabilities;
      return { value, did: `uses ${Object.values(value).join(", ")}` };
    }),
  );
