/**
 * IR programs: mutation and crossover of typed programs, as genomes.
 *
 * Not the edits themselves: those, and the proof that nothing ill-typed comes out, are of the ir room.
 * Invariant: every genome is a verified program of no more nodes than the limit; its identity is its digest, or that of
 * its optimised form.
 *
 * @module
 */
import type { Json } from "../../../kernel/json.ts";
import type { Random } from "../../../kernel/random.ts";
import {
  cross,
  decodeProgram,
  encodeProgram,
  isIrFailure,
  mutate,
  optimise,
  type Program,
  programDigest,
} from "../../ir/library.ts";
import type { Made, Variation } from "../contract.ts";
import { badSetting, badState } from "../failures.ts";

/** Settings of the variation of programs. */
export interface ProgramSettings {
  /** The programs that the first generation is mutated from; all take and give the same types. */
  readonly seeds: ReadonlyArray<Program>;
  /** Most nodes of a program, over all its functions; 500 where absent. A larger child is given up for its parent. */
  readonly nodes?: number;
  /** Kinds of mutation to draw from; all where absent. */
  readonly kinds?: ReadonlyArray<string>;
  /**
   * Two programs are one if their digests are (`digest`, where absent), or if the optimiser's passes lead both to one
   * program (`class`).
   */
  readonly identity?: "digest" | "class";
  /** Most mutations of a seed in the first generation, drawn evenly from 1 on; 3 where absent. */
  readonly drift?: number;
}

/** The nodes of a program, over all its functions. */
export const nodesOf = ({ functions }: Program): number =>
  [...functions.values()].reduce((sum, { nodes }) => sum + nodes.length, 0);

/** A program and what was done to get it. */
interface Varied {
  readonly program: Program;
  readonly record: { readonly kind: string };
}

const bytesOf = (json: Json): Uint8Array => {
  try {
    return Uint8Array.fromBase64(json as string);
  } catch {
    throw badState({ reason: "a genome is not a program in base64" });
  }
};

const decoded = (json: Json, limit: number): Program => {
  const bytes = bytesOf(json);
  try {
    const program = decodeProgram(bytes);
    if (nodesOf(program) <= limit) return program;
  } catch (thrown) {
    if (!isIrFailure(thrown)) throw thrown;
    throw badState({ reason: `a genome is not a program: ${thrown.message}` });
  }
  throw badState({ reason: `a program has more than ${limit} nodes` });
};

const classOf = (program: Program): string => {
  const known = CLASSES.get(program) ?? programDigest(optimise(program).program);
  CLASSES.set(program, known);
  return known;
};

/** The classes of programs that are alive: optimising is dear beside comparing. */
const CLASSES = new WeakMap<Program, string>();

const IDENTITIES = { digest: programDigest, class: classOf } as const;

/** Variation of IR programs. */
export const programVariation = (settings: ProgramSettings): Variation<Program> => {
  const { seeds, nodes = 500, drift = 3, kinds, identity = "digest" } = settings;
  const largest = seeds.reduce((most, seed) => Math.max(most, nodesOf(seed)), 0);
  const complain = (setting: string, wanted: string, found: unknown) => {
    throw badSetting({ setting, wanted, found: String(found), path: `/${setting}` });
  };
  if (seeds.length === 0) complain("seeds", "one or more programs", "none");
  if (!(Number.isSafeInteger(nodes) && nodes >= largest)) complain("nodes", `at least the seeds' ${largest}`, nodes);
  if (!(Number.isSafeInteger(drift) && drift >= 1)) complain("drift", "a whole number from 1 on", drift);

  /** The child, or the parent where there is none or it is too large. */
  const childOr = (parent: Program, make: () => Varied): Made<Program> => {
    try {
      const { program, record: { kind } } = make();
      return nodesOf(program) <= nodes ? { genome: program, by: kind } : { genome: parent, by: kind };
    } catch (thrown) {
      if (isIrFailure(thrown) && thrown.code === "IR_NO_VARIATION") return { genome: parent, by: "nothing" };
      throw thrown;
    }
  };
  const options = kinds === undefined ? {} : { kinds };
  const mutated = (parent: Program, chance: Random): Made<Program> =>
    childOr(parent, () => mutate(parent, chance, options));
  const crossed = (a: Program, b: Program, chance: Random): readonly [Made<Program>, Made<Program>] => [
    childOr(a, () => cross(a, b, chance)),
    childOr(b, () => cross(b, a, chance)),
  ];
  return {
    name: `program(${seeds.map(programDigest).join()} ≤${nodes}, ${drift}, ${kinds?.join() ?? "all"}, ${identity})`,
    random: (chance) => {
      let program = chance.pick(seeds);
      for (let steps = 1 + chance.below(drift); steps > 0; steps--) program = mutated(program, chance).genome;
      return program;
    },
    mutate: (parent, chance) => mutated(parent, chance).genome,
    mutateBy: mutated,
    cross: (a, b, chance) => {
      const [first, second] = crossed(a, b, chance);
      return [first.genome, second.genome];
    },
    crossBy: crossed,
    key: IDENTITIES[identity],
    encode: (program) => encodeProgram(program).toBase64(),
    decode: (json) => decoded(json, nodes),
  };
};
