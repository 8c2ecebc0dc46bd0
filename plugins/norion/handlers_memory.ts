/**
 * Handlers of the care of memory.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import { CallContext } from "../../kernel/mod.ts";
import { exportMemory, readExport, readLegacy } from "./memory/transfer.ts";
import { verdictsOf } from "./memory/upkeep.ts";
import type { ExportMemory, ImportMemory, UpkeepOf } from "./operations_memory.ts";
import { scopeOf } from "./scope.ts";
import { Norion } from "./service.ts";

type InputOf<O extends { readonly input: Schema.Constraint }> = Schema.Schema.Type<O["input"]>;

const GONE: ReadonlySet<string> = new Set(["merge", "tombstone", "evict"]);

/** The handlers. */
export const memoryHandlers = {
  "norion.upkeep": ({ scope: given, apply = false }: InputOf<typeof UpkeepOf>) =>
    Effect.gen(function* () {
      const { memory } = yield* Norion;
      const { actor } = yield* CallContext;
      const scope = yield* scopeOf(given);
      const { length } = yield* memory.list(scope);
      const verdicts = verdictsOf(yield* apply ? memory.upkeep(scope, actor) : memory.previewUpkeep(scope));
      return { applied: apply, kept: length - verdicts.filter(({ verdict }) => GONE.has(verdict)).length, verdicts };
    }),
  "norion.exportMemory": ({ scope: given }: InputOf<typeof ExportMemory>) =>
    Effect.gen(function* () {
      const { memory } = yield* Norion;
      const items = yield* memory.list(yield* scopeOf(given));
      return { items: items.length, text: exportMemory(items) };
    }),
  "norion.importMemory": ({ text, scope: given, format = "norion" }: InputOf<typeof ImportMemory>) =>
    Effect.gen(function* () {
      const { memory } = yield* Norion;
      const { actor } = yield* CallContext;
      const scope = yield* scopeOf(given);
      const { items, skipped } = format === "norion" ? readExport(text) : readLegacy(text);
      const added = yield* memory.bringIn(items, scope, actor);
      return { added, known: items.length - added, skipped };
    }),
};
