/**
 * Meaning of the language: how fast the reference interpreter and the check are, and how much they cover.
 *
 * The original's figures are of its optimised build on a machine of its own: a bar, not a race on one machine.
 */
import { check } from "../../plugins/rmil/check.ts";
import { decodeExpression } from "../../plugins/rmil/codec/v1.ts";
import { EVALUATIONS } from "../../plugins/rmil/evaluation.ts";
import { runNow } from "../../plugins/rmil/interpreter.ts";
import { LOWERINGS } from "../../plugins/rmil/lowering.ts";
import { OP_NAMES } from "../../plugins/rmil/opcodes.ts";
import { Symbols } from "../../plugins/rmil/symbols.ts";
import { tensor } from "../../plugins/rmil/types.ts";
import { addChain } from "../plugins/rmil/chain.ts";
import { type Figure, type Measured, median, rounded } from "./figure.ts";

const SAMPLES = 801;
const WARM = 500;

/** Nanoseconds of a call: the middle of many, most of which end before anything else on the machine gets its turn. */
const nanoseconds = (run: () => unknown): number => {
  for (let i = 0; i < WARM; i++) run();
  const samples = Array.from({ length: SAMPLES }, () => {
    const start = performance.now();
    run();
    return (performance.now() - start) * 1e6;
  });
  return rounded(median(samples));
};

/** The transformer block, as version 1 bytes of the published pattern. */
const BLOCK = "0302100202000212020000030302200000000204000000020600000002100202000212" +
  "0200000303030302200000000202000000021100000002020000000206000000";

const timed = (limit: number, run: () => unknown) => (): Promise<Measured> => {
  const value = nanoseconds(run);
  return Promise.resolve({ value, ok: value <= limit });
};

const ORIGINAL_EVAL_NS = 1400;
const CHECK_LIMIT_NS = 20_000_000;
const CHAIN_CHECK_LIMIT_NS = 1_000_000;

/** What is claimed of check and run. */
export const figures: ReadonlyArray<Figure> = [
  {
    name: "ops with a meaning",
    unit: "ops",
    goal: "107",
    measure: () => {
      const value = OP_NAMES.filter((name) => (LOWERINGS[name] ?? EVALUATIONS[name]) !== undefined).length;
      return Promise.resolve({ value, ok: value === 107 });
    },
  },
  {
    name: "interpreter: the add chain of depth 32",
    unit: "ns",
    goal: `none: the reference is slow by design; the original's compiled walker takes ${ORIGINAL_EVAL_NS}`,
    measure: timed(
      Infinity,
      (() => {
        const program = addChain(32);
        const symbols = new Symbols();
        return () => runNow(program, symbols);
      })(),
    ),
  },
  {
    name: "check: the add chain of depth 32",
    unit: "ns",
    goal: `at most ${CHAIN_CHECK_LIMIT_NS}; the original has no check`,
    measure: timed(
      CHAIN_CHECK_LIMIT_NS,
      (() => {
        const program = addChain(32);
        const symbols = new Symbols();
        return () => check(program, symbols);
      })(),
    ),
  },
  {
    name: "check: the transformer block on f32[b,128,512]",
    unit: "ns",
    goal: `at most ${CHECK_LIMIT_NS}`,
    measure: timed(
      CHECK_LIMIT_NS,
      (() => {
        const program = decodeExpression(Uint8Array.fromHex(BLOCK));
        const symbols = new Symbols();
        const inputs = { x: tensor("f32", ["b", 128, 512]) };
        return () => check(program, symbols, { inputs });
      })(),
    ),
  },
];
