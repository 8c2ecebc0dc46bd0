/**
 * Validators: judges from outside the model, each of one thing: arithmetic, proofs, remembered facts, asked-for data,
 * code that runs.
 *
 * Not reflection (checks.ts): what a validator says is evidence. Invariant: a validator that has nothing to judge by is
 * silent, and silence is never a pass; what it says carries no word of the answer.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { SandboxFailure } from "../../../effects/mod.ts";
import { type Digest, digestJson, type Json, type KernelFailure } from "../../../kernel/mod.ts";
import type { Symbolic } from "../../rmil/contract.ts";
import type { VALIDATORS } from "../genome.ts";
import type { Policy } from "../policy.ts";
import type { Standing } from "../state/memory.ts";
import { checkEquations } from "./arithmetic.ts";
import { calculationOf, proofChain } from "./chain.ts";
import { codeOf, trialOf, typedOf } from "./code.ts";
import type { TypesChecked } from "./types_job.ts";
import type { Statement } from "./evidence.ts";
import { type Fact, numbersOf, type Stance, stanceOn } from "./grounding.ts";
import { fitsSchema } from "./json_schema.ts";

/** Name of a validator. */
export type ValidatorName = typeof VALIDATORS[number];

/** A remembered fact that came along, and who stands for it. */
export interface GivenFact extends Fact {
  /** Who stands for it. */
  readonly standing: Standing;
}

/** What an answer is judged by, beyond itself. */
export interface Materials {
  /** The schema of data that was asked for. */
  readonly schema?: Json;
  /** Statements on the answer's code that throw where something is wrong. */
  readonly tests?: string;
  /** Name of a program of the host that judges the answer: it gets the answer and ends with 0 where that is right. */
  readonly program?: string;
  /** What a proof may start from, besides what the prompt gives; each a term. */
  readonly axioms?: ReadonlyArray<string>;
  /** What a proof may use, besides the rules that are always there. */
  readonly rules?: ReadonlyArray<string>;
}

/** What is judged. */
export interface Subject {
  /** What was asked. */
  readonly prompt: string;
  /** What was answered. */
  readonly answer: string;
  /** Keyed digest of the answer: what evidence refers to. */
  readonly digest: Digest;
  /** Remembered facts that came along. */
  readonly facts: ReadonlyArray<GivenFact>;
  /** What it is judged by. */
  readonly materials: Materials;
}

/** What judging needs that is not in the subject. */
export interface Judges<R = never> {
  /** Logic for proofs. */
  readonly logic: Symbolic;
  /** Runs a module without any permission; absent where none can be run. */
  readonly trial?: (trial: { readonly source: string }) => Effect.Effect<Json, SandboxFailure>;
  /** Checks the types of a module; absent where nobody does. */
  readonly types?: (typed: { readonly source: string }) => Effect.Effect<TypesChecked>;
  /** Runs a program of the host on an answer and says how it ended; absent where none is named. */
  readonly program?: (
    name: string,
    answer: string,
  ) => Effect.Effect<{ readonly code: number; readonly stopped?: string }, KernelFailure, R>;
}

/** What a validator found. */
export interface Finding {
  /** Which validator. */
  readonly validator: ValidatorName;
  /** How well it did, 0..1. */
  readonly result: number;
  /** Why, in words that are none of the answer's. */
  readonly detail: string;
}

/** What all validators found. */
export interface Validation {
  /** Those that spoke. */
  readonly findings: ReadonlyArray<Finding>;
  /** Those that had something to judge and could not, each with the reason. */
  readonly silent: ReadonlyArray<string>;
  /** Required ones that were silent. */
  readonly missing: ReadonlyArray<ValidatorName>;
  /** Facts the answer agrees with. */
  readonly agrees: ReadonlyArray<string>;
  /** Facts it contradicts. */
  readonly contradicts: ReadonlyArray<string>;
  /** Whether the program, or the run of code, could judge that was to judge; absent where none was to. */
  readonly tool?: "ready" | "failed";
}

type Said = Omit<Finding, "validator"> | undefined;
type Pure = (subject: Subject, logic: Symbolic, policy: Policy) => Said;

const verdict = (passed: boolean, detail: string): Said => ({ result: passed ? 1 : 0, detail });

/** An equation that holds proves something only where it is about the numbers of the prompt. */
const arithmetic: Pure = ({ prompt, answer }) => {
  const { equations } = checkEquations(answer);
  const judged = equations.filter(({ holds }) => holds !== undefined);
  const wrong = judged.filter(({ holds }) => !holds).length;
  // Sentence by sentence, an equation is seen that runs into its neighbours in the whole.
  const { blame, steps } = calculationOf(answer);
  if (blame !== undefined) return verdict(false, `step ${blame + 1} of ${steps.length} does not hold`);
  if (wrong > 0) return verdict(false, `${wrong} of ${judged.length} equations do not hold`);
  const asked = numbersOf(prompt);
  if (!judged.some(({ text }) => !numbersOf(text).isDisjointFrom(asked))) return undefined;
  return verdict(true, `${judged.length} equations hold`);
};

const FENCED_JSON: ReadonlySet<string> = new Set(["json", ""]);

const jsonSchema: Pure = ({ answer, materials: { schema } }) => {
  if (schema === undefined) return undefined;
  const text = codeOf(answer).find(({ language }) => FENCED_JSON.has(language))?.text ?? answer;
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    return verdict(false, "the answer is no JSON");
  }
  const fit = fitsSchema(value, schema);
  if (fit.fits === undefined) return undefined;
  return verdict(fit.fits, fit.fits ? "the answer fits its schema" : `${fit.keyword} does not hold at "${fit.path}"`);
};

const proof: Pure = ({ prompt, answer, materials }, logic) => {
  const chain = proofChain(answer, materials, logic, prompt);
  if (chain === undefined) return undefined;
  const { blame, verdicts } = chain;
  if (blame !== undefined) return verdict(false, `step ${blame + 1} does not follow`);
  return verdicts.every((step) => step === "right") ? verdict(true, `${verdicts.length} steps follow`) : undefined;
};

/** What the run itself wrote down stands for nothing here: a model must not prove itself by its own notes. */
const citation: Pure = ({ answer, facts }, _, policy) => {
  const stances = facts.filter(({ standing }) => standing !== "self").map((fact) => stanceOn(answer, fact, policy));
  const count = (stance: Stance): number => stances.filter((one) => one === stance).length;
  const [against, agreeing] = [count("contradicts"), count("agrees")];
  if (against > 0) return verdict(false, `${against} remembered facts say otherwise`);
  return agreeing > 0 ? verdict(true, `${agreeing} remembered facts agree`) : undefined;
};

/** Failures of the candidate itself; any other says that it could not be run here. */
const CANDIDATES_FAULT = /^EFFECTS_SANDBOX_/u;

const tried = <R>(subject: Subject, judges: Judges<R>, policy: Policy): Effect.Effect<Said> => {
  const { tests } = subject.materials;
  const source = trialOf(subject.answer, tests ?? "");
  if (judges.trial === undefined || source === undefined) return Effect.succeed(undefined);
  return judges.trial({ source }).pipe(
    Effect.map((): Said =>
      tests === undefined
        ? { result: policy["review.loads"], detail: "the code loads; no test was given" }
        : verdict(true, "the code passes its tests")
    ),
    Effect.catch(({ code }) => Effect.succeed(CANDIDATES_FAULT.test(code) ? verdict(false, code) : undefined)),
  );
};

const command = <R>(subject: Subject, judges: Judges<R>, policy: Policy): Effect.Effect<Said, never, R> => {
  const { materials: { program }, answer } = subject;
  if (program === undefined || judges.program === undefined) return tried(subject, judges, policy);
  return judges.program(program, answer).pipe(
    Effect.map(({ code, stopped }) =>
      // A program that is not there says nothing of the answer; one that runs too long does.
      stopped === "absent" ? undefined : verdict(code === 0, `the program ${program} ended with ${stopped ?? code}`)
    ),
    Effect.orElseSucceed(() => undefined),
  );
};

interface Typed {
  readonly said: Said;
  readonly silent?: string;
}

const types = ({ answer }: Subject, check: Judges["types"]): Effect.Effect<Typed> => {
  const source = typedOf(answer);
  if (check === undefined || source === undefined) return Effect.succeed({ said: undefined });
  return Effect.map(check({ source }), (checked): Typed => {
    if ("absent" in checked) return { said: undefined, silent: `types: ${checked.absent}` };
    const [first] = checked.faults;
    return {
      said: first === undefined
        ? verdict(true, "the types fit together")
        : verdict(false, `${checked.faults.length} faults of types, first TS${first.code} on line ${first.line}`),
    };
  });
};

/** Longest complaint that is passed on, characters. */
const MOST_COMPLAINT = 600;

/**
 * What an answer's code complains of when it is run, for whoever mends it; nothing where it runs or cannot be run. Only a
 * judge's verdict is evidence: this is words, which no event may hold.
 */
export const complaintsOf = (
  answer: string,
  tests: string | undefined,
  { trial, types: check }: Pick<Judges, "trial" | "types">,
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const source = trialOf(answer, tests ?? "");
    const ran = trial === undefined || source === undefined ? [] : yield* trial({ source }).pipe(
      Effect.map((): ReadonlyArray<string> => []),
      Effect.catch(({ code, message }) =>
        Effect.succeed(CANDIDATES_FAULT.test(code) ? [message.slice(0, MOST_COMPLAINT)] : [])
      ),
    );
    const typed = typedOf(answer);
    if (ran.length > 0 || check === undefined || typed === undefined) return ran;
    const checked = yield* check({ source: typed });
    if ("absent" in checked) return [];
    const told = checked.faults.map(({ code, line, message }) => `TS${code} on line ${line}: ${message}`).join("; ");
    return told === "" ? [] : [told.slice(0, MOST_COMPLAINT)];
  });

/** The validators that need nothing but the answer. Code is run, and feedback comes later, from people. */
const PURE: { readonly [V in Exclude<ValidatorName, "command" | "types" | "feedback">]: Pure } = {
  arithmetic,
  "json-schema": jsonSchema,
  proof,
  citation,
};

/** Lets every validator speak that has something to judge by. */
export const validate = <R>(
  subject: Subject,
  required: ReadonlyArray<ValidatorName>,
  judges: Judges<R>,
  policy: Policy,
): Effect.Effect<Validation, never, R> =>
  Effect.gen(function* () {
    const typed = yield* types(subject, judges.types);
    const said: ReadonlyArray<readonly [ValidatorName, Said]> = [
      ...Object.entries(PURE).map(([name, judge]) =>
        [name as ValidatorName, judge(subject, judges.logic, policy)] as const
      ),
      ["command", yield* command(subject, judges, policy)],
      ["types", typed.said],
    ];
    const findings = said.flatMap(([validator, found]): ReadonlyArray<Finding> =>
      found === undefined ? [] : [{ validator, ...found }]
    );
    const stances = subject.facts.map((fact) => [fact.id, stanceOn(subject.answer, fact, policy)] as const);
    const standing = (stance: Stance): ReadonlyArray<string> =>
      stances.filter(([, one]) => one === stance).map(([id]) => id);
    const { program, tests } = subject.materials;
    const spoke = findings.some(({ validator }) => validator === "command");
    const unheard = program === undefined || spoke ? [] : [`command: the program ${program} is not there`];
    return {
      findings,
      silent: [...unheard, ...(typed.silent === undefined ? [] : [typed.silent])],
      ...(program === undefined && tests === undefined ? {} : { tool: spoke ? "ready" as const : "failed" as const }),
      missing: required.filter((name) => findings.every(({ validator }) => validator !== name)),
      agrees: standing("agrees"),
      contradicts: standing("contradicts"),
    };
  });

/** What a validator found as a statement about an answer, and who makes it. */
export const statementOf = (
  { validator, result }: Finding,
  { digest }: Pick<Subject, "digest">,
): { readonly statement: Statement; readonly witness: ValidatorName } => ({
  statement: { source: "validator", subject: "answer", result, digest: digestJson([validator, digest]) },
  witness: validator,
});
