/**
 * TypeScript compiler: the optional package `typescript`, loaded where it is in the cache, over files that are given.
 *
 * Not a runner: nothing it is given is run.
 * Invariant: it reads no file, no folder and no variable of this machine: what it may see is what it is given.
 *
 * @module
 */
import process from "node:process";
import * as Effect from "effect/Effect";
import type { FailureOf } from "../../../kernel/mod.ts";
import { loadOptional } from "../../../registry/optional.ts";

/** One thing that is wrong with a program. */
export interface TypeFault {
  /** The compiler's code. */
  readonly code: number;
  /** Line it is on, from 1. */
  readonly line: number;
  /** What it says. */
  readonly message: string;
}

/** The part of the package that is used. */
interface Compiler {
  readonly createSourceFile: (name: string, text: string, target: number) => SourceFile;
  readonly createProgram: (names: ReadonlyArray<string>, options: object, host: object) => Program;
  readonly flattenDiagnosticMessageText: (text: unknown, newLine: string) => string;
  readonly ScriptTarget: { readonly ES2023: number };
  readonly ModuleKind: { readonly ESNext: number };
  readonly ModuleResolutionKind: { readonly Bundler: number };
}

interface SourceFile {
  readonly getLineAndCharacterOfPosition: (at: number) => { readonly line: number };
}

interface Program {
  readonly getSyntacticDiagnostics: (file?: SourceFile) => ReadonlyArray<Diagnostic>;
  readonly getSemanticDiagnostics: (file?: SourceFile) => ReadonlyArray<Diagnostic>;
  readonly getSourceFile: (name: string) => SourceFile;
}

interface Diagnostic {
  readonly code: number;
  readonly start?: number;
  readonly messageText: unknown;
}

const PACKAGE = "typescript";

/** Loads what the package is without its view of the machine: it looks for that as soon as it is loaded. */
const loaded: Effect.Effect<Compiler, FailureOf<"KERNEL_PACKAGE_ABSENT">> = Effect.acquireUseRelease(
  Effect.sync(() => Object.assign(process, { browser: true })),
  () => Effect.map(loadOptional<{ readonly default: Compiler }>(PACKAGE), (found) => found.default),
  () => Effect.sync(() => Reflect.deleteProperty(process, "browser")),
);

/** Declarations of the language that programs are checked against, without those of any platform. */
const LIBRARY = "lib.es2023.d.ts";

const REFERENCE = /^\/\/\/ <reference lib="([^"]+)" \/>/gmu;

/** A library file with those that it refers to, by name. */
const libraries = (
  name: string,
  texts: Map<string, string> = new Map(),
): Effect.Effect<ReadonlyMap<string, string>, FailureOf<"KERNEL_PACKAGE_ABSENT">> =>
  Effect.gen(function* () {
    if (texts.has(name)) return texts;
    const { default: text } = yield* loadOptional<{ readonly default: string }>(PACKAGE, `lib/${name}`);
    texts.set(name, text);
    for (const [, other] of text.matchAll(REFERENCE)) yield* libraries(`lib.${other}.d.ts`, texts);
    return texts;
  });

const SOURCE = "answer.ts";

/** Names that every platform of today has, of any type: code is checked for what it does, not for where it runs. */
const AMBIENT = "platform.d.ts";

const PLATFORM = ("console Deno process Buffer document window globalThis fetch setTimeout clearTimeout setInterval " +
  "clearInterval queueMicrotask structuredClone performance crypto")
  .split(" ").filter((name) => name !== "globalThis").map((name) => `declare const ${name}: any;`).join("\n");

/** What is wrong with the types of a module; fails where the package is not there. */
export const typeFaults = (
  source: string,
): Effect.Effect<ReadonlyArray<TypeFault>, FailureOf<"KERNEL_PACKAGE_ABSENT">> =>
  Effect.gen(function* () {
    const ts = yield* loaded;
    const files = new Map([...(yield* libraries(LIBRARY)), [AMBIENT, PLATFORM], [SOURCE, source]]);
    const options = {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      strict: true,
      noEmit: true,
      noLib: true,
      skipLibCheck: true,
      types: [],
    };
    const host = {
      fileExists: (name: string) => files.has(name),
      readFile: (name: string) => files.get(name),
      getSourceFile: (name: string) => {
        const text = files.get(name);
        return text === undefined ? undefined : ts.createSourceFile(name, text, options.target);
      },
      getDefaultLibFileName: () => LIBRARY,
      writeFile: () => undefined,
      getCurrentDirectory: () => "",
      getCanonicalFileName: (name: string) => name,
      useCaseSensitiveFileNames: () => true,
      getNewLine: () => "\n",
    };
    const program = ts.createProgram([...files.keys()], options, host);
    const file = program.getSourceFile(SOURCE);
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map(({ code, start = 0, messageText }) => ({
      code,
      line: file.getLineAndCharacterOfPosition(start).line + 1,
      message: ts.flattenDiagnosticMessageText(messageText, " "),
    }));
  });
