/**
 * Acceptance figures of the IR's verifier, optimiser and binary form.
 *
 * Judges: the reference evaluator, which runs every program before and after every pass; `makeProgram`, which accepts what
 * the verifier accepts; bytes, which decode to a program of exactly these bytes or not at all.
 */
import { random } from "../../kernel/random.ts";
import {
  buildProgram,
  decodeProgram,
  encodeProgram,
  functionOf,
  grad,
  isIrFailure,
  optimise,
  priceOf,
  type Program,
  programDigest,
  verify,
} from "../../plugins/ir/library.ts";
import { outcome, sameBits } from "../plugins/ir/judging.ts";
import { type ProgramOptions, randomInputs, randomProgram } from "../plugins/ir/programs.ts";
import { type Figure, rounded } from "./figure.ts";

const PROGRAMS = 20_000;
const MUTATIONS = 100_000;
const RUNS = 2;

/** Kinds of programs, in turn. The seeds are none that the tests use. */
const KINDS: ReadonlyArray<ProgramOptions> = [
  { nodes: 10 },
  { nodes: 24, maxSize: 3 },
  { nodes: 10, symbolic: true },
  { nodes: 16, dtypes: ["i8", "u8", "bool"], maxSize: 2 },
  { nodes: 16, dtypes: ["f32", "f16"] },
];

type Tally = { dead: number; before: number; after: number; runs: number; passes: { [pass: string]: number } };

const nodesOf = (program: Program): number =>
  [...program.functions.values()].reduce((count, fn) => count + fn.nodes.length, 0);

/** What is wrong with the optimisation of one program; undefined for nothing. */
const faultOf = (seed: string, options: ProgramOptions, tally: Tally): string | undefined => {
  const before = randomProgram(seed, options);
  const inputs = Array.from({ length: RUNS }, (_, run) => randomInputs(before, `${seed} ${run}`, options));
  const wanted = inputs.map((input) => outcome(before, input));
  let fault: string | undefined;
  let price = priceOf(before);
  const judge = (pass: string, after: Program): void => {
    if (priceOf(after) > price) fault ??= `${pass}: dearer`;
    price = priceOf(after);
    if (!verify(after, { from: "error" }).ok) fault ??= `${pass}: refused by the verifier`;
    wanted.forEach((results, run) => {
      const given = results === undefined ? undefined : outcome(after, inputs[run]);
      if (results?.every((value, i) => given !== undefined && sameBits(value, given[i])) === false) {
        fault ??= `${pass}: another result`;
      }
    });
  };
  const { program, stats } = optimise(before, { level: 3, onPass: judge });
  if (programDigest(optimise(program, { level: 3 }).program) !== programDigest(program)) fault ??= "changes again";
  tally.dead += nodesOf(before);
  tally.before += nodesOf(optimise(before, { passes: ["trimming"] }).program);
  tally.after += nodesOf(program);
  tally.runs += wanted.filter((results) => results !== undefined).length;
  for (const { pass, changes } of stats.passes) tally.passes[pass] = (tally.passes[pass] ?? 0) + changes;
  return fault;
};

const translation: Figure = {
  name: "random programs that a pass changes in a bit, makes dearer or ill-formed, or that change when optimised again",
  unit: `of ${PROGRAMS}`,
  goal: "0",
  measure: ({ progress }) => {
    const tally: Tally = { dead: 0, before: 0, after: 0, runs: 0, passes: {} };
    const faults: string[] = [];
    for (let i = 0; i < PROGRAMS; i++) {
      if (i % 500 === 0) progress(i, PROGRAMS);
      const fault = faultOf(`acceptance ${i}`, KINDS[i % KINDS.length], tally);
      if (fault !== undefined) faults.push(`${i}: ${fault}`);
    }
    const { before, after, runs, passes } = tally;
    const detail = {
      runsCompared: runs,
      nodes: tally.dead,
      nodesWithoutDeadOnes: before,
      nodesAfter: after,
      shareOfLiveNodesRemoved: rounded(1 - after / before),
      changes: passes,
      faults: faults.slice(0, 20),
    };
    return Promise.resolve({ value: faults.length, ok: faults.length === 0, detail });
  },
};

const bytes: Figure = {
  name: "mutated programs that decode without being exactly these bytes, or fail in an untyped way",
  unit: `of ${MUTATIONS}`,
  goal: "0",
  measure: ({ progress }) => {
    const originals = Array.from(
      { length: 200 },
      (_, i) => encodeProgram(randomProgram(`acceptance bytes ${i}`, { nodes: 4 })),
    );
    let [wrong, accepted] = [0, 0];
    for (let i = 0; i < MUTATIONS; i++) {
      if (i % 5000 === 0) progress(i, MUTATIONS);
      const draws = random(`acceptance mutation ${i}`);
      const made = [...originals[i % originals.length]];
      for (let times = 1 + draws.below(3); times > 0; times--) {
        const at = draws.below(made.length);
        if (draws.below(2) === 0) made[at] ^= 1 << draws.below(8);
        else made.splice(at, draws.below(3), ...(draws.below(2) === 0 ? [] : [draws.below(256)]));
      }
      try {
        const again = encodeProgram(decodeProgram(Uint8Array.from(made)));
        accepted++;
        if (again.length !== made.length || again.some((byte, k) => byte !== made[k])) wrong++;
      } catch (thrown) {
        if (!isIrFailure(thrown)) wrong++;
      }
    }
    return Promise.resolve({ value: wrong, ok: wrong === 0, detail: { accepted } });
  },
};

const [BATCH, SEQUENCE, WIDTH, HIDDEN] = [2, 8, 16, 32];

/** The loss of a transformer block, as its gradient is asked for. */
const block = (): Program =>
  buildProgram({
    x: `f32[${BATCH},${SEQUENCE},${WIDTH}]`,
    q: `f32[${WIDTH},${WIDTH}]`,
    k: `f32[${WIDTH},${WIDTH}]`,
    v: `f32[${WIDTH},${WIDTH}]`,
    up: `f32[${WIDTH},${HIDDEN}]`,
    down: `f32[${HIDDEN},${WIDTH}]`,
  }, (g, { x, q, k, v, up, down }) => {
    const norm = { axes: [-1], epsilon: 1e-5, centered: true };
    const own = g.normalize(x, norm);
    const attended = g.add(x, g.attention(g.matmul(own, q), g.matmul(own, k), g.matmul(own, v)));
    const fed = g.matmul(g.activation("gelu", g.matmul(g.normalize(attended, norm), up)), down);
    return g.mean(g.mul(g.add(attended, fed), attended));
  });

const training: Figure = {
  name: "bytes that nodes move in the gradient of a transformer block, after optimisation at level 3",
  unit: "of those before",
  goal: "below 1, with the same bits",
  measure: () => {
    const step = grad(block(), { value: true });
    const inputs = randomInputs(step, "acceptance block", { edges: false });
    const { program, stats } = optimise(step, { level: 3 });
    const { stats: fast } = optimise(step, { level: 3, fastMath: true });
    const [wanted, given] = [outcome(step, inputs)!, outcome(program, inputs)!];
    const same = wanted.every((value, i) => sameBits(value, given[i]));
    const share = rounded(Number(stats.costAfter!.bytes) / Number(stats.costBefore!.bytes));
    const detail = {
      sameBits: same,
      nodesBefore: stats.nodesBefore,
      nodesAfter: functionOf(program).nodes.length,
      flopsBefore: stats.costBefore!.flops,
      flopsAfter: stats.costAfter!.flops,
      shareWithFastMath: rounded(Number(fast.costAfter!.bytes) / Number(stats.costBefore!.bytes)),
      nodesWithFastMath: fast.nodesAfter,
    };
    return Promise.resolve({ value: share, ok: same && share < 1, detail });
  },
};

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [translation, bytes, training];
