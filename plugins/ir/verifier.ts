/**
 * Verifier: everything that is wrong or odd about a program, in one report, also of data that no check has seen.
 *
 * Not the gate (check.ts refuses at the first fault) and not a judge of meaning (evaluate.ts).
 * Invariant: total: any data gets a report; a report without errors is given to what `makeProgram` accepts and to nothing
 * else, as far as data has the form of functions at all. After a fault a node counts as what it declares, so one fault is
 * reported once.
 *
 * What the original's codes ask is answered by: arity IR_OPERANDS; operand types IR_DTYPE; shapes, windows, slices and
 * reshapes IR_SHAPE; axes, strides and other attributes IR_ATTRIBUTE; order, dangling and doubled definitions IR_REFERENCE;
 * declared types IR_RESULT; recursion IR_RECURSION; loops IR_UNBOUNDED_LOOP and IR_ENDLESS_LOOP; no result IR_NO_RESULT.
 * Allocation and release are no operations of this IR: values end after their last use, and IR_MEMORY bounds their sum.
 *
 * @module
 */
import type { Fix } from "../../kernel/failure.ts";
import { innerSizes, makeProgram, MAX_FUNCTIONS, MAX_NODES, parameterSizes } from "./check.ts";
import { isControl } from "./control.ts";
import { costOf } from "./cost.ts";
import type { IrFunction, Node, Program } from "./graph.ts";
import { inferNode } from "./infer.ts";
import { isPrimitive, primitiveOf } from "./primitives.ts";
import { DimensionSolver } from "./solver.ts";
import { MAX_PROGRAM_TEXT, printFunctions, type UncheckedProgram } from "./text.ts";
import { printTypes, sameType, type TensorType } from "./types.ts";
import { findFixes, type Repair } from "./verifier/fixes.ts";
import { type Diagnostic, Findings, isObject, RANK, type Severity, shortText } from "./verifier/findings.ts";
import { notesOf } from "./verifier/notes.ts";
import { type Checkable, type CheckableFunction, Reader } from "./verifier/reader.ts";

export {
  type Diagnostic,
  MAX_DIAGNOSTICS,
  type ObservationCode,
  OBSERVATIONS,
  type Severity,
} from "./verifier/findings.ts";

/** What is found about a program. */
export interface VerifyReport {
  /** Whether there are no errors. */
  readonly ok: boolean;
  /** Errors found. */
  readonly errors: number;
  /** Warnings found. */
  readonly warnings: number;
  /** Notes found. */
  readonly notes: number;
  /** The findings, errors first, at most {@link MAX_DIAGNOSTICS}. */
  readonly diagnostics: ReadonlyArray<Diagnostic>;
}

/** What a verification looks at besides the program. */
export interface VerifyOptions {
  /** Most bytes of live tensors; more is an error. */
  readonly maxBytes?: number;
  /** Sizes by name, for the memory bound. */
  readonly sizes?: { readonly [name: string]: number };
  /** Least severity that is reported; default note. */
  readonly from?: Severity;
}

/** Names of functions that run themselves through others, each circle once. */
const circles = (functions: ReadonlyMap<string, CheckableFunction>): ReadonlyArray<ReadonlyArray<string>> => {
  const done = new Set<string>();
  const found: Array<ReadonlyArray<string>> = [];
  for (const start of functions.keys()) {
    // An explicit stack: data may nest deeper than calls can.
    const trail: Array<{ readonly name: string; readonly rest: string[] }> = [];
    const enter = (name: string): void => {
      const fn = functions.get(name)!;
      const callees = [...new Set(fn.nodes.flatMap((checkable) => checkable?.node.functions ?? []))];
      trail.push({ name, rest: callees.filter((callee) => functions.has(callee)) });
    };
    if (done.has(start)) continue;
    enter(start);
    const onTrail = new Set([start]);
    while (trail.length > 0) {
      const top = trail[trail.length - 1];
      const next = top.rest.pop();
      if (next === undefined) {
        done.add(top.name);
        onTrail.delete(top.name);
        trail.pop();
      } else if (onTrail.has(next)) {
        const names = trail.map(({ name }) => name);
        found.push([...names.slice(names.indexOf(next)), next]);
      } else if (!done.has(next)) {
        enter(next);
        onTrail.add(next);
      }
    }
  }
  return found;
};

/** Checks functions one by one, callees as they declare themselves. */
class Verifier {
  /** Functions in a form that inference takes, as far as they are known. */
  private readonly declared = new Map<string, IrFunction>();

  constructor(
    private readonly functions: ReadonlyMap<string, CheckableFunction>,
    private readonly circular: ReadonlySet<string>,
    private readonly findings: Findings,
    private readonly repairs: (repair: Repair) => Fix | undefined,
  ) {
    for (const [name, fn] of functions) {
      const values = fn.parameters.length +
        fn.nodes.reduce((sum, checkable) => sum + (checkable?.node.results.length ?? 0), 0);
      const returns = fn.returns.every((value) => Number.isInteger(value) && value >= 0 && value < values);
      if (fn.sound && returns) this.declared.set(name, { ...fn, nodes: fn.nodes.map((checkable) => checkable!.node) });
    }
  }

  /** The function's nodes and sizes. */
  check(fn: CheckableFunction): void {
    const at = `/functions/${fn.name}`;
    const before = this.findings.counts.error;
    const solver = this.findings.attempt(at, () => new DimensionSolver(fn.constraints)) ?? new DimensionSolver();
    const types: Array<TensorType | undefined> = fn.parameters.map(({ type }) => type);
    for (const checkable of fn.nodes) {
      if (checkable === undefined) continue;
      this.node(fn, checkable, types, solver);
      types.push(...checkable.node.results);
    }
    fn.returns.forEach((value, i) => {
      if (fn.sound && !(Number.isInteger(value) && value >= 0 && value < types.length)) {
        this.dangling(value, `the return of @${fn.name}`, `${at}/returns/${i}`, types.length);
      }
    });
    // Which sizes a node mentions is known only of nodes that are right.
    if (fn.sound && this.findings.counts.error === before) this.sizes(fn, at);
  }

  private dangling(value: number, by: string, path: string, count: number): void {
    const message = `Cannot use %${value} in ${by}: it is not defined before that point`;
    const expected = count === 0 ? "no value is" : `%0 … %${count - 1}`;
    this.findings.add({ severity: "error", code: "IR_REFERENCE", path, message, expected, actual: `%${value}` });
  }

  private node(
    fn: CheckableFunction,
    { node, sound, path }: Checkable,
    types: ReadonlyArray<TensorType | undefined>,
    solver: DimensionSolver,
  ): void {
    const isDefined = (operand: number) => Number.isInteger(operand) && operand >= 0 && operand < types.length;
    // Where a node could not be read, values are not numbered as they were meant to be.
    const dangling = fn.nodes.includes(undefined) ? [] : node.operands.filter((operand) => !isDefined(operand));
    dangling.forEach((operand) => this.dangling(operand, node.op, path, types.length));
    const unknown = node.functions.filter((name) => !this.functions.has(name));
    unknown.forEach((name) => {
      this.findings.add({
        severity: "error",
        code: "IR_UNKNOWN_FUNCTION",
        path,
        message: `Cannot find function @${name}: the program does not define it`,
        actual: name,
        ...this.fixed({ kind: "function", function: fn.name, path, name, known: [...this.functions.keys()] }),
      });
    });
    const isKnown = isControl(node.op) || isPrimitive(node.op);
    if (!isKnown) {
      const fix = () => this.repairs({ kind: "op", function: fn.name, path, op: node.op });
      this.findings.attempt(path, () => primitiveOf(node.op), fix);
    }
    const operands = node.operands.map((operand) => types[operand]);
    const functions = node.functions.map((name) => this.circular.has(name) ? undefined : this.declared.get(name));
    // What is known to be wrong already is not judged again by what follows from it.
    const judged = isKnown && sound && !fn.nodes.includes(undefined) && dangling.length === 0 && unknown.length === 0 &&
      operands.every((type) => type !== undefined) && functions.every((known) => known !== undefined);
    if (!judged) return;
    this.typed(fn, node, path, operands, functions, solver);
  }

  private fixed(repair: Repair): { readonly fix?: Fix } {
    const fix = this.repairs(repair);
    return fix === undefined ? {} : { fix };
  }

  private typed(
    fn: CheckableFunction,
    node: Node,
    path: string,
    types: ReadonlyArray<TensorType>,
    functions: ReadonlyArray<IrFunction>,
    solver: DimensionSolver,
  ): void {
    const { op, attributes } = node;
    const inferred = this.findings.attempt(path, () => inferNode({ op, types, attributes, functions }, solver));
    if (inferred === undefined) return;
    const { results } = inferred;
    const agrees = node.results.length === results.length &&
      node.results.every((type, i) =>
        sameType(type, results[i]) ||
        (type.dtype === results[i].dtype && solver.equalShapes(type.shape, results[i].shape))
      );
    if (agrees) return;
    const [declared, expected] = [printTypes(node.results), printTypes(results)];
    this.findings.add({
      severity: "error",
      code: "IR_RESULT",
      path,
      message: `Cannot accept ${op}: it is declared ${declared}, and its operands give ${expected}`,
      expected,
      actual: declared,
      ...this.fixed({ kind: "result", function: fn.name, path, results }),
    });
  }

  /** Sizes that nothing determines, or that are named twice. */
  private sizes(fn: CheckableFunction, at: string): void {
    const found = this.findings.attempt(at, () => {
      const known = parameterSizes(fn);
      const nodes = fn.nodes.map((checkable) => checkable!.node);
      return innerSizes({ nodes, constraints: fn.constraints }).filter((name) =>
        !known.has(name) && !fn.sizes.includes(name)
      );
    });
    for (const name of found ?? []) {
      this.findings.add({
        severity: "error",
        code: "IR_DIMENSION",
        path: at,
        message:
          `Cannot use dimension ${name}: no parameter of @${fn.name} mentions it; add it to the function's sizes`,
        actual: name,
        ...this.fixed({ kind: "size", function: fn.name, path: at, name }),
      });
    }
  }
}

/** Whether data is functions in a form that can be printed and mended. */
const asUnchecked = (
  entry: unknown,
  functions: ReadonlyArray<CheckableFunction | undefined>,
): UncheckedProgram | undefined =>
  typeof entry === "string" && functions.every((fn) => fn?.sound === true)
    ? { entry, functions: functions.map((fn) => ({ ...fn!, nodes: fn!.nodes.map((checkable) => checkable!.node) })) }
    : undefined;

const MAX_PATCH_TEXT: number = 2 ** 16;

/** Mended programs as fixes, as long as their text is short. */
const fixesOf = (unchecked: UncheckedProgram | undefined) => (repair: Repair): Fix | undefined => {
  const mended = unchecked === undefined ? undefined : findFixes(unchecked, repair);
  if (mended === undefined) return undefined;
  const text = printFunctions(mended.program);
  return text.length > Math.min(MAX_PATCH_TEXT, MAX_PROGRAM_TEXT)
    ? { summary: mended.summary }
    : { summary: mended.summary, patch: [{ op: "replace", path: "/program", value: text }] };
};

const unique = (
  functions: ReadonlyArray<CheckableFunction | undefined>,
  findings: Findings,
): ReadonlyMap<string, CheckableFunction> => {
  const byName = new Map<string, CheckableFunction>();
  for (const fn of functions) {
    if (fn === undefined) continue;
    if (byName.has(fn.name)) {
      const message = `Cannot use @${fn.name} in a second definition: it is defined before`;
      findings.add({
        severity: "error",
        code: "IR_REFERENCE",
        path: `/functions/${fn.name}`,
        message,
        actual: fn.name,
      });
    } else byName.set(fn.name, fn);
  }
  return byName;
};

/** Limits of the whole, and functions in a circle. */
const checkWhole = (
  functions: ReadonlyMap<string, CheckableFunction>,
  entry: unknown,
  findings: Findings,
  fixes: (repair: Repair) => Fix | undefined,
  unread: boolean,
): ReadonlySet<string> => {
  const nodes = [...functions.values()].reduce((count, fn) => count + fn.nodes.length, 0);
  for (
    const [limit, found, what] of [[MAX_FUNCTIONS, functions.size, "functions"], [MAX_NODES, nodes, "nodes"]] as const
  ) {
    if (found <= limit) continue;
    const message = `Cannot accept a program: ${found} ${what} exceeds the limit of ${limit}`;
    findings.add({ severity: "error", code: "IR_LIMIT", path: "", message, expected: limit, actual: found });
  }
  if (!unread && (typeof entry !== "string" || !functions.has(entry))) {
    const name = typeof entry === "string" ? entry : shortText(entry);
    const fix = fixes({ kind: "entry", function: "", path: "/entry", name, known: [...functions.keys()] });
    findings.add({
      severity: "error",
      code: "IR_UNKNOWN_FUNCTION",
      path: "/entry",
      message: `Cannot find function @${name}: the program does not define it`,
      actual: name,
      ...(fix === undefined ? {} : { fix }),
    });
  }
  const found = circles(functions);
  for (const cycle of found) {
    const names = cycle.map((name) => `@${name}`).join(" -> ");
    findings.add({
      severity: "error",
      code: "IR_RECURSION",
      path: `/functions/${cycle[0]}`,
      message: `Cannot accept the program: functions call in a circle (${names})`,
      fix: { summary: "Write the loop with while or scan" },
    });
  }
  return new Set(found.flat());
};

const memoryFinding = (program: Program, { maxBytes, sizes }: VerifyOptions, findings: Findings): void => {
  if (maxBytes === undefined) return;
  const peakBytes = findings.attempt(`/functions/${program.entry}`, () => costOf(program, sizes))?.peakBytes;
  if (peakBytes === undefined || peakBytes <= maxBytes) return;
  findings.add({
    severity: "error",
    code: "IR_MEMORY",
    path: `/functions/${program.entry}`,
    message: `Cannot accept the program: ${peakBytes} bytes would be live, and the limit is ${maxBytes}`,
    expected: maxBytes,
    actual: peakBytes,
  });
};

/** What a report is asked of: functions in a list, or a program. */
export interface Verifiable {
  /** The function that running runs. */
  readonly entry: unknown;
  /** Functions, in a list or by name. */
  readonly functions: unknown;
}

/**
 * Reports everything that is wrong or odd about a program.
 *
 * @example
 * ```ts
 * import { verify } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const report = verify({ entry: "main", functions: [{ name: "main", nodes: 3 }] });
 * assert.equal(report.ok, false);
 * ```
 */
export const verify = (given: Verifiable, options: VerifyOptions = {}): VerifyReport => {
  const findings = new Findings(RANK[options.from ?? "note"]);
  const reader = new Reader(findings);
  const data = isObject(given) ? given : { entry: undefined, functions: undefined };
  const listed = data.functions instanceof Map ? [...data.functions.values()] : data.functions;
  if (!Array.isArray(listed)) findings.malformed("/functions", "functions", "a list", listed);
  const read = Array.from(Array.isArray(listed) ? listed : []).map((fn, i) => reader.function(fn, `/functions/${i}`));
  const functions = unique(read, findings);
  const unchecked = asUnchecked(data.entry, read);
  const fixes = fixesOf(unchecked);
  const circular = checkWhole(functions, data.entry, findings, fixes, read.includes(undefined));
  const verifier = new Verifier(functions, circular, findings, fixes);
  for (const fn of functions.values()) verifier.check(fn);
  if (findings.counts.error === 0 && unchecked !== undefined) {
    const program = findings.attempt("", () => makeProgram(unchecked.functions, unchecked.entry));
    if (program !== undefined) {
      memoryFinding(program, options, findings);
      notesOf(program, (code, path, message) => findings.observe(code, path, message));
    }
  }
  const { error, warning, note } = findings.counts;
  return {
    ok: error === 0,
    errors: error,
    warnings: warning,
    notes: note,
    diagnostics: findings.list.toSorted((a, b) => RANK[a.severity] - RANK[b.severity]),
  };
};
