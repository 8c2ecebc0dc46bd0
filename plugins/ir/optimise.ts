/**
 * Optimise: programs made cheaper by named passes, level by level, round by round until nothing changes.
 *
 * Not compilation: the result is a program of the same entry, parameters and results, for every backend and for people.
 * Invariant: where the given program gives tensors, the result gives the same ones, bit for bit (with `fastMath` the same
 * within rounding); it never costs more; the same program gives the same answer, and an answer optimised again stays.
 * What fails for lack of fuel or memory, or at a size that a dropped node would have refused, may succeed afterwards.
 *
 * @module
 */
import { makeProgram } from "./check.ts";
import type { ProgramCost } from "./cost.ts";
import type { Program } from "./graph.ts";
import { ALGEBRA } from "./passes/algebra.ts";
import { simplifyControl } from "./passes/control.ts";
import { searchEqual } from "./passes/equality.ts";
import { CONTRACTION_RULES } from "./passes/contraction.ts";
import { FOLDING } from "./passes/folding.ts";
import { hoistInvariants } from "./passes/hoisting.ts";
import { inlineCalls } from "./passes/inlining.ts";
import { MOVEMENT_RULES } from "./passes/movement.ts";
import type { Pass } from "./passes/pass.ts";
import { countedCost, priceOf } from "./passes/price.ts";
import { rulePass } from "./passes/rewriter.ts";
import { share } from "./passes/sharing.ts";
import { STRENGTH } from "./passes/strength.ts";
import { trim } from "./passes/trimming.ts";

/** Name of a pass. */
export type PassName =
  | "inlining"
  | "control"
  | "folding"
  | "algebra"
  | "strength"
  | "movement"
  | "contraction"
  | "sharing"
  | "hoisting"
  | "equality"
  | "trimming";

/** Every pass by name. */
export const PASSES: { readonly [N in PassName]: Pass & { readonly name: N } } = {
  inlining: {
    name: "inlining",
    doc: "Replaces calls by what they call.",
    run: inlineCalls,
  },
  control: {
    name: "control",
    doc: "Decides branches, drops loops that never turn, unrolls single turns, hands literals to bodies.",
    run: simplifyControl,
  },
  folding: {
    name: "folding",
    doc: "Computes nodes of known operands by the reference.",
    run: rulePass(FOLDING),
  },
  algebra: {
    name: "algebra",
    doc: "Applies the laws of arithmetic that make programs simpler.",
    run: rulePass(ALGEBRA),
  },
  strength: {
    name: "strength",
    doc: "Makes products, quotients and remainders by powers of two cheaper.",
    run: rulePass(STRENGTH),
  },
  movement: {
    name: "movement",
    doc: "Composes, cancels and delays transposes, reshapes, broadcasts, slices, pads, concatenations and casts.",
    run: rulePass(MOVEMENT_RULES),
  },
  contraction: {
    name: "contraction",
    doc: "Folds transposes, broadcasts, negations and widening casts into dot products, convolutions and reductions.",
    run: rulePass(CONTRACTION_RULES),
  },
  sharing: {
    name: "sharing",
    doc: "Computes equal nodes once and keeps one of equal functions.",
    run: share,
  },
  hoisting: {
    name: "hoisting",
    doc: "Computes what a loop's turns have in common before the loop.",
    run: hoistInvariants,
  },
  equality: {
    name: "equality",
    doc: "Searches the e-graph of everything the laws make equal for cheaper arithmetic.",
    run: searchEqual,
  },
  trimming: {
    name: "trimming",
    doc: "Drops dead nodes, functions, results, operands and carried values.",
    run: trim,
  },
};

/** How hard to try: 0 not at all, 3 everything. */
export type OptimiseLevel = 0 | 1 | 2 | 3;

/** The levels. */
export const LEVELS: ReadonlyArray<OptimiseLevel> = [0, 1, 2, 3];

/** What structure alone decides, before what is left over is dropped. */
const STRUCTURAL: ReadonlyArray<PassName> = [
  "inlining",
  "control",
  "folding",
  "algebra",
  "strength",
  "movement",
  "contraction",
  "sharing",
  "hoisting",
];

/** The passes of each level, in order. */
export const PIPELINES: { readonly [L in OptimiseLevel]: ReadonlyArray<PassName> } = {
  0: [],
  1: ["folding", "algebra", "sharing", "trimming"],
  2: [...STRUCTURAL, "trimming"],
  3: [...STRUCTURAL, "equality", "trimming"],
};

/** Most rounds; programs that still change then stay as they are, which the next call goes on from. */
export const MAX_OPTIMISE_ROUNDS = 32;

/** How to optimise. */
export interface OptimiseOptions {
  /** How hard to try; default 2. */
  readonly level?: OptimiseLevel;
  /** Whether laws may be used that hold for real numbers but not for NaN, infinities, −0 and the last bits. */
  readonly fastMath?: boolean;
  /** Passes to run instead of the level's. */
  readonly passes?: ReadonlyArray<PassName>;
  /** Called with the program after every pass that changed it. */
  readonly onPass?: (name: PassName, program: Program) => void;
}

/** What one pass did. */
export interface PassStats {
  /** Its name. */
  readonly pass: PassName;
  /** Rounds in which it changed something. */
  readonly rounds: number;
  /** Changes it made. */
  readonly changes: number;
  /** How often it applied each of its rules, where it is made of rules. */
  readonly rules: { readonly [name: string]: number };
}

/** What an optimisation did. */
export interface OptimiseStats {
  /** Nodes before, over all functions. */
  readonly nodesBefore: number;
  /** Nodes after. */
  readonly nodesAfter: number;
  /** Cost before; absent where it is beyond counting. */
  readonly costBefore?: ProgramCost;
  /** Cost after. */
  readonly costAfter?: ProgramCost;
  /** Rounds begun. */
  readonly rounds: number;
  /** What each pass did, in order. */
  readonly passes: ReadonlyArray<PassStats>;
}

/** A program and what was done to it. */
export interface OptimisedProgram {
  /** The program. */
  readonly program: Program;
  /** What was done. */
  readonly stats: OptimiseStats;
}

const nodesOf = (program: Program): number =>
  [...program.functions.values()].reduce((count, fn) => count + fn.nodes.length, 0);

const costsOf = (program: Program, made: Program): Pick<OptimiseStats, "costBefore" | "costAfter"> => {
  const [costBefore, costAfter] = [program, made].map((one) => countedCost(one));
  return costBefore === undefined || costAfter === undefined ? {} : { costBefore, costAfter };
};

const checked = (program: Program): Program => makeProgram([...program.functions.values()], program.entry);

/** Optimises step by step: pausable between passes. */
export const optimiseSteps = function* (
  program: Program,
  options: OptimiseOptions = {},
): Generator<void, OptimisedProgram, void> {
  const { level = 2, fastMath = false, onPass } = options;
  const pipeline = options.passes ?? PIPELINES[level];
  const tallies = new Map(
    pipeline.map((pass) => [pass, { pass, rounds: 0, changes: 0, rules: {} as { [name: string]: number } }]),
  );
  let current: Program = program;
  let price = priceOf(program);
  let rounds = 0;
  for (let changed = pipeline.length > 0; changed && rounds < MAX_OPTIMISE_ROUNDS; rounds++) {
    changed = false;
    for (const name of pipeline) {
      yield;
      const pass: Pass = PASSES[name];
      const { draft, changes, rules } = pass.run(current, { fastMath });
      if (changes === 0) continue;
      // A pass that proposes something dearer is not followed.
      const madePrice = priceOf(draft);
      if (madePrice > price) continue;
      current = draft;
      price = madePrice;
      changed = true;
      const tally = tallies.get(name)!;
      tally.rounds++;
      tally.changes += changes;
      for (const rule of rules ?? []) tally.rules[rule] = (tally.rules[rule] ?? 0) + 1;
      onPass?.(name, checked(draft));
    }
  }
  const made = current === program ? program : checked(current);
  return {
    program: made,
    stats: {
      nodesBefore: nodesOf(program),
      nodesAfter: nodesOf(made),
      ...costsOf(program, made),
      rounds,
      passes: [...tallies.values()],
    },
  };
};

/**
 * Optimises a program.
 *
 * @example
 * ```ts
 * import { buildProgram, optimise, functionOf } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const slow = buildProgram({ x: "f32[4]" }, (g, { x }) => g.mul(g.neg(g.neg(x)), 1));
 * assert.equal(functionOf(optimise(slow).program).nodes.length, 0);
 * ```
 */
export const optimise = (program: Program, options: OptimiseOptions = {}): OptimisedProgram => {
  const steps = optimiseSteps(program, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
};
