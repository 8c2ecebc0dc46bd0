/**
 * Op candidates: changes that may make an application fit what it is given: shapes, kinds, missing operands, items.
 *
 * Invariant: nothing here is known to mend; every candidate is tried by a check before it is offered (repair.ts).
 *
 * @module
 */
import { app, type Expression, lit, seq, Tag, withChildren } from "../expression.ts";
import { opOf, OPS } from "../opcodes.ts";
import { nodeAtPath } from "../tools/ast_path.ts";
import { NIL } from "../value.ts";
import { converted, type Faulty, missing, swaps } from "./candidate.ts";
import {
  type Candidate,
  CASTS,
  change,
  forArgument,
  integers,
  onArgument,
  ONE_OR_ZERO,
  onOperand,
  producerOf,
  stage,
  through,
} from "./edits.ts";
import type { Fault } from "./fault.ts";
import type { Known } from "./known.ts";
import { attributeCandidates, divisorCandidates, shapeCandidates } from "./shape_candidates.ts";

/** The stage left out, or the one before it: what is left when nothing fits between them. */
export function* stagesLeftOut({ path }: Fault, { program }: Faulty): Generator<Candidate> {
  const nameAt = (at: string): string => {
    const { tag, code } = nodeAtPath(program, at);
    return tag === Tag.App ? opOf(code)?.name ?? "it" : "it";
  };
  const producer = producerOf(program, path);
  const MOVES = ["reshape", "transpose", "slice"];
  const itself = change(`Leave out ${nameAt(path)}`, path, () => stage("identity"));
  if (MOVES.includes(nameAt(path))) yield itself;
  if (producer !== undefined && MOVES.includes(nameAt(producer))) {
    yield change(`Leave out ${nameAt(producer)} before it`, producer, () => stage("identity"));
  }
  if (path.endsWith("/b")) yield itself;
}

/** For shapes that do not fit. */
export function* shapes({ failure, call, path }: Fault, { program }: Faulty): Generator<Candidate> {
  if (call === undefined) return;
  const node = nodeAtPath(program, call.path);
  // Sizes that should divide or add up are mended where they are said; others by moving or mapping the operands.
  if (call.row.name === "reshape" || call.row.family === "Memory") yield* attributeCandidates(call, node);
  yield* divisorCandidates(call, node);
  yield* shapeCandidates(program, call, failure.expected);
  if (call.row.name !== "reshape") yield* attributeCandidates(call, node);
  yield* swaps(path, node);
}

/** Stages through which a value of the wrong kind may become one that an op takes. */
const conversions = (known: Known): ReadonlyArray<readonly [summary: string, next: Expression]> => {
  if (known.k === "Tuple") {
    return [
      ["Join the branches with concat", stage("concat")],
      ["Add the branches", app(OPS.res_add.code)],
    ];
  }
  if (known.k === "Scalar" && known.dtype === "b1") return [["Make it a number", ONE_OR_ZERO]];
  return [["Cast it to f32", CASTS.f32], ["Cast it to f64", CASTS.f64]];
};

const DENSE = new Set(["embed"]);

/** For operands of a kind that the op does not take. */
export function* operandKinds({ call, path }: Fault, { program }: Faulty): Generator<Candidate> {
  if (call === undefined) return;
  const node = nodeAtPath(program, path);
  for (let i = 0; i < call.places.length; i++) {
    const place = call.places[i];
    if (place === undefined || place === "input" || !("argument" in place)) continue;
    for (const by of converted(node.children[place.argument] ?? lit(NIL))) {
      yield forArgument(path, place.argument, () => by, "Write the number in the kind that the op takes");
    }
  }
  for (let i = 0; i < call.operands.length; i++) {
    const known = call.operands[i];
    if (known === undefined) continue;
    for (const [summary, next] of conversions(known)) yield* onOperand(program, call, i, next, summary);
  }
  for (let i = 0; i < call.rest.length; i++) {
    for (const [summary, next] of conversions(call.rest[i])) {
      yield onArgument(path, call.places.length + i, next, summary);
    }
  }
  // Two operands of which one has the wrong kind may both have to be cast.
  for (const dtype of ["f32", "f64"] as const) {
    yield change(
      `Cast its operands to ${dtype}`,
      path,
      (own) =>
        withChildren(own, own.children.map((child) => child.tag === Tag.Lit ? child : through(child, CASTS[dtype]))),
    );
  }
  yield* swaps(path, node);
  if (DENSE.has(call.row.name)) {
    const width = Number(call.attributes.width ?? call.row.attributes.find(({ name }) => name === "width")?.default);
    yield change(
      `Use linear(${width}), which takes floats`,
      path,
      (own) => stage("linear", ...own.children.filter(({ tag }) => tag !== Tag.Lit), integers([width])),
    );
  }
}

/** For missing operands. */
export function* operandsMissing(fault: Fault, faulty: Faulty): Generator<Candidate> {
  const node = nodeAtPath(faulty.program, fault.path);
  const row = node.tag === Tag.App ? opOf(node.code) : undefined;
  if (row === undefined) return;
  const literalsFrom = node.children.findIndex(({ tag }) => tag === Tag.Lit);
  const places = [...new Set([literalsFrom < 0 ? node.children.length : literalsFrom, 0, node.children.length])];
  const given = missing(fault, faulty);
  for (const at of places) {
    for (const [summary, argument] of given) {
      yield change(summary, fault.path, (own) => withChildren(own, own.children.toSpliced(at, 0, argument)));
    }
  }
  for (const [summary, first] of given) {
    for (const [more, second] of given) {
      yield change(
        `${summary}, then ${more.toLowerCase()}`,
        fault.path,
        (own) => withChildren(own, own.children.toSpliced(places[0], 0, first, second)),
      );
    }
  }
}

/** For collections that are none, or differ in length. */
export function* items(fault: Fault, { program }: Faulty): Generator<Candidate> {
  const { call, path } = fault;
  if (call === undefined) return;
  if (call.row.name === "zip") {
    const shortest = Math.min(Number(fault.failure.expected), Number(fault.failure.actual));
    if (!Number.isSafeInteger(shortest)) return;
    const next = stage("slice", integers([0]), integers([shortest]));
    for (const i of [0, 1]) yield* onOperand(program, call, i, next, `Take the first ${shortest} items`);
    return;
  }
  const itself = (own: Expression): Expression | undefined => {
    const [f, ...others] = own.children;
    if (f === undefined || others.some(({ tag }) => tag === Tag.Lit)) return undefined;
    return others.length === 0 ? f : seq(others[0], f);
  };
  yield change("Apply the function to the one value", path, itself);
  yield change("Give the one value", path, () => stage("identity"));
}

/** A stage before the place that makes one value of a tuple; for ops that were given a pair. */
export function* joined({ path }: Fault, { program }: Faulty): Generator<Candidate> {
  const producer = producerOf(program, path);
  if (producer === undefined || nodeAtPath(program, producer).tag !== Tag.Par) return;
  yield change("Join the branches with concat", producer, (own) => seq(own, stage("concat")));
}
