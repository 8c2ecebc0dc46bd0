/**
 * Curly: prints the statements of kernels in a curly language.
 *
 * Not the languages (language.ts, c_family.ts, rust.ts) and not whole programs.
 * Invariant: an expression is evaluated once a block: what is used twice has a name; what a guard does not choose is not
 * evaluated.
 *
 * @module
 */
import {
  type Affine,
  axisText,
  type Bound,
  type Contraction,
  type Expression,
  FOLD_OPERATION,
  type Form,
  lookUp,
  lowestOf,
  type Statement,
} from "./form.ts";
import type { Helper, Language } from "./language.ts";

const INDENT = "  ";

/** How often each expression is used within one statement. */
const usesWithin = (roots: ReadonlyArray<Expression>): ReadonlyMap<number, number> => {
  const uses = new Map<number, number>();
  const inIndex = (index: Affine): void => {
    for (const { atom } of index.terms) {
      if (atom.kind === "value") visit(atom.value as Expression);
      else if (atom.kind !== "axis") inIndex(atom.of);
    }
  };
  const visit = (of: Expression): void => {
    const before = uses.get(of.id) ?? 0;
    uses.set(of.id, before + 1);
    if (before > 0) return;
    if (of.kind === "apply") of.arguments.forEach(visit);
    else if (of.kind === "guard") [of.condition, of.then, of.otherwise].forEach(visit);
    else if (of.kind === "load" || of.kind === "index") inIndex(of.index);
  };
  roots.forEach(visit);
  return uses;
};

/** Prints the body of one kernel. */
export class CurlyBody {
  private readonly lines: string[] = [];
  private depth: number;
  private bound: Bound<number> = { names: new Map() };
  private uses: ReadonlyMap<number, number> = new Map();
  private next = 0;
  /** Helpers that the text calls, by name. */
  readonly helpers = new Map<string, Helper>();

  /** Begins at a depth of indentation. */
  constructor(private readonly language: Language, private readonly form: Form, depth: number) {
    this.depth = depth;
  }

  /** What has been printed. */
  get text(): string {
    return this.lines.join("\n");
  }

  /** Adds a line. */
  line(text: string): void {
    this.lines.push(INDENT.repeat(this.depth) + text);
  }

  /** Text of an operation, its helpers kept. */
  private spelled({ text, helpers }: { readonly text: string; readonly helpers: ReadonlyArray<Helper> }): string {
    const add = (helper: Helper): void => {
      (helper.needs ?? []).forEach(add);
      this.helpers.set(helper.name, helper);
    };
    helpers.forEach(add);
    return text;
  }

  /** Prints one level deeper, with names of its own. */
  private block(build: () => void): void {
    const before = this.bound;
    this.bound = { names: new Map(), around: before };
    this.depth++;
    build();
    this.depth--;
    this.bound = before;
  }

  /** Text of an index. */
  private index(of: Affine): string {
    const parts = of.terms.map(({ atom, step }) => {
      const text = atom.kind === "axis"
        ? axisText(atom.axis)
        : atom.kind === "value"
        ? this.language.toIndex(this.value(atom.value as Expression))
        : lowestOf(atom.of) < 0
        ? this.spelled(this.language.floorDivide(atom.kind, this.index(atom.of), atom.by))
        : `(${this.index(atom.of)}) ${atom.kind === "quotient" ? "/" : "%"} ${atom.by}`;
      const whole = atom.kind === "quotient" || atom.kind === "remainder" ? `(${text})` : text;
      return step === 1 ? whole : `${step} * ${whole}`;
    });
    if (of.constant !== 0 || parts.length === 0) parts.push(String(of.constant));
    return parts.join(" + ").replaceAll("+ -", "- ");
  }

  /** Gives an expression a name. */
  private named(of: Expression, text: string): string {
    const name = `e${this.next++}`;
    this.line(this.language.declare(name, of.dtype, text, false));
    this.bound.names.set(of.id, name);
    return name;
  }

  /** A guard whose branches are single elements is one expression; any other is a branch. */
  private guarded(of: Expression & { readonly kind: "guard" }): string {
    const condition = this.language.condition(this.value(of.condition));
    const simple = (branch: Expression) =>
      branch.kind === "constant" || branch.kind === "local" ||
      (branch.kind === "load" && branch.index.terms.every(({ atom }) => atom.kind === "axis"));
    if (simple(of.then) && simple(of.otherwise)) {
      return this.language.choose(condition, this.value(of.then), this.value(of.otherwise));
    }
    const name = `e${this.next++}`;
    this.line(this.language.declare(name, of.dtype, undefined, true));
    this.line(this.language.branch(condition));
    this.block(() => this.line(`${name} = ${this.value(of.then)};`));
    this.line("} else {");
    this.block(() => this.line(`${name} = ${this.value(of.otherwise)};`));
    this.line("}");
    this.bound.names.set(of.id, name);
    return name;
  }

  /** Text of an expression, where the current line can use it. */
  value(of: Expression): string {
    const known = lookUp(this.bound, of.id);
    if (known !== undefined) return known;
    const { language } = this;
    if (of.kind === "constant") return language.literal(of.dtype, of.value);
    if (of.kind === "local") return `x${of.local.id}`;
    if (of.kind === "index") return language.fromIndex(of.dtype, this.index(of.index));
    if (of.kind === "guard") return this.guarded(of);
    const text = of.kind === "load"
      ? language.element(this.form.names[of.buffer.id], this.index(of.index))
      : this.spelled(language.apply(
        of.op,
        of.dtype,
        of.arguments.map((argument) => ({ text: this.value(argument), dtype: argument.dtype })),
      ));
    return (this.uses.get(of.id) ?? 0) > 1 ? this.named(of, text) : text;
  }

  /** Runs what one statement needs with names of its own: stores and assignments may change what was read before. */
  private statement(roots: ReadonlyArray<Expression>, build: () => void): void {
    const [before, uses] = [this.bound, this.uses];
    this.bound = { names: new Map() };
    this.uses = usesWithin(roots);
    build();
    [this.bound, this.uses] = [before, uses];
  }

  /** Prints one statement. */
  private print(of: Statement): void {
    const { language } = this;
    if (of.kind === "for") {
      this.line(language.loop(axisText(of.axis), of.axis.extent));
      this.block(() => this.statements(of.body));
      this.line("}");
      return;
    }
    if (of.kind === "when") {
      this.statement([of.condition], () => this.line(language.branch(language.condition(this.value(of.condition)))));
      this.block(() => this.statements(of.body));
      this.line("}");
      return;
    }
    this.statement([of.value], () => {
      const value = this.value(of.value);
      if (of.kind === "store") {
        this.line(`${language.element(this.form.names[of.buffer.id], this.index(of.index))} = ${value};`);
      } else if (of.kind === "let") this.line(language.declare(`x${of.local.id}`, of.local.dtype, value, true));
      else if (of.kind === "assign") this.line(`x${of.local.id} = ${value};`);
      else {
        const { dtype } = of.local;
        const operands = [{ text: `x${of.local.id}`, dtype }, { text: value, dtype: of.value.dtype }];
        this.line(`x${of.local.id} = ${this.spelled(language.apply(FOLD_OPERATION[of.fold], dtype, operands))};`);
      }
    });
  }

  /** Prints statements. */
  statements(body: ReadonlyArray<Statement>): void {
    body.forEach((of) => this.print(of));
  }

  /** Prints a product; `free` are the axes that loops are still needed for. */
  contraction(of: Contraction, free = [...of.batch, ...of.rows, ...of.columns]): void {
    const { language } = this;
    const [first, ...rest] = free;
    if (first !== undefined) {
      this.line(language.loop(axisText(first), first.extent));
      this.block(() => this.contraction(of, rest));
      this.line("}");
      return;
    }
    const { dtype, id } = of.accumulator;
    const zero = dtype === "i64" || dtype === "u64" ? 0n : 0;
    this.line(language.declare(`x${id}`, dtype, language.literal(dtype, zero), true));
    const summed = (axes: Contraction["sum"]): void => {
      const [axis, ...inner] = axes;
      if (axis !== undefined) {
        this.line(language.loop(axisText(axis), axis.extent));
        this.block(() => summed(inner));
        this.line("}");
        return;
      }
      this.statement([of.left, of.right], () => {
        const factors = [of.left, of.right].map((side) => ({ text: this.value(side), dtype: side.dtype }));
        const product = this.spelled(language.apply("mul", dtype, factors));
        const operands = [{ text: `x${id}`, dtype }, { text: product, dtype }];
        this.line(`x${id} = ${this.spelled(language.apply("add", dtype, operands))};`);
      });
    };
    summed(of.sum);
    this.statements(of.epilogue);
  }
}
