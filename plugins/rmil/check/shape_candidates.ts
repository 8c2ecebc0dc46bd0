/**
 * Shape candidates: changes that may make shapes fit: axes moved, sizes mapped, axes added and merged, attributes that
 * divide.
 *
 * Invariant: nothing here is known to mend; every candidate is tried by a check before it is offered.
 *
 * @module
 */
import { type Expression, lit, Tag, withChildren } from "../expression.ts";
import { positionalAttributes, readAttribute } from "../ops/arguments.ts";
import type { AttributeRow, OpRow } from "../ops/row.ts";
import { i64, type Value } from "../value.ts";
import type { JudgedCall } from "./apply.ts";
import {
  type Candidate,
  change,
  integers,
  onArgument,
  onOperand,
  producerOf,
  stage,
  through,
  withAttributes,
} from "./edits.ts";
import type { Known } from "./known.ts";

/** Most sizes that are tried for one attribute. */
const MAX_SIZES_TRIED = 6;

const count = (shape: ReadonlyArray<number>): number => shape.reduce((product, size) => product * size, 1);

/** Sizes of a tensor, where all are numbers. */
const sizesOf = (known: Known | undefined): ReadonlyArray<number> | undefined =>
  known?.k === "Tensor" && known.shape.every((size) => typeof size === "number")
    ? known.shape as ReadonlyArray<number>
    : undefined;

const rankOf = (known: Known | undefined): number => known?.k === "Tensor" ? known.shape.length : 0;

type Step = readonly [summary: string, next: Expression];

const transposed = (rank: number): ReadonlyArray<Step> => {
  const swapped = [...Array.from({ length: rank - 2 }, (_, axis) => axis), rank - 1, rank - 2];
  return rank < 2 ? [] : [
    ...rank > 2 ? [["Swap its last two axes", stage("transpose", integers(swapped))] as const] : [],
    ["Transpose it", stage("transpose")],
  ];
};

const reshaped = (shape: ReadonlyArray<number>): Step => [
  `Reshape it to [${shape.join(",")}]`,
  stage("reshape", integers(shape)),
];

/** Shapes of the same elements over another number of axes. */
const ofRank = (shape: ReadonlyArray<number>, rank: number): ReadonlyArray<ReadonlyArray<number>> => {
  const more = rank - shape.length;
  if (more === 0) return [];
  if (more > 0) {
    const ones = Array.from({ length: more }, () => 1);
    const [first, ...others] = shape;
    return [[...ones, ...shape], [...shape, ...ones], [first, ...ones, ...others]];
  }
  const kept = rank - 1;
  return [
    [...shape.slice(0, kept), count(shape.slice(kept))],
    [count(shape.slice(0, shape.length - kept)), ...shape.slice(shape.length - kept)],
  ];
};

const patternRank = (pattern: string): { readonly rank: number; readonly least: boolean } => {
  const names = pattern.slice(1, -1).split(",").map((name) => name.trim());
  return { rank: names.filter((name) => name !== "...").length, least: names.includes("...") };
};

const rankSteps = (shape: ReadonlyArray<number>, pattern: string | undefined): ReadonlyArray<Step> => {
  if (pattern === undefined) return [];
  const { rank, least } = patternRank(pattern);
  return least && shape.length >= rank ? [] : ofRank(shape, rank).map(reshaped);
};

/** Shapes with one axis more, of one element. */
const unsqueezed = (shape: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<number>> =>
  Array.from({ length: shape.length + 1 }, (_, at) => shape.toSpliced(shape.length - at, 0, 1));

const towards = (shape: ReadonlyArray<number>, partner: ReadonlyArray<number>): ReadonlyArray<Step> => [
  ...count(shape) === count(partner) && shape.join() !== partner.join() ? [reshaped(partner)] : [],
  ...shape.length < partner.length ? unsqueezed(shape).map(reshaped) : [],
];

const mapped = (width: unknown): ReadonlyArray<Step> =>
  typeof width === "number" && width > 0
    ? [[`Insert linear(${width}) before it`, stage("linear", lit(i64(width)))]]
    : [];

/** What a value may be sent through to fit beside others, in the order in which whole levels are tried. */
const stepsFor = (
  known: Known,
  pattern: string | undefined,
  partners: ReadonlyArray<Known | undefined>,
  expected: unknown,
): ReadonlyArray<ReadonlyArray<Step>> => {
  const shape = sizesOf(known);
  const others = partners.flatMap((partner) => sizesOf(partner) ?? []);
  const widths = [expected, ...partners.map((partner) => partner?.k === "Tensor" ? partner.shape.at(-1) : undefined)];
  const rank = rankOf(known);
  const sizes = [...new Set([...widths, ...others])];
  const beside = shape === undefined ? [] : partners.flatMap((partner) => {
    const other = sizesOf(partner);
    return other === undefined ? [] : towards(shape, other);
  });
  const isShort = partners.some((partner) => rankOf(partner) > rank);
  return [
    isShort ? beside : [],
    transposed(rank),
    shape === undefined ? [] : rankSteps(shape, pattern),
    rank === 0 ? [] : sizes.slice(0, MAX_SIZES_TRIED).flatMap(mapped),
    isShort ? [] : beside,
  ];
};

/** A value that may be changed: where candidates for it are made, and what it may be sent through, by level. */
interface Changeable {
  readonly levels: ReadonlyArray<ReadonlyArray<Step>>;
  readonly through: (step: Step) => ReadonlyArray<Candidate>;
}

const changeables = (program: Expression, call: JudgedCall, expected: unknown): ReadonlyArray<Changeable> => {
  const { operands, rest, given, row, path, places } = call;
  const all = [...operands, ...rest, ...given.values()];
  const without = (own: Known): ReadonlyArray<Known | undefined> => all.filter((known) => known !== own);
  const producer = producerOf(program, path);
  return [
    ...operands.flatMap((known, i): ReadonlyArray<Changeable> =>
      known === undefined ? [] : [{
        levels: stepsFor(known, row.operands[i].shape, without(known), expected),
        through: ([summary, next]) => onOperand(program, call, i, next, summary),
      }]
    ),
    ...rest.map((known, i): Changeable => ({
      levels: stepsFor(known, undefined, without(known), expected),
      through: ([summary, next]) => [
        onArgument(path, places.length + i, next, summary),
        ...producer === undefined || i > 1
          ? []
          : [change(summary, `${producer}/${i === 0 ? "a" : "b"}`, (node) => through(node, next))],
      ],
    })),
    ...[...given.values()].map((known, i): Changeable => ({
      levels: stepsFor(known, undefined, [], undefined),
      through: ([summary, next]) => [onArgument(path, row.operands.length + i, next, summary)],
    })),
  ];
};

/** Changes of one operand or another that may make the shapes of an application fit. */
export const shapeCandidates = (
  program: Expression,
  call: JudgedCall,
  expected: unknown,
): ReadonlyArray<Candidate> => {
  const found = changeables(program, call, expected);
  const levels = Math.max(0, ...found.map((each) => each.levels.length));
  // Within a level, one step of every operand, then the next: that both sides are tried matters more than which first.
  return Array.from({ length: levels }, (_, level) => {
    const longest = Math.max(...found.map((each) => each.levels[level].length));
    return Array.from(
      { length: longest },
      (_, at) =>
        found.flatMap(({ levels, through }) => levels[level][at] === undefined ? [] : through(levels[level][at])),
    );
  }).flat(2);
};

const divisorsNear = (sizes: ReadonlyArray<number>, wanted: number): ReadonlyArray<number> => {
  const found = new Set<number>();
  for (const size of sizes) {
    for (let divisor = 1; divisor * divisor <= size && divisor <= 4096; divisor++) {
      if (size % divisor === 0) found.add(divisor).add(size / divisor);
    }
  }
  return [...found].filter((size) => size !== wanted)
    .sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted) || b - a).slice(0, MAX_SIZES_TRIED);
};

const axesNear = (rank: number, wanted: number): ReadonlyArray<number> =>
  Array.from({ length: rank }, (_, axis) => wanted < 0 ? -1 - axis : axis)
    .sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted)).slice(0, MAX_SIZES_TRIED);

const isOpenSize = (size: number): boolean => size === -1;

/** Other lists of sizes: one of them left to follow from the others, or in order as axes are. */
const listsNear = (row: OpRow, sizes: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<number>> =>
  row.name === "reshape"
    ? [
      ...sizes.map((_, at) => sizes.map((size, i) => i === at ? -1 : isOpenSize(size) ? 1 : size)).reverse(),
      [...sizes, -1],
      [-1],
    ]
    : [sizes.slice(0, -1), sizes.slice(0, 2), [1]].filter((list) => list.length > 0 && list.length !== sizes.length);

const valuesNear = (call: JudgedCall, { kind }: AttributeRow, value: unknown): ReadonlyArray<Expression> => {
  const ranks = call.operands.map(rankOf);
  const sizes = call.operands.flatMap((known) => sizesOf(known) ?? []);
  if (kind === "axis" && typeof value === "number") {
    return axesNear(Math.max(...ranks), value).map((axis) => integers([axis]));
  }
  if (kind === "sizes") {
    const list = typeof value === "number" ? [value] : value as ReadonlyArray<number>;
    return listsNear(call.row, list).map(integers);
  }
  return (kind === "size" || kind === "count") && typeof value === "number"
    ? divisorsNear(sizes, value).map((size) => integers([size]))
    : [];
};

/** An attribute of an application, as it was given. */
export interface GivenAttribute {
  /** Its row. */
  readonly attribute: AttributeRow;
  /** Its value. */
  readonly value: Value;
  /** The application with another value for it. */
  readonly with: (node: Expression, value: Expression) => Expression;
  /** The application without it. */
  readonly without: (node: Expression) => Expression;
}

/** Attributes of an application, by name or by position. */
export const givenAttributes = (row: OpRow, node: Expression): ReadonlyArray<GivenAttribute> => {
  const { first, attributes } = positionalAttributes(row, node);
  const named = node.attributes.flatMap(({ name, value }): ReadonlyArray<GivenAttribute> => {
    const attribute = row.attributes.find((known) => known.name === name);
    const others = node.attributes.filter((given) => given.name !== name);
    return attribute === undefined ? [] : [{
      attribute,
      value,
      with: (own, by) => withAttributes(own, [...others, { name, value: by.value }]),
      without: (own) => withAttributes(own, others),
    }];
  });
  const positional = node.children.slice(first).flatMap((child, i): ReadonlyArray<GivenAttribute> =>
    attributes[i] === undefined || child.tag !== Tag.Lit ? [] : [{
      attribute: attributes[i],
      value: child.value,
      with: (own, by) => withChildren(own, own.children.with(first + i, by)),
      without: (own) => withChildren(own, own.children.toSpliced(first + i, 1)),
    }]
  );
  return [...named, ...positional];
};

/** Other values for sizes that have to divide others: heads, groups. */
export const divisorCandidates = (call: JudgedCall, node: Expression): ReadonlyArray<Candidate> =>
  givenAttributes(call.row, node).filter(({ attribute: { name, kind } }) => kind === "size" && name !== "width")
    .flatMap((given) => otherValues(call, given));

const otherValues = (call: JudgedCall, given: GivenAttribute): ReadonlyArray<Candidate> => {
  const { attribute } = given;
  const value = readAttribute(call.row, attribute, given.value, call.judge.nameOf);
  return valuesNear(call, attribute, value).map((by) =>
    change(`Take another number for ${attribute.name}`, call.path, (own) => given.with(own, by))
  );
};

/** Changes of an application's attributes that may make the shapes fit. */
export const attributeCandidates = (call: JudgedCall, node: Expression): ReadonlyArray<Candidate> =>
  givenAttributes(call.row, node).flatMap((given): ReadonlyArray<Candidate> => [
    ...otherValues(call, given),
    change(`Leave out ${given.attribute.name}`, call.path, (own) => given.without(own)),
  ]);
