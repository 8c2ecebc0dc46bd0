/**
 * Handlers of the tools' operations.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext, type Json } from "../../kernel/mod.ts";
import { attempting } from "./attempting.ts";
import { encodeProgram, programDigest } from "./codec/v2.ts";
import { notForCallers } from "./tools/failures.ts";
import { handleDebug } from "./handlers_debug.ts";
import { nameOf } from "./opcodes.ts";
import { artifacts, type GivenProgram, programFrom, storeFailure } from "./program_source.ts";
import { print } from "./syntax/printer.ts";
import { alphaEqual, canonical } from "./tools/canonical.ts";
import { diff, patchSize } from "./tools/diff.ts";
import { linked } from "./tools/link.ts";
import { CAPABILITIES } from "./tools/lsp/server.ts";
import { type ModuleMeta, ModuleRegistry, showModule } from "./tools/modules.ts";
import { applyPatch, patchFromJson, patchToJson } from "./tools/patch.ts";
import { lockFromJson, lockOf, resolveModules } from "./tools/resolution.ts";

/** Answers `rmil.diff`. */
const handleDiff = (input: { readonly from: GivenProgram; readonly to: GivenProgram }) =>
  Effect.gen(function* () {
    const [from, to] = [yield* programFrom(input.from, "/from"), yield* programFrom(input.to, "/to")];
    return yield* attempting(() => {
      const patch = diff(from, to);
      return {
        same: patch.edits.length === 0,
        alphaSame: alphaEqual(from, to),
        size: patchSize(patch),
        patch: patchToJson(patch, nameOf),
      };
    });
  });

/** Answers `rmil.patch`. */
const handlePatch = (input: { readonly program: GivenProgram; readonly patch: Json }) =>
  Effect.flatMap(programFrom(input.program), (program) =>
    attempting(() => {
      const patched = canonical(applyPatch(patchFromJson(input.patch, "/patch"), program));
      return { source: print(patched.root, patched.symbols), digest: programDigest(patched) };
    }));

interface ModulesInput {
  readonly modules: ReadonlyArray<ModuleMeta & { readonly source: GivenProgram }>;
  readonly needs: { readonly [name: string]: string };
  readonly lock?: Json;
  readonly program?: GivenProgram;
}

/** Answers `rmil.modules`. */
const handleModules = ({ modules, needs, lock, program }: ModulesInput) =>
  Effect.gen(function* () {
    const registry = new ModuleRegistry();
    for (const [index, { source, ...meta }] of modules.entries()) {
      const path = `/modules/${index}`;
      const module = yield* programFrom(source, `${path}/source`);
      yield* attempting(() => registry.publish(meta, encodeProgram(canonical(module)), path));
    }
    const resolution = yield* attempting(() =>
      resolveModules(registry, needs, lock === undefined ? undefined : lockFromJson(lock, "/lock"), "/needs")
    );
    const answer = { order: resolution.order.map(showModule), lock: lockOf(resolution) as unknown as Json };
    if (program === undefined) return answer;
    const given = yield* programFrom(program);
    return yield* attempting(() => {
      const { root, symbols } = linked(given, resolution);
      return { ...answer, linked: print(root, symbols) };
    });
  });

interface StoreInput {
  readonly program: GivenProgram;
  readonly name?: string;
  readonly description?: string;
  readonly tags?: ReadonlyArray<string>;
}

/** Media type of a stored program. */
const MEDIA = "application/x-rmil";

/** Answers `rmil.store`. */
const handleStore = ({ program, name, description = "", tags = [] }: StoreInput) =>
  Effect.gen(function* () {
    const given = yield* programFrom(program);
    const bytes = yield* attempting(() => encodeProgram(given));
    const facts = { kind: "program" as const, media: MEDIA, description, references: [], tags, metrics: {} };
    const store = yield* artifacts;
    const { digest, size, names } = yield* store.put(bytes, facts, name).pipe(
      Effect.mapError(storeFailure(programDigest(given), "")),
    );
    return { digest, bytes: size, names };
  });

/** Answers `rmil.lsp`. */
const handleLsp = (input: { readonly capabilities?: boolean }) =>
  Effect.gen(function* () {
    if (input.capabilities === true) return { capabilities: CAPABILITIES };
    const { actor, operation } = yield* CallContext;
    // Standard input and output belong to who started the process.
    if (!actor.startsWith("user@")) return yield* notForCallers({ operation, actor });
    // Loaded when a server is really started: this is the one part that needs a process.
    const [{ serveLanguage }, { checkedMeaning }, { platformTerminal }] = yield* Effect.promise(() =>
      Promise.all([
        import("./tools/lsp/stdio.ts"),
        import("./tools/lsp/meaning.ts"),
        import("../../kernel/platform/terminal.ts"),
      ])
    );
    yield* serveLanguage({ meaning: checkedMeaning, terminal: platformTerminal });
    return null;
  });

/** Handlers of the tools, by operation id. */
export const toolHandlers = {
  "rmil.diff": handleDiff,
  "rmil.patch": handlePatch,
  "rmil.modules": handleModules,
  "rmil.debug": handleDebug,
  "rmil.store": handleStore,
  "rmil.lsp": handleLsp,
} as const;
