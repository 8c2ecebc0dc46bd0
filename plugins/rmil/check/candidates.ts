/**
 * Candidates: for each kind of fault the changes that may mend it, likeliest first.
 *
 * Invariant: nothing here is known to mend; every candidate is tried by a check before it is offered (repair.ts).
 *
 * @module
 */
import { isFailure, nearest } from "../../../kernel/mod.ts";
import { app, cond, type Expression, lam, lit, ref, seq, Tag, withChildren } from "../expression.ts";
import { isOpName, nearestOps, opNamed, opOf, OPS } from "../opcodes.ts";
import { readAttribute } from "../ops/arguments.ts";
import type { AttributeRow } from "../ops/row.ts";
import type { Symbols } from "../symbols.ts";
import { nodeAtPath, placedNodes } from "../tools/ast_path.ts";
import type { Type } from "../types.ts";
import { bool, f32, i64, NIL, symbolValue, toBigInt, toFloat32, toFloat64, type Value } from "../value.ts";
import {
  asFloat,
  asInteger,
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
  withAttributes,
} from "./edits.ts";
import type { Fault } from "./fault.ts";
import { type Known, mayConform, type Scope, typeOfKnown } from "./known.ts";
import { attributeCandidates, givenAttributes, shapeCandidates } from "./shape_candidates.ts";

/** What candidates are made from. */
export interface Faulty {
  /** The program. */
  readonly program: Expression;
  /** Its names; names that candidates need are added. */
  readonly symbols: Symbols;
  /** Types of the inputs. */
  readonly inputs: { readonly [name: string]: Type };
}

type Propose = (fault: Fault, faulty: Faulty) => Iterable<Candidate>;

/** Most conditionals of a program whose branches are tried. */
const MAX_CONDITIONALS = 16;

/** Most names that are tried in one place. */
const MAX_NAMES_TRIED = 12;

interface Named {
  readonly sym: number;
  readonly name: string;
  readonly known: Known | undefined;
}

const namesIn = (scope: Scope | undefined, { symbols, inputs }: Faulty): ReadonlyArray<Named> => {
  const found = new Map<string, Named>();
  for (let at = scope; at !== undefined; at = at.outer) {
    const name = symbols.nameOf(at.sym) ?? "";
    if (!found.has(name)) found.set(name, { sym: at.sym, name, known: at.known });
  }
  for (const name of Object.keys(inputs)) {
    if (!found.has(name)) found.set(name, { sym: symbols.intern(name), name, known: undefined });
  }
  return [...found.values()];
};

/** Names at a place, those that nothing uses yet first: a missing argument is most often one of them. */
const likelyNames = (fault: Fault, faulty: Faulty): ReadonlyArray<Named> => {
  const used = new Set<number>();
  for (const { node } of placedNodes(faulty.program)) if (node.tag === Tag.Ref) used.add(node.code);
  const names = namesIn(fault.scope, faulty);
  return [...names.filter(({ sym }) => !used.has(sym)), ...names.filter(({ sym }) => used.has(sym))]
    .slice(0, MAX_NAMES_TRIED);
};

const shown = (name: string): string => isOpName(name) ? `$${name}` : name;

const parentOf = (path: string, member: string): string | undefined =>
  path.endsWith(member) ? path.slice(0, -member.length) : undefined;

const argumentOf = (path: string): { readonly path: string; readonly index: number } | undefined => {
  const found = /^(.*)\/args\/([0-9]+)$/u.exec(path);
  return found === null ? undefined : { path: found[1], index: Number(found[2]) };
};

/** Index of the first argument among the children. */
const argumentsFrom = (node: Expression): number => node.tag === Tag.Call ? 1 : 0;

/** The same literal of another kind. */
const converted = (node: Expression): ReadonlyArray<Expression> =>
  [asFloat(node), asInteger(node)].filter((made) => made !== undefined);

function* swaps(path: string, node: Expression): Generator<Candidate> {
  const from = argumentsFrom(node);
  const last = node.children.length;
  for (let i = from; i < last; i++) {
    for (let j = i + 1; j < last; j++) {
      yield change(
        `Swap arguments ${i - from + 1} and ${j - from + 1}`,
        path,
        (own) => withChildren(own, own.children.with(i, own.children[j]).with(j, own.children[i])),
      );
    }
  }
}

/** Each argument left out: one too many may have been taken for a learned parameter. */
function* leavingOut({ path }: Fault, { program }: Faulty): Generator<Candidate> {
  const node = nodeAtPath(program, path);
  if (node.tag !== Tag.App) return;
  for (let drop = 1; drop < node.children.length; drop++) {
    for (let from = node.children.length - drop; from >= 0; from--) {
      yield change(
        drop === 1 ? `Leave out argument ${from + 1}` : `Leave out arguments ${from + 1} to ${from + drop}`,
        path,
        (own) => withChildren(own, own.children.toSpliced(from, drop)),
      );
    }
  }
}

/** The stage left out, or the one before it: what is left when nothing fits between them. */
function* stagesLeftOut({ path }: Fault, { program }: Faulty): Generator<Candidate> {
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

function* shapes({ failure, call, path }: Fault, { program }: Faulty): Generator<Candidate> {
  if (call === undefined) return;
  const node = nodeAtPath(program, call.path);
  // Sizes that should divide or add up are mended where they are said; others by moving or mapping the operands.
  if (call.row.name === "reshape" || call.row.family === "Memory") yield* attributeCandidates(call, node);
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

function* operandKinds({ call, path }: Fault, { program }: Faulty): Generator<Candidate> {
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

const FILLERS: ReadonlyArray<readonly [summary: string, node: Expression]> = [
  ["Give the pipeline's input again", stage("identity")],
  ["Give 1.0", lit(f32(1))],
  ["Give 1", lit(i64(1))],
  ["Give true", lit(bool(true))],
];

/** Arguments that may be the missing ones. */
const missing = (fault: Fault, faulty: Faulty): ReadonlyArray<readonly [summary: string, node: Expression]> => [
  ...likelyNames(fault, faulty).map(({ name, sym }) => [`Give ${shown(name)}`, ref(sym)] as const),
  ...FILLERS,
];

function* operandsMissing(fault: Fault, faulty: Faulty): Generator<Candidate> {
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

function* unbound(fault: Fault, faulty: Faulty): Generator<Candidate> {
  const { program, symbols } = faulty;
  const node = nodeAtPath(program, fault.path);
  const wanted = String(fault.failure.suggestions[0] ?? symbols.nameOf(node.code) ?? "");
  const name = node.tag === Tag.Ref ? symbols.nameOf(node.code) ?? wanted : wanted;
  const names = namesIn(fault.scope, faulty);
  const near = nearest(name, names.map((each) => each.name), 3);
  for (const text of near) {
    const { sym } = names.find((each) => each.name === text)!;
    yield change(`Did you mean ${shown(text)}?`, fault.path, (own) => own.tag === Tag.Ref ? ref(sym) : undefined);
  }
  const called = parentOf(fault.path, "/func");
  for (const op of nearestOps(name, 3)) {
    const code = opNamed(op)!.code;
    if (called === undefined) {
      yield change(`Did you mean ${op}?`, fault.path, (own) => own.tag === Tag.Ref ? app(code) : undefined);
    } else yield change(`Did you mean ${op}?`, called, (own) => app(code, own.children.slice(1)));
  }
  for (const { sym, name: text } of likelyNames(fault, faulty)) {
    yield change(`Use ${shown(text)}`, fault.path, (own) => own.tag === Tag.Ref ? ref(sym) : undefined);
  }
}

const truthOf = ({ tag, value }: Expression): boolean | undefined => {
  if (tag !== Tag.Lit) return undefined;
  if (value.k === "I64") return toBigInt(value) !== 0n;
  return value.k === "F32" ? toFloat32(value) !== 0 : value.k === "F64" ? toFloat64(value) !== 0 : undefined;
};

function* predicates(fault: Fault, faulty: Faulty): Generator<Candidate> {
  const node = nodeAtPath(faulty.program, fault.path);
  const parent = parentOf(fault.path, "/pred");
  const truth = truthOf(node);
  if (truth !== undefined) yield change(`Write ${truth}`, fault.path, () => lit(bool(truth)));
  // A name's integer is true where it is not 0; comparing as terms says just that, for names and literals.
  if (parent !== undefined && node.tag === Tag.Ref && fault.input?.k === "Scalar" && fault.input.dtype === "i64") {
    yield change("Compare it with 0", parent, (own) => {
      const [, yes, no] = own.children;
      return own.tag === Tag.Cond ? cond(stage("subsume", lit(i64(0)), node), no, yes) : undefined;
    });
  }
  for (const { sym, name, known } of likelyNames(fault, faulty)) {
    if (known === undefined || known.k === "Scalar") {
      yield change(`Use ${shown(name)}`, fault.path, () => ref(sym));
    }
  }
  if (parent !== undefined) yield* rotated(parent);
}

/** The parts of a conditional in the other orders that keep the branches in theirs. */
function* rotated(path: string): Generator<Candidate> {
  for (const [first, second, third] of [[1, 0, 2], [2, 0, 1]] as const) {
    yield change(
      "Put the condition first",
      path,
      (own) => own.tag === Tag.Cond ? cond(own.children[first], own.children[second], own.children[third]) : undefined,
    );
  }
}

const branchChanges = (branch: Expression, other: Expression): ReadonlyArray<readonly [string, Expression]> => [
  ...converted(branch).map((made) => ["Write both branches in one kind", made] as const),
  ...branch.tag === Tag.Lit && branch.value.k === "Nil"
    ? [
      ["Give the input where there is nothing to give", stage("identity")] as const,
      ["Give 0.0 where there is nothing to give", lit(f32(0))] as const,
      ["Give 0 where there is nothing to give", lit(i64(0))] as const,
      ["Give the same in both branches", other] as const,
    ]
    : [],
  ["Cast the branch to f32", through(branch, CASTS.f32)],
  ["Cast the branch to f64", through(branch, CASTS.f64)],
  ["Join what the branch gives", through(branch, stage("concat"))],
];

function* branches(_: Fault, { program }: Faulty): Generator<Candidate> {
  const conditionals = [...placedNodes(program)].filter(({ node }) => node.tag === Tag.Cond).slice(0, MAX_CONDITIONALS);
  for (const { node, path } of conditionals) {
    const [, yes, no] = node.children;
    for (const [member, branch, other] of [["yes", yes, no], ["no", no, yes]] as const) {
      for (const [summary, made] of branchChanges(branch, other)) {
        yield change(summary, `${path}/${member}`, () => made);
      }
    }
  }
}

function* uncallable(fault: Fault, faulty: Faulty): Generator<Candidate> {
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

function* callArguments(fault: Fault, faulty: Faulty): Generator<Candidate> {
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

function* argumentTypes(fault: Fault, faulty: Faulty): Generator<Candidate> {
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

const wholeNear = (value: Value): number | undefined => {
  if (value.k === "I64") return Math.abs(Number(toBigInt(value)));
  const number = value.k === "F32" ? toFloat32(value) : value.k === "F64" ? toFloat64(value) : undefined;
  return number === undefined || !Number.isFinite(number) ? undefined : Math.abs(Math.round(number));
};

const realNear = (value: Value): number | undefined =>
  value.k === "I64" ? Number(toBigInt(value)) : value.k === "F32" ? toFloat32(value) : undefined;

const PERCENT = 100;

/** Values that an attribute may have been meant to have. */
const readings = ({ kind, choices = [] }: AttributeRow, value: Value, symbols: Symbols): ReadonlyArray<Value> => {
  const whole = wholeNear(value);
  const real = realNear(value);
  const name = value.k === "Sym" ? symbols.nameOf(value.sym) ?? "" : "";
  const named = (names: ReadonlyArray<string>) => names.map((text) => symbolValue(symbols.intern(text)));
  switch (kind) {
    case "size":
      return whole === undefined ? [] : [i64(Math.max(1, whole))];
    case "count":
    case "integer":
    case "axis":
    case "sizes":
      return whole === undefined ? [] : [i64(whole)];
    case "rate":
      return real === undefined ? [] : [f32(real / PERCENT), f32(Math.abs(real)), f32(Math.abs(real) / PERCENT)];
    case "flag":
      return whole === undefined ? [] : [bool(whole !== 0)];
    case "choice":
      return named([...nearest(name, choices, 1), ...choices]);
    case "dtype":
      return named([...nearest(name, ["f32", "f64", "i64", "f16", "bf16", "i32", "b1"], 1), "f32"]);
    default:
      return [];
  }
};

const isTaken = (
  row: Parameters<typeof readAttribute>[0],
  attribute: AttributeRow,
  value: Value,
  symbols: Symbols,
): boolean => {
  try {
    readAttribute(row, attribute, value, (sym) => symbols.nameOf(sym));
    return true;
  } catch (thrown) {
    if (isFailure(thrown)) return false;
    throw thrown;
  }
};

function* attributes(fault: Fault, { program, symbols }: Faulty): Generator<Candidate> {
  const node = nodeAtPath(program, fault.path);
  const row = node.tag === Tag.App ? opOf(node.code) : undefined;
  if (row === undefined) return;
  const known = row.attributes.map(({ name }) => name);
  for (const { name, value } of node.attributes.filter(({ name }) => !known.includes(name))) {
    const others = node.attributes.filter((given) => given.name !== name);
    const free = known.filter((own) => !others.some((given) => given.name === own));
    for (const text of nearest(name, free, 2)) {
      yield change(
        `Did you mean ${text}?`,
        fault.path,
        (own) => withAttributes(own, [...others, { name: text, value }]),
      );
    }
    yield change(`Leave out ${name}`, fault.path, (own) => withAttributes(own, others));
  }
  for (const given of givenAttributes(row, node)) {
    if (isTaken(row, given.attribute, given.value, symbols)) continue;
    for (const value of readings(given.attribute, given.value, symbols)) {
      yield change(`Take another ${given.attribute.name}`, fault.path, (own) => given.with(own, lit(value)));
    }
    yield change(`Leave out ${given.attribute.name}`, fault.path, (own) => given.without(own));
  }
}

function* items(fault: Fault, { program }: Faulty): Generator<Candidate> {
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
function* joined({ path }: Fault, { program }: Faulty): Generator<Candidate> {
  const producer = producerOf(program, path);
  if (producer === undefined || nodeAtPath(program, producer).tag !== Tag.Par) return;
  yield change("Join the branches with concat", producer, (own) => seq(own, stage("concat")));
}

const inOrder = (...all: ReadonlyArray<Propose>): Propose =>
  function* (fault, faulty) {
    for (const propose of all) yield* propose(fault, faulty);
  };

/** What may mend a fault, by its code. */
export const CANDIDATES: { readonly [code: string]: Propose } = {
  RMIL_LAST_AXIS: inOrder(shapes, stagesLeftOut),
  RMIL_SHAPE: inOrder(shapes, stagesLeftOut),
  RMIL_PARAMETER: inOrder(leavingOut, shapes),
  RMIL_OPERAND: inOrder(operandKinds, joined, leavingOut, stagesLeftOut),
  RMIL_OPERANDS: operandsMissing,
  RMIL_UNBOUND: unbound,
  RMIL_PREDICATE: predicates,
  RMIL_BRANCHES: branches,
  RMIL_NOT_CALLABLE: uncallable,
  RMIL_CALL: callArguments,
  RMIL_ARGUMENT_TYPE: argumentTypes,
  RMIL_ARGUMENTS: leavingOut,
  RMIL_ATTRIBUTE: attributes,
  RMIL_ITEMS: inOrder(items, leavingOut, stagesLeftOut),
};
