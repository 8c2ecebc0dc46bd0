/**
 * Modules: what a JavaScript or TypeScript module answers to inputs, in a child process without any permission.
 *
 * Not the judge. The module shares its process with the few lines that call it, so everything that comes out is its own
 * claim; the right answers never enter the process.
 * Invariant: every input is a fresh copy; what the module says to one input is kept apart from what it says to the next;
 * no input leaves with the words of a failure.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { Sandbox, type SandboxFailure, type SandboxLimits } from "../../../effects/mod.ts";
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import type { KernelFailure } from "../../../kernel/failure.ts";
import type { Answer, Said } from "./answers.ts";

/** What a module may use where nothing is said. */
export const MODULE_LIMITS: SandboxLimits = { wallMs: 5_000, heapMb: 64, residentMb: 256, outputBytes: 1_048_576 };

/** Marks a number that JSON has no form for, so that it is not taken for a null. */
const NOT_FINITE = "\u0000not finite";

/**
 * The lines that call a module. They use nothing that is looked up after the module was loaded, save what belongs to the
 * answer; a module that replaces it spoils its own answers.
 */
const harnessOf = (source: string): string => `
import candidate from ${JSON.stringify(`data:application/typescript;charset=utf-8,${encodeURIComponent(source)}`)};
export default async (inputs) => {
  if (typeof candidate !== "function") throw new TypeError("its default export is no function");
  const { parse, stringify } = JSON;
  const finite = (_, value) =>
    typeof value === "number" && !(value - value === 0) ? { [${JSON.stringify(NOT_FINITE)}]: 1 } : value;
  const texts = inputs.map((input) => stringify(input));
  const answers = [];
  for (const text of texts) {
    try {
      const said = stringify(await candidate(parse(text)), finite);
      answers.push(said === undefined ? { none: "nothing" } : { text: said });
    } catch {
      answers.push({ none: "threw" });
    }
  }
  return answers;
};`;

const isAnswer = (value: Json): boolean =>
  isJsonObject(value) && Object.keys(value).length === 1 &&
  (typeof value.text === "string" || typeof value.none === "string");

const SANDBOX = "EFFECTS_SANDBOX_";

/** What is the candidate's doing is its answer; everything else is a failure of the host. */
const blamed = (failure: SandboxFailure): Effect.Effect<Said, KernelFailure> =>
  failure.code.startsWith(SANDBOX)
    ? Effect.succeed({ failed: failure.code.slice(SANDBOX.length), detail: failure.message })
    : Effect.fail(failure as KernelFailure);

/** Ways to fail whose detail is the module's own words. */
const TELLING: ReadonlySet<string> = new Set(["THREW", "CRASH"]);

/** Says that a module failed when it was asked, without its words. */
const SILENCED = "it failed when it was asked; its words are not shown, as they may tell what is held back";

/**
 * What a module answers to inputs, each once, in this order. The words with which it fails are those that it has without
 * any input: others could carry cases out that nothing shows.
 */
export const moduleAnswers = (
  source: string,
  inputs: ReadonlyArray<Json>,
  limits: Partial<SandboxLimits> = {},
): Effect.Effect<Said, KernelFailure, Sandbox> =>
  Effect.flatMap(answersOf(source, inputs, limits), (said) => {
    if (!("failed" in said) || !TELLING.has(said.failed)) return Effect.succeed(said);
    return Effect.map(answersOf(source, [], limits), (unasked): Said => ({
      failed: said.failed,
      detail: "failed" in unasked ? unasked.detail : SILENCED,
    }));
  });

const answersOf = (
  source: string,
  inputs: ReadonlyArray<Json>,
  limits: Partial<SandboxLimits> = {},
): Effect.Effect<Said, KernelFailure, Sandbox> =>
  Effect.flatMap(
    Sandbox,
    (sandbox) =>
      sandbox.run({ source: harnessOf(source), input: inputs as Json, limits: { ...MODULE_LIMITS, ...limits } }),
  ).pipe(
    Effect.map((answers): Said =>
      Array.isArray(answers) && answers.length === inputs.length && answers.every(isAnswer)
        ? { answers: answers as unknown as ReadonlyArray<Answer> }
        : { failed: "SHAPE", detail: "it did not answer once to each input" }
    ),
    Effect.catch(blamed),
  );
