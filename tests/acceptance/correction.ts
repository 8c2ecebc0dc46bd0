/**
 * Figures of correction: how often a failure carries a patch, and how often the call succeeds when the patch is applied
 * blindly. Faults are derived from every operation's examples by seeded mutators.
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import {
  type AnyOperation,
  applyPatch,
  type Example,
  type Failure,
  isJsonObject,
  type Json,
  type JsonObject,
  type JsonPatch,
  jsonSchemaOf,
  random,
} from "../../kernel/mod.ts";
import { callAs, inWorkspace, OPEN_POLICY, prepare } from "../workspace.ts";
import { applyFault, type Fault, FAULTS } from "./faults.ts";
import { type Figure, type Measured, rounded } from "./figure.ts";

/** Seeds fixed before the code they judge, and one it has not seen. */
const SEEDS = ["correction-1", "correction-2", "unseen-2026"];

interface Trial {
  readonly operation: string;
  readonly fault: Fault;
  readonly input: Json;
  readonly code: string;
  readonly patched: boolean;
  readonly mended: boolean;
}

/** Operations that reach outside or wait for ever: their examples are not calls to mutate. */
const isQuiet = ({ effects, kinds }: AnyOperation): boolean =>
  !effects.includes("network") && !effects.includes("exec") && !kinds.includes("llm");

type Outcome = Result.Result<unknown, Failure>;

/** Calls of one operation after one example's preparation, each in a workspace of its own; equal inputs once. */
const attempting = (operation: AnyOperation, example: Example): (input: Json) => Promise<Outcome> => {
  const outcomes = new Map<string, Promise<Outcome>>();
  const attempt = (input: Json): Promise<Outcome> =>
    inWorkspace((kernel) =>
      Effect.gen(function* () {
        yield* prepare(kernel, example);
        return yield* Effect.result(callAs(kernel, operation.id, input));
      }), OPEN_POLICY);
  return (input) => {
    const key = JSON.stringify(input);
    const outcome = outcomes.get(key) ?? attempt(input);
    outcomes.set(key, outcome);
    return outcome;
  };
};

/** Whether the call succeeds with the patch applied; a patch that does not apply mends nothing. */
const mends = async (attempt: (input: Json) => Promise<Outcome>, input: Json, patch: JsonPatch): Promise<boolean> => {
  let patched: Json;
  try {
    patched = applyPatch(patch, input);
  } catch {
    return false;
  }
  return Result.isSuccess(await attempt(patched));
};

const trialsOf = async (operation: AnyOperation, example: Example): Promise<ReadonlyArray<Trial>> => {
  if (example.failure !== undefined || !isJsonObject(example.input)) return [];
  const attempt = attempting(operation, example);
  if (Result.isFailure(await attempt(example.input))) return [];
  const schema = jsonSchemaOf(operation.input) as JsonObject;
  const trials: Array<Trial> = [];
  for (const seed of SEEDS) {
    for (const fault of FAULTS) {
      for (const key of Object.keys(example.input)) {
        const chance = random(seed).split(operation.id).split(fault).split(key);
        const input = applyFault(fault, example.input, key, schema, chance);
        if (input === undefined) continue;
        const refused = await attempt(input);
        // A slip that still makes a valid call (another order, another free text) is no fault.
        if (Result.isSuccess(refused)) continue;
        const patch = refused.failure.fix?.patch;
        const mended = patch !== undefined && await mends(attempt, input, patch);
        trials.push({
          operation: operation.id,
          fault,
          input,
          code: refused.failure.code,
          patched: patch !== undefined,
          mended,
        });
      }
    }
  }
  return trials;
};

let measured: Promise<ReadonlyArray<Trial>> | undefined;

const allTrials = (progress: (done: number, total: number) => void): Promise<ReadonlyArray<Trial>> =>
  measured ??= (async () => {
    const operations = (await inWorkspace((kernel) => kernel.operations("user@tty"), OPEN_POLICY)).filter(isQuiet);
    const trials: Array<Trial> = [];
    for (const [index, operation] of operations.entries()) {
      for (const example of operation.examples) trials.push(...await trialsOf(operation, example));
      progress(index + 1, operations.length);
    }
    return trials;
  })();

const share = (part: number, whole: number): number => whole === 0 ? 0 : rounded(100 * part / whole);

const byFault = (trials: ReadonlyArray<Trial>): Json =>
  Object.fromEntries(FAULTS.map((fault) => {
    const same = trials.filter((trial) => trial.fault === fault);
    const patched = same.filter((trial) => trial.patched);
    return [fault, {
      faults: same.length,
      patched: patched.length,
      mended: patched.filter((trial) => trial.mended).length,
    }];
  }));

const SHOWN_INPUT = 200;

const shown = (input: Json): string => JSON.stringify(input).slice(0, SHOWN_INPUT);

const unmended = (trials: ReadonlyArray<Trial>): Json =>
  trials.filter(({ patched, mended }) => !patched || !mended).slice(0, 25)
    .map(({ operation, fault, input, code, patched }) => ({ operation, fault, input: shown(input), code, patched }));

const patchedShare = async (progress: (done: number, total: number) => void): Promise<Measured> => {
  const trials = await allTrials(progress);
  const value = share(trials.filter(({ patched }) => patched).length, trials.length);
  return {
    value,
    ok: value >= 70,
    detail: { faults: trials.length, byFault: byFault(trials), unmended: unmended(trials) },
  };
};

const mendedShare = async (progress: (done: number, total: number) => void): Promise<Measured> => {
  const patched = (await allTrials(progress)).filter((trial) => trial.patched);
  const value = share(patched.filter(({ mended }) => mended).length, patched.length);
  return { value, ok: value >= 90, detail: { patched: patched.length } };
};

/** The figures of the area. */
export const figures: ReadonlyArray<Figure> = [
  {
    name: "faults whose failure carries a patch",
    unit: "%",
    goal: "≥ 70 %",
    measure: ({ progress }) => patchedShare(progress),
  },
  {
    name: "patches that make the call succeed when applied blindly",
    unit: "%",
    goal: "≥ 90 %",
    measure: ({ progress }) => mendedShare(progress),
  },
];
