/**
 * Branch candidates: changes that may make a condition one boolean, and its branches of one kind.
 *
 * Invariant: nothing here is known to mend; every candidate is tried by a check before it is offered (repair.ts).
 *
 * @module
 */
import { cond, type Expression, lit, ref, Tag } from "../expression.ts";
import { nodeAtPath, placedNodes } from "../tools/ast_path.ts";
import { bool, f32, i64, toBigInt, toFloat32, toFloat64 } from "../value.ts";
import { converted, type Faulty, likelyNames, parentOf, shown } from "./candidate.ts";
import { type Candidate, CASTS, change, stage, through } from "./edits.ts";
import type { Fault } from "./fault.ts";

/** Most conditionals of a program whose branches are tried. */
const MAX_CONDITIONALS = 16;

const truthOf = ({ tag, value }: Expression): boolean | undefined => {
  if (tag !== Tag.Lit) return undefined;
  if (value.k === "I64") return toBigInt(value) !== 0n;
  return value.k === "F32" ? toFloat32(value) !== 0 : value.k === "F64" ? toFloat64(value) !== 0 : undefined;
};

/** For conditions that are no boolean. */
export function* predicates(fault: Fault, faulty: Faulty): Generator<Candidate> {
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

/** For branches of different kinds. */
export function* branches(_: Fault, { program }: Faulty): Generator<Candidate> {
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
