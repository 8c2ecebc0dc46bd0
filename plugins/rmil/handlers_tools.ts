/**
 * Handlers of the tools' operations.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext, isFailure, type Json } from "../../kernel/mod.ts";
import { encodeProgram, programDigest } from "./codec/v2.ts";
import { notForCallers } from "./tools/failures.ts";
import { handleDebug } from "./handlers_debug.ts";
import { nameOf } from "./opcodes.ts";
import type { ToolFailure } from "./operations_tools.ts";
import { print } from "./syntax/printer.ts";
import { alphaEqual, canonical } from "./tools/canonical.ts";
import { diff, patchSize } from "./tools/diff.ts";
import { linked } from "./tools/link.ts";
import { CAPABILITIES } from "./tools/lsp/server.ts";
import { type ModuleMeta, ModuleRegistry, showModule } from "./tools/modules.ts";
import { applyPatch, patchFromJson, patchToJson } from "./tools/patch.ts";
import { programAt } from "./tools/program_at.ts";
import { lockFromJson, lockOf, resolveModules } from "./tools/resolution.ts";

/** Runs what throws failures. */
const answered = <A>(compute: () => A): Effect.Effect<A, ToolFailure> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(compute());
    } catch (thrown) {
      if (isFailure(thrown)) return Effect.fail(thrown as ToolFailure);
      throw thrown;
    }
  });

/** Answers `rmil.diff`. */
export const handleDiff = (input: { readonly from: string; readonly to: string }): Effect.Effect<
  { readonly same: boolean; readonly alphaSame: boolean; readonly size: number; readonly patch: Json },
  ToolFailure
> =>
  answered(() => {
    const [from, to] = [programAt(input.from, "/from"), programAt(input.to, "/to")];
    const patch = diff(from, to);
    return {
      same: patch.edits.length === 0,
      alphaSame: alphaEqual(from, to),
      size: patchSize(patch),
      patch: patchToJson(patch, nameOf),
    };
  });

/** Answers `rmil.patch`. */
export const handlePatch = (
  input: { readonly program: string; readonly patch: Json },
): Effect.Effect<{ readonly source: string; readonly digest: ReturnType<typeof programDigest> }, ToolFailure> =>
  answered(() => {
    const program = programAt(input.program, "/program");
    const patched = canonical(applyPatch(patchFromJson(input.patch, "/patch"), program));
    return { source: print(patched.root, patched.symbols), digest: programDigest(patched) };
  });

interface ModulesInput {
  readonly modules: ReadonlyArray<ModuleMeta & { readonly source: string }>;
  readonly needs: { readonly [name: string]: string };
  readonly lock?: Json;
  readonly program?: string;
}

/** Answers `rmil.modules`. */
export const handleModules = ({ modules, needs, lock, program }: ModulesInput): Effect.Effect<
  { readonly order: ReadonlyArray<string>; readonly lock: Json; readonly linked?: string },
  ToolFailure
> =>
  answered(() => {
    const registry = new ModuleRegistry();
    modules.forEach(({ source, ...meta }, index) => {
      const path = `/modules/${index}`;
      registry.publish(meta, encodeProgram(canonical(programAt(source, `${path}/source`))), path);
    });
    const locked = lock === undefined ? undefined : lockFromJson(lock, "/lock");
    const resolution = resolveModules(registry, needs, locked, "/needs");
    const answer = { order: resolution.order.map(showModule), lock: lockOf(resolution) as unknown as Json };
    if (program === undefined) return answer;
    const { root, symbols } = linked(programAt(program, "/program"), resolution);
    return { ...answer, linked: print(root, symbols) };
  });

/** Answers `rmil.lsp`. */
export const handleLsp = (
  input: { readonly capabilities?: boolean },
): Effect.Effect<{ readonly capabilities: Json } | null, ToolFailure, CallContext> =>
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
  "rmil.lsp": handleLsp,
} as const;
