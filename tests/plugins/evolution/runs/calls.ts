/** Calls of the operations on runs, for tests: answers as plain values. */
import * as Effect from "effect/Effect";
import type { Failure, Json, JsonObject, Kernel } from "../../../../kernel/mod.ts";
import type { LineageRow } from "../../../../plugins/evolution/state/record.ts";
import { callAs, inWorkspace } from "../../../workspace.ts";

/** What a run answers. */
export interface Answer {
  readonly run: string;
  readonly state: string;
  readonly archive: string;
  readonly algorithm: string;
  readonly generation: number;
  readonly evaluations: number;
  readonly failures: number;
  readonly reason: string;
  readonly resumed: boolean;
  readonly reproducible: boolean;
  readonly front: ReadonlyArray<LineageRow>;
  readonly size: number;
  readonly chart?: string;
}

/** What a test does in a workspace. */
export interface Calls {
  /** The kernel. */
  readonly kernel: Kernel;
  /** Calls an operation. */
  readonly call: <A>(operation: string, input: Json) => Promise<A>;
  /** Evolves. */
  readonly evolve: (input: JsonObject) => Promise<Answer>;
  /** The whole lineage of a run, with genomes. */
  readonly lineage: (run: string) => Promise<ReadonlyArray<LineageRow>>;
  /** How many events of a type the ledger has. */
  readonly events: (type: string) => Promise<number>;
  /** The failure of a call. */
  readonly failure: (operation: string, input: Json) => Promise<Failure>;
}

const PAGE = 1_000;

/** Runs a body over a fresh workspace. */
export const inRuns = (body: (calls: Calls) => Promise<void>): Promise<void> =>
  inWorkspace((kernel) => {
    const call = <A>(operation: string, input: Json) =>
      Effect.runPromise(callAs(kernel, operation, input)) as unknown as Promise<A>;
    const calls: Calls = {
      kernel,
      call,
      evolve: (input) => call("evolution.evolve", input),
      lineage: async (run) => {
        const rows: Array<LineageRow> = [];
        for (let from: number | undefined = 0; from !== undefined;) {
          const page: { readonly rows: ReadonlyArray<LineageRow>; readonly next?: number } = await call(
            "evolution.lineage",
            { run, from, limit: PAGE, genomes: true },
          );
          rows.push(...page.rows);
          from = page.next;
        }
        return rows;
      },
      events: async (type) =>
        (await call<{ readonly events: ReadonlyArray<unknown> }>("ledger.events", { type, limit: PAGE })).events.length,
      failure: (operation, input) => Effect.runPromise(Effect.flip(callAs(kernel, operation, input))),
    };
    return Effect.promise(() => body(calls));
  });
