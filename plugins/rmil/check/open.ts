/**
 * Open: a program judged without being told its inputs: what it needs, and what it gives for inputs of common shapes.
 *
 * Invariant: a signature is a check that passed, with sizes by name, so that it holds for sizes of every kind.
 *
 * @module
 */
import { nearest } from "../../../kernel/mod.ts";
import type { Dimension } from "../../ir/contract.ts";
import { type Checked, type CheckOptions, checkSteps } from "../check.ts";
import type { Program } from "../codec/v1.ts";
import { Tag } from "../expression.ts";
import { freeNames } from "../interpreter/free_names.ts";
import { isOpName, nearestOps } from "../opcodes.ts";
import { placedNodes } from "../tools/ast_path.ts";
import { atOnce } from "./walk.ts";
import { scalar, type Shape, tensor, type Type } from "../types.ts";

/** What a program gives for an input. */
export interface Signature {
  /** Type of the pipeline's input. */
  readonly input: Type;
  /** Type of the output. */
  readonly type: Type;
  /** Elements of all learned parameters. */
  readonly parameterCount: Dimension;
  /** Floating-point operations. */
  readonly flops: Dimension;
}

/** What an open program is. */
export interface OpenChecked extends Checked {
  /** Names of inputs that it reads; the empty one is the pipeline's input. */
  readonly needs: ReadonlyArray<string>;
  /** What it gives, by input. */
  readonly signatures: ReadonlyArray<Signature>;
  /** Types of the inputs that it was judged on. */
  readonly inputs: Inputs;
}

type Inputs = NonNullable<CheckOptions["inputs"]>;

/** The name of the pipeline's input among inputs: no program can read it by name. */
export const PIPELINE_INPUT = "";

/** Largest program whose names are looked into and whose signatures are worked out: each of these costs a check. */
export const MAX_SIGNED_NODES = 20_000;

const RANKS: ReadonlyArray<Shape> = [["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d"]];

/** Inputs that are tried. */
const INPUTS: ReadonlyArray<Type> = (["f32", "i64"] as const).flatMap((dtype): ReadonlyArray<Type> => [
  scalar(dtype),
  ...RANKS.map((shape) => tensor(dtype, shape)),
]);

const unknown = (id: number): Type => ({ k: "Var", id });

const isOpenType = (type: Type): boolean =>
  type.k === "Var" || ((type.k === "Tuple" || type.k === "Union") && type.items.some(isOpenType));

function* signaturesOf(
  { root, symbols }: Program,
  options: CheckOptions,
  named: Inputs,
): Generator<void, ReadonlyArray<Signature>> {
  const found: Array<Signature> = [];
  if (root.size > MAX_SIGNED_NODES) return found;
  for (const input of INPUTS) {
    const inputs = { ...named, [PIPELINE_INPUT]: input };
    const { judgement } = yield* checkSteps(root, symbols, { ...options, inputs });
    if (judgement === undefined || isOpenType(judgement.type)) continue;
    const { type, parameterCount, flops } = judgement;
    found.push({ input, type, parameterCount, flops });
  }
  return found;
}

/** Symbols of names that are no inputs: what is called is no value, and a stage that is nearly an op is a slip. */
const slipsOf = ({ root, symbols }: Program, hosts: ReadonlyArray<string>): ReadonlySet<number> => {
  const found = new Set<number>();
  if (root.size > MAX_SIGNED_NODES) return found;
  for (const { node, path } of placedNodes(root)) {
    if (node.tag !== Tag.Ref) continue;
    const name = symbols.nameOf(node.code) ?? "";
    const isNear = !isOpName(name) && (nearestOps(name, 1).length > 0 || nearest(name, hosts, 1).length > 0);
    if (path.endsWith("/func") || (path.endsWith("/b") && isNear)) found.add(node.code);
  }
  return found;
};

/** Names that a program reads as inputs. */
const inputNames = (program: Program, { hosts }: CheckOptions): ReadonlyArray<string> => {
  const known = new Set(hosts?.names ?? []);
  const slips = slipsOf(program, [...known]);
  return [...freeNames(program.root)].filter((sym) => !slips.has(sym))
    .map((sym) => program.symbols.nameOf(sym) ?? "").filter((name) => name !== "" && !known.has(name)).sort();
};

/** Checks a program of whose inputs nothing is said: with none where it needs none, with unknown ones otherwise. */
export const checkOpen = (program: Program, options: CheckOptions = {}): OpenChecked =>
  atOnce(checkOpenSteps(program, options));

/** Checks as {@link checkOpen} does, giving way now and then. */
export function* checkOpenSteps(program: Program, options: CheckOptions = {}): Generator<void, OpenChecked> {
  const { root, symbols } = program;
  const names = inputNames(program, options);
  const named: Inputs = Object.fromEntries(names.map((name, id) => [name, unknown(id + 1)]));
  for (const inputs of [{}, named]) {
    const closed = yield* checkSteps(root, symbols, { ...options, inputs });
    if (closed.judgement !== undefined) return { ...closed, needs: Object.keys(inputs), signatures: [], inputs };
  }
  const inputs = { ...named, [PIPELINE_INPUT]: unknown(0) };
  const open = yield* checkSteps(root, symbols, { ...options, inputs });
  const signatures = open.judgement === undefined ? [] : yield* signaturesOf(program, options, named);
  return { ...open, needs: [PIPELINE_INPUT, ...names], signatures, inputs };
}
