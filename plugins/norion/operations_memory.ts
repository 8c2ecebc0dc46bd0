/**
 * Declarations of the care of memory: `norion.upkeep`, `norion.exportMemory`, `norion.importMemory`.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { operation, role } from "../../kernel/operation.ts";
import { declare } from "./declaration.ts";
import { ScopeInput } from "./scope.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** `norion.upkeep`. */
export const UpkeepOf = operation("norion.upkeep", {
  ...declare,
  summary: "Show what fades, goes, is merged or gives way in a scope's memory; with `apply`, do it.",
  input: {
    scope: ScopeInput,
    apply: Schema.optionalKey(Schema.Boolean.annotate({ description: "write it; only shown where absent" })),
  },
  output: Schema.Struct({
    applied: Schema.Boolean,
    kept: Count,
    verdicts: Schema.Array(
      Schema.Struct({
        id: Schema.String,
        verdict: Schema.Literals(["merge", "decay", "tombstone", "evict"]),
        into: Schema.optionalKey(Schema.String.annotate({ description: "what it went into" })),
      }),
    ).annotate({ description: "on every item that does not stay as it is" }),
  }),
  effects: ["readLocal", "writeLocal"],
  refine: ({ apply }) => ({ effects: apply === true ? ["readLocal", "writeLocal"] : ["readLocal"] }),
  idempotent: true,
  cost: { compute: "linear in what the scope remembers" },
  examples: [
    {
      given: [
        { operation: "norion.remember", input: { text: "The bicycle stands in the shed." } },
        { operation: "norion.remember", input: { text: "The bicycle stands in the shed" } },
      ],
      input: { apply: true },
      output: { applied: true, kept: 1, verdicts: [{ verdict: "merge" }] },
    },
    { title: "nothing to do", input: {}, output: { applied: false, kept: 0, verdicts: [] } },
  ],
});

/** `norion.exportMemory`. */
export const ExportMemory = operation("norion.exportMemory", {
  ...declare,
  summary: "Write out what a scope remembers as lines of JSON; what was taken back does not travel.",
  input: { scope: ScopeInput },
  output: Schema.Struct({ items: Count, text: Schema.String }),
  effects: ["readLocal"],
  idempotent: true,
  cost: { compute: "linear in what the scope remembers" },
  examples: [
    {
      given: [{ operation: "norion.remember", input: { text: "The bicycle stands in the shed." } }],
      input: {},
      output: { items: 1 },
    },
    { input: {}, output: { items: 0, text: '{"norion":"memory","format":1}\n' } },
  ],
});

/** `norion.importMemory`. */
export const ImportMemory = operation("norion.importMemory", {
  ...declare,
  summary: "Take in what norion.exportMemory wrote, or rows of the seed's memory; bad rows are named and passed over.",
  input: {
    text: role("privateText", "An export, or tab-separated rows of text, strength, hits, failures"),
    scope: ScopeInput,
    format: Schema.optionalKey(
      Schema.Literals(["norion", "rows"]).annotate({ description: "how the text is written; norion where absent" }),
    ),
  },
  output: Schema.Struct({
    added: Count,
    known: Count.annotate({ description: "rows that were there already" }),
    skipped: Schema.Array(Schema.Struct({ line: Count, reason: Schema.String })),
  }),
  effects: ["readLocal", "writeLocal"],
  idempotent: true,
  cost: { compute: "linear in the rows" },
  examples: [
    {
      input: { text: "The bicycle stands in the shed.\t0.5\t2\t0\nToo strong\t9\n", format: "rows" },
      output: { added: 1, known: 0, skipped: [{ line: 2 }] },
    },
    { title: "no export", input: { text: "a diary" }, output: { added: 0, skipped: [{ line: 1 }] } },
  ],
});

/** Declarations of the care of memory. */
export const MEMORY_OPERATIONS = [UpkeepOf, ExportMemory, ImportMemory] as const;
