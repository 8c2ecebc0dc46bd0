/**
 * Call candidates: changes that may make a call fit its function.
 *
 * Invariant: nothing here is known to mend; every candidate is tried by a check before it is offered (repair.ts).
 *
 * @module
 */
import { type Expression, lam, ref, seq, Tag, withChildren } from "../expression.ts";
import { nodeAtPath, placedNodes } from "../tools/ast_path.ts";
import type { Type } from "../types.ts";
import { converted, type Faulty, likelyNames, MAX_NAMES_TRIED, missing, parentOf, shown, swaps } from "./candidate.ts";
import { type Candidate, CASTS, change, forArgument, integers, onArgument, stage } from "./edits.ts";
import type { Fault } from "./fault.ts";
import { mayConform, typeOfKnown } from "./known.ts";

const argumentOf = (path: string): { readonly path: string; readonly index: number } | undefined => {
  const found = /^(.*)\/args\/([0-9]+)$/u.exec(path);
  return found === null ? undefined : { path: found[1], index: Number(found[2]) };
};

/** For what is called and is no function. */
export function* uncallable(fault: Fault, faulty: Faulty): Generator<Candidate> {
  const called = parentOf(fault.path, "/func");
  for (const { sym, name, known } of likelyNames(fault, faulty)) {
    if (known?.k === "Function") yield change(`Use ${shown(name)}`, fault.path, () => ref(sym));
  }
  if (called !== undefined) {
    yield change("Leave out the call", called, (own) => own.tag === Tag.Call ? own.children[0] : undefined);
    return;
  }
  yield change("Hand over identity", fault.path, () => stage("identity"));
}

/** For calls with too many or too few arguments. */
export function* callArguments(fault: Fault, faulty: Faulty): Generator<Candidate> {
  const node = nodeAtPath(faulty.program, fault.path);
  const [takes, given] = [Number(fault.failure.expected), Number(fault.failure.actual)];
  if (node.tag !== Tag.Call) return;
  if (given > takes) {
    const extra = given - takes;
    yield change(
      `Leave out ${extra === 1 ? "the last argument" : `the last ${extra} arguments`}`,
      fault.path,
      (own) => withChildren(own, own.children.slice(0, own.children.length - extra)),
    );
    for (let i = 1; extra === 1 && i < node.children.length - 1; i++) {
      yield change(`Leave out argument ${i}`, fault.path, (own) => withChildren(own, own.children.toSpliced(i, 1)));
    }
    return;
  }
  const fillers = missing(fault, faulty);
  for (const [summary, argument] of fillers) {
    const added = Array.from({ length: takes - given }, () => argument);
    yield change(summary, fault.path, (own) => withChildren(own, [...own.children, ...added]));
  }
  for (const [summary, argument] of fillers.slice(0, MAX_NAMES_TRIED)) {
    yield change(summary, fault.path, (own) => withChildren(own, own.children.toSpliced(1, 0, argument)));
  }
}

/** Lambdas whose parameter may be the one that refused, with the type that would take what was given. */
function* widened({ input, wanted }: Fault, { program }: Faulty): Generator<Candidate> {
  if (input === undefined || wanted === undefined) return;
  const type = typeOfKnown(input);
  for (const { node, path } of placedNodes(program)) {
    if (node.tag !== Tag.Lam) continue;
    const at = node.parameters.findIndex((parameter) => parameter.type === wanted);
    if (at < 0) continue;
    yield change(
      "Annotate the parameter with the type that it gets",
      path,
      (own) => lam(own.parameters.with(at, { ...own.parameters[at], type }), own.children[0]),
    );
  }
}

const dtypeOf = (type: Type | undefined): string | undefined =>
  type?.k === "Scalar" || type?.k === "Tensor" ? type.dtype : undefined;

/** For arguments of a type that the parameter is not annotated with. */
export function* argumentTypes(fault: Fault, faulty: Faulty): Generator<Candidate> {
  const { program } = faulty;
  const place = argumentOf(fault.path);
  const owner = place === undefined ? undefined : nodeAtPath(program, place.path);
  if (place !== undefined && owner?.tag === Tag.Call) {
    const at = place.index + 1;
    const own = owner.children[at];
    for (const made of own === undefined ? [] : converted(own)) {
      yield forArgument(place.path, at, () => made, `Write it as ${dtypeOf(fault.wanted) ?? "the type annotated"}`);
    }
    yield* swaps(place.path, owner);
    for (const { sym, name, known } of likelyNames(fault, faulty)) {
      if (known === undefined || fault.wanted === undefined || !mayConform(known, fault.wanted)) continue;
      yield forArgument(place.path, at, () => ref(sym), `Give ${shown(name)}`);
    }
    for (const [summary, next] of argumentSteps(fault)) yield onArgument(place.path, at, next, summary);
  } else if (place !== undefined) {
    for (const [summary, next] of argumentSteps(fault)) {
      yield change(summary, place.path, (own) => seq(next, own));
    }
  }
  yield* widened(fault, faulty);
}

/** Stages from what was given to what the annotation asks for. */
const argumentSteps = ({ input, wanted }: Fault): ReadonlyArray<readonly [string, Expression]> => {
  const dtype = dtypeOf(wanted);
  const casts: ReadonlyArray<readonly [string, Expression]> = dtype === "f32" || dtype === "f64"
    ? [[`Cast it to ${dtype}`, CASTS[dtype]]]
    : [];
  if (wanted?.k !== "Tensor" || input?.k !== "Tensor") return casts;
  const shape = wanted.shape.filter((size) => typeof size === "number");
  const last = wanted.shape.at(-1);
  return [
    ...casts,
    ["Transpose it", stage("transpose")],
    ...shape.length === wanted.shape.length && shape.length > 0
      ? [[`Reshape it to [${shape.join(",")}]`, stage("reshape", integers(shape))] as const]
      : [],
    ...typeof last === "number" && last > 0
      ? [[`Insert linear(${last}) before it`, stage("linear", integers([last]))] as const]
      : [],
  ];
};
