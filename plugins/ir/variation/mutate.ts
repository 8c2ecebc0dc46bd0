/**
 * Mutate: a program with one thing changed, and the record of it.
 *
 * Not a search (plugins/evolution) and not a judgement: whether the child is better is for who asked.
 * Invariant: the child has passed the checks, differs from its parent in its digest, and keeps its parent's signature
 * unless new parameters were asked for; `undo` of the record gives the parent back. A mutated loop may not end: runs of
 * children are bounded by fuel.
 *
 * @module
 */
import type { Digest } from "../../../kernel/digest.ts";
import type { Random } from "../../../kernel/random.ts";
import { ProgramBuilder } from "../builder.ts";
import { isIrFailure, noVariation, unknownVariation } from "../failures.ts";
import { functionOf, type Program } from "../graph.ts";
import { programDigest } from "../hash.ts";
import { parseProgram, printProgram } from "../text.ts";
import * as layers from "./layer_kinds.ts";
import * as nodes from "./node_kinds.ts";
import { editable, rebuild } from "./rebuild.ts";
import { type Choices, Site } from "./site.ts";

/** A kind of mutation. */
export interface MutationKind {
  /** What it does. */
  readonly doc: string;
  /** How often it is drawn where no kinds are named, relative to the others. */
  readonly weight: number;
  /** Proposes an edit. */
  readonly propose: nodes.Proposal;
}

/** Every kind of mutation. */
export const MUTATIONS = {
  insertNode: {
    doc: "A value goes through one more primitive or activation (`use`: its name).",
    weight: 15,
    propose: nodes.insertNode,
  },
  deleteNode: { doc: "A node gives way to one of its operands.", weight: 10, propose: nodes.deleteNode },
  replaceOp: {
    doc: "An elementwise node becomes another of as many operands (`use`: its name).",
    weight: 20,
    propose: nodes.replaceOp,
  },
  rewireInputs: { doc: "A node reads another earlier value.", weight: 15, propose: nodes.rewireInputs },
  swapNodes: { doc: "Two values change places for all that follows.", weight: 10, propose: nodes.swapNodes },
  changeDtype: {
    doc: "A node computes in another dtype of its kind (`use`: the dtype).",
    weight: 3,
    propose: nodes.changeDtype,
  },
  changeShape: { doc: "An elementwise node computes a shorter or longer axis.", weight: 3, propose: nodes.changeShape },
  changeAttribute: {
    doc: "A node gets another attribute: a reduction, a direction, an axis, a stride (`use`: its new name).",
    weight: 8,
    propose: nodes.changeAttribute,
  },
  hoist: { doc: "A node is computed earlier; what is computed stays.", weight: 2, propose: nodes.hoist },
  changeActivation: {
    doc: "An activation becomes another (`use`: its name).",
    weight: 10,
    propose: layers.changeActivation,
  },
  changeNormalization: {
    doc: "A normalisation becomes layer, rms or instance normalisation, or none (`use`: which).",
    weight: 3,
    propose: layers.changeNormalization,
  },
  modifyConstant: {
    doc: "A constant changes, in one element or all (`use`: by how much).",
    weight: 10,
    propose: nodes.modifyConstant,
  },
  addSkip: { doc: "An earlier value is added to a later one.", weight: 10, propose: layers.addSkip },
  removeSkip: { doc: "A skip connection goes.", weight: 3, propose: layers.removeSkip },
  addLayer: {
    doc: "A value goes through a new layer near the identity (`use`: linear, scale or normalize).",
    weight: 5,
    propose: layers.addLayer,
  },
  removeLayer: {
    doc: "A matrix product or convolution gives way to its input.",
    weight: 3,
    propose: layers.removeLayer,
  },
  duplicateBlock: {
    doc: "The nodes between two values run once more on their own result.",
    weight: 4,
    propose: layers.duplicateBlock,
  },
} as const satisfies { readonly [kind: string]: MutationKind };

/** The name of a kind. */
export type MutationName = keyof typeof MUTATIONS;

/** Names of the kinds. */
export const MUTATION_NAMES: ReadonlyArray<MutationName> = Object.keys(MUTATIONS) as ReadonlyArray<MutationName>;

/** How to mutate. */
export interface MutateOptions extends Choices {
  /** Kinds to draw from; all by their weights where absent. */
  readonly kinds?: ReadonlyArray<string>;
}

/** What was done, with all that is needed to undo it. */
export interface MutationRecord {
  /** The kind. */
  readonly kind: MutationName;
  /** The function that was edited. */
  readonly function: string;
  /** The node of that function, by its number in the parent. */
  readonly node?: number;
  /** What was done, in words. */
  readonly detail: string;
  /** Digest of the parent. */
  readonly parent: Digest;
  /** Digest of the child. */
  readonly child: Digest;
  /** The edited function as it was, with those it runs, as a program. */
  readonly before: string;
}

/** Proposals tried before a program is said not to vary. */
export const MAX_TRIES = 256;

const isMutation = (name: string): name is MutationName => Object.hasOwn(MUTATIONS, name);

const drawKind = (draws: Random, kinds: ReadonlyArray<MutationName>): MutationName => {
  const total = kinds.reduce((sum, kind) => sum + MUTATIONS[kind].weight, 0);
  let at = draws.float() * total;
  return kinds.find((kind) => (at -= MUTATIONS[kind].weight) < 0) ?? kinds[0];
};

/** The functions of a program that hold something to edit, drawn by how much. */
class Sites {
  private readonly all: ReadonlyArray<Site>;
  private readonly total: number;

  constructor(program: Program, draws: Random, choices: Choices) {
    this.all = editable(program).map((fn) => new Site(program, fn, draws, choices));
    this.total = this.all.reduce((sum, site) => sum + site.live.length, 0);
  }

  draw(draws: Random): Site | undefined {
    let at = draws.float() * this.total;
    return this.all.find((site) => (at -= site.live.length) < 0) ?? this.all.at(-1);
  }
}

/** A function with all it runs, as a program of its own. */
const textOf = (program: Program, name: string): string => {
  const kept = new Set<string>();
  const visit = (each: string): void => {
    kept.add(each);
    functionOf(program, each).nodes.forEach((node) => node.functions.forEach(visit));
  };
  visit(name);
  const functions = new Map([...program.functions].filter(([each]) => kept.has(each)));
  return printProgram({ entry: name, functions });
};

/**
 * A changed program and the record of the change; throws `IR_NO_VARIATION` where no kind applies.
 *
 * @example
 * ```ts
 * import { buildProgram, mutate, programDigest, undoMutation } from "@rmi/rmi/ir";
 * import { random } from "@rmi/rmi/kernel";
 * import assert from "node:assert/strict";
 * const parent = buildProgram({ x: "f32[4]" }, (g, { x }) => g.tanh(g.mul(x, 2)));
 * const { program, record } = mutate(parent, random("seed"));
 * assert.notEqual(programDigest(program), programDigest(parent));
 * assert.equal(programDigest(undoMutation(program, record)), programDigest(parent));
 * ```
 */
export const mutate = (
  program: Program,
  draws: Random,
  options: MutateOptions = {},
): { readonly program: Program; readonly record: MutationRecord } => {
  const unknown = options.kinds?.find((kind) => !isMutation(kind));
  if (unknown !== undefined) {
    const at = options.kinds!.indexOf(unknown);
    throw unknownVariation({ kind: unknown, known: MUTATION_NAMES, path: `/kinds/${at}` });
  }
  const kinds = (options.kinds ?? MUTATION_NAMES) as ReadonlyArray<MutationName>;
  const parent = programDigest(program);
  const plain = new Map<string, Digest>();
  const sites = new Sites(program, draws, options);
  for (let tries = 0; tries < MAX_TRIES && kinds.length > 0; tries++) {
    const kind = drawKind(draws, kinds);
    const site = sites.draw(draws);
    if (site === undefined) break;
    const { fn } = site;
    try {
      const edit = MUTATIONS[kind].propose(site);
      if (edit === undefined) continue;
      const made = rebuild(program, fn.name, edit);
      const child = programDigest(made);
      // What was merely dead is dropped with any edit: that alone is no change.
      if (!plain.has(fn.name)) plain.set(fn.name, programDigest(rebuild(program, fn.name, { detail: "" })));
      if (child === parent || child === plain.get(fn.name)) continue;
      const { node, detail } = edit;
      const where = node === undefined ? {} : { node };
      const before = textOf(program, fn.name);
      return { program: made, record: { kind, function: fn.name, ...where, detail, parent, child, before } };
    } catch (thrown) {
      if (!isIrFailure(thrown)) throw thrown;
    }
  }
  throw noVariation({ kinds, ...(options.kinds === undefined ? {} : { path: "/kinds" }) });
};

/** The parent of a mutated program; throws `IR_VALUE` where the record is not of this program. */
export const undoMutation = (
  program: Program,
  record: Pick<MutationRecord, "before" | "parent" | "child">,
): Program => {
  const before = parseProgram(record.before);
  const made = new ProgramBuilder();
  for (const fn of before.functions.values()) made.add(fn);
  for (const fn of program.functions.values()) if (!made.defines(fn.name)) made.add(fn);
  const parent = made.build(program.entry);
  if (programDigest(program) === record.child && programDigest(parent) === record.parent) return parent;
  throw noVariation({ kinds: [], reason: "the record is of another program" });
};
