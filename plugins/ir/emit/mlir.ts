/**
 * MLIR: a program as one module in the func, linalg, scf, memref, arith and math dialects: a function `<entry>` over memrefs, a
 * function a kernel, and with inputs a `main` that prints the results.
 *
 * Invariant: every value has one definition; scalars that change live in a memref of rank 0 made at the function's start.
 *
 * @module
 */
import type { Program } from "../graph.ts";
import { type Dtype, isFloat } from "../types.ts";
import { elements, type Tensor } from "../value.ts";
import {
  type Affine,
  type Axis,
  axisText,
  type Bound,
  type Buffer,
  type Contraction,
  type Expression,
  FOLD_OPERATION,
  type Form,
  formOf,
  type Kernel,
  lookUp,
  lowestOf,
  outerAxes,
  type PrintOptions,
  type Statement,
  type Step,
  usesOf,
} from "./form.ts";
import {
  MLIR_DTYPES,
  mlirApply,
  type MlirBlock,
  mlirFromIndex,
  mlirLiteral,
  mlirType,
  type MlirValue,
} from "./mlir_arith.ts";
import { linalgLines, linalgProduct } from "./mlir_linalg.ts";

const memref = ({ dtype, elements: count }: Buffer): string => `memref<${count}x${mlirType(dtype)}>`;

/** The body of one function. */
class MlirBody implements MlirBlock {
  private readonly lines: string[] = [];
  private readonly rooms: string[] = [];
  private depth = 1;
  private bound: Bound<number | string> = { names: new Map() };
  private next = 0;

  constructor(private readonly form: Form, private readonly helpers: Map<string, string>) {}

  get text(): string {
    return [...this.rooms, ...this.lines].join("\n");
  }

  line(text: string): void {
    this.lines.push("  ".repeat(this.depth) + text);
  }

  /** A line at the function's start. */
  room(text: string): void {
    this.rooms.push(`  ${text}`);
  }

  helper(name: string, text: string): void {
    this.helpers.set(name, text);
  }

  private define(text: string): string {
    const name = `%v${this.next++}`;
    this.line(`${name} = ${text}`);
    return name;
  }

  value(dtype: Dtype, text: string): MlirValue {
    return { name: this.define(text), dtype };
  }

  constant(dtype: Dtype, value: number | bigint): MlirValue {
    const text = mlirLiteral(dtype, value);
    return { name: this.known(dtype === "bool" ? text : `${text} : ${mlirType(dtype)}`), dtype };
  }

  /** A constant, defined once a block. */
  private known(literal: string): string {
    const found = lookUp(this.bound, literal);
    if (found !== undefined) return found;
    const name = this.define(`arith.constant ${literal}`);
    this.bound.names.set(literal, name);
    return name;
  }

  block(build: () => void): void {
    const before = this.bound;
    this.bound = { names: new Map(), around: before };
    this.depth++;
    build();
    this.depth--;
    this.bound = before;
  }

  private number(value: number): string {
    return this.known(`${value} : index`);
  }

  private index(of: Affine): string {
    let sum: string | undefined = of.constant === 0 && of.terms.length > 0 ? undefined : this.number(of.constant);
    for (const { atom, step } of of.terms) {
      let part: string;
      if (atom.kind === "axis") part = `%${axisText(atom.axis)}`;
      else if (atom.kind === "value") {
        part = this.define(`arith.index_cast ${this.expression(atom.value as Expression).name} : i32 to index`);
      } else part = this.divided(atom.kind, this.index(atom.of), atom.by, lowestOf(atom.of) >= 0);
      const whole = step === 1 ? part : this.define(`arith.muli ${part}, ${this.number(step)} : index`);
      sum = sum === undefined ? whole : this.define(`arith.addi ${sum}, ${whole} : index`);
    }
    return sum!;
  }

  private divided(kind: "quotient" | "remainder", of: string, by: number, positive: boolean): string {
    const divisor = this.number(by);
    if (kind === "quotient") {
      return this.define(`arith.${positive ? "divsi" : "floordivsi"} ${of}, ${divisor} : index`);
    }
    const rest = this.define(`arith.remsi ${of}, ${divisor} : index`);
    if (positive) return rest;
    const above = this.define(`arith.addi ${rest}, ${divisor} : index`);
    return this.define(`arith.remsi ${above}, ${divisor} : index`);
  }

  private guarded(of: Expression & { readonly kind: "guard" }): MlirValue {
    const condition = this.expression(of.condition);
    const type = mlirType(of.dtype);
    const name = `%v${this.next++}`;
    const branch = (value: Expression) =>
      this.block(() => this.line(`scf.yield ${this.expression(value).name} : ${type}`));
    this.line(`${name} = scf.if ${condition.name} -> (${type}) {`);
    branch(of.then);
    this.line("} else {");
    branch(of.otherwise);
    this.line("}");
    return { name, dtype: of.dtype };
  }

  private computed(of: Expression): MlirValue {
    if (of.kind === "constant") return this.constant(of.dtype, of.value);
    if (of.kind === "local") {
      return this.value(of.dtype, `memref.load %x${of.local.id}[] : memref<${mlirType(of.dtype)}>`);
    }
    if (of.kind === "index") return mlirFromIndex(this, this.index(of.index), of.dtype);
    if (of.kind === "guard") return this.guarded(of);
    if (of.kind === "load") {
      const index = this.index(of.index);
      return this.value(of.dtype, `memref.load %${this.form.names[of.buffer.id]}[${index}] : ${memref(of.buffer)}`);
    }
    return mlirApply(this, of.op, of.dtype, of.arguments.map((argument) => this.expression(argument)));
  }

  expression(of: Expression): MlirValue {
    const found = lookUp(this.bound, of.id);
    if (found !== undefined) return { name: found, dtype: of.dtype };
    const made = this.computed(of);
    this.bound.names.set(of.id, made.name);
    return made;
  }

  /** Stores and assignments may change what was read before, so each statement reads anew. */
  private afresh(build: () => void): void {
    const before = this.bound;
    const literals = new Map([...before.names].filter(([key]) => typeof key === "string"));
    this.bound = { names: literals, ...(before.around ? { around: literalsOnly(before.around) } : {}) };
    build();
    for (const [key, name] of this.bound.names) if (typeof key === "string") before.names.set(key, name);
    this.bound = before;
  }

  private put(local: { readonly id: number; readonly dtype: Dtype }, value: MlirValue): void {
    this.line(`memref.store ${value.name}, %x${local.id}[] : memref<${mlirType(local.dtype)}>`);
  }

  declare(local: { readonly id: number; readonly dtype: Dtype }): void {
    this.room(`%x${local.id} = memref.alloca() : memref<${mlirType(local.dtype)}>`);
  }

  /** A loop over an axis. */
  loop(axis: Axis, body: () => void): void {
    const [low, high, step] = [0, axis.extent, 1].map((value) => this.number(value));
    this.line(`scf.for %${axisText(axis)} = ${low} to ${high} step ${step} {`);
    this.block(body);
    this.line("}");
  }

  private print(of: Statement): void {
    if (of.kind === "for") return this.loop(of.axis, () => this.statements(of.body));
    if (of.kind === "when") {
      this.afresh(() => this.line(`scf.if ${this.expression(of.condition).name} {`));
      this.block(() => this.statements(of.body));
      this.line("}");
      return;
    }
    this.afresh(() => {
      const value = this.expression(of.value);
      if (of.kind === "store") {
        const index = this.index(of.index);
        this.line(`memref.store ${value.name}, %${this.form.names[of.buffer.id]}[${index}] : ${memref(of.buffer)}`);
        return;
      }
      if (of.kind === "let") this.declare(of.local);
      if (of.kind !== "accumulate") return this.put(of.local, value);
      const { id, dtype } = of.local;
      const sofar = this.value(dtype, `memref.load %x${id}[] : memref<${mlirType(dtype)}>`);
      this.put(of.local, mlirApply(this, FOLD_OPERATION[of.fold], dtype, [sofar, value]));
    });
  }

  statements(body: ReadonlyArray<Statement>): void {
    body.forEach((of) => this.print(of));
  }

  /** Loops over axes, outermost first, around a body. */
  private nest(axes: ReadonlyArray<Axis>, body: () => void): void {
    const [axis, ...rest] = axes;
    if (axis === undefined) body();
    else this.loop(axis, () => this.nest(rest, body));
  }

  contraction(of: Contraction): void {
    const { accumulator } = of;
    const { dtype } = accumulator;
    const plain = linalgProduct(of);
    if (plain !== undefined) {
      const zero = this.constant(dtype, isFloat(dtype) ? 0 : 0n).name;
      linalgLines(plain, ({ id }) => `%${this.form.names[id]}`, zero).forEach((line) => this.line(line));
      return;
    }
    this.declare(accumulator);
    this.nest([...of.batch, ...of.rows, ...of.columns], () => {
      this.put(accumulator, this.constant(dtype, isFloat(dtype) ? 0 : 0n));
      this.nest(of.sum, () =>
        this.afresh(() => {
          const product = mlirApply(this, "mul", dtype, [this.expression(of.left), this.expression(of.right)]);
          const sofar = this.value(dtype, `memref.load %x${accumulator.id}[] : memref<${mlirType(dtype)}>`);
          this.put(accumulator, mlirApply(this, "add", dtype, [sofar, product]));
        }));
      this.statements(of.epilogue);
    });
  }

  /** Makes the constants that a function reads known in it. */
  globals(buffers: ReadonlyArray<Buffer>): void {
    for (const buffer of buffers) {
      const name = this.form.names[buffer.id];
      this.room(`%${name} = memref.get_global @${name} : ${memref(buffer)}`);
    }
  }
}

const literalsOnly = (bound: Bound<number | string>): Bound<number | string> => ({
  names: new Map([...bound.names].filter(([key]) => typeof key === "string")),
  ...(bound.around ? { around: literalsOnly(bound.around) } : {}),
});

/** Elements of a global. */
const denseText = (value: Tensor): string => {
  const items = elements(value).map((element) =>
    mlirLiteral(value.dtype, typeof element === "boolean" ? Number(element) : element)
  );
  return `dense<[${items.join(", ")}]>`;
};

const globalText = (name: string, value: Tensor): string =>
  `memref.global "private" constant @${name} : memref<${value.data.length}x${mlirType(value.dtype)}> = ${
    value.data.length === 0 ? "dense<>" : denseText(value)
  }`;

class MlirModule {
  readonly functions: string[] = [];
  readonly helpers = new Map<string, string>();
  private kernels = 0;

  constructor(private readonly form: Form) {}

  body(): MlirBody {
    return new MlirBody(this.form, this.helpers);
  }

  private kernel(kernel: Kernel, around: ReadonlyArray<Axis>, into: MlirBody): void {
    const { names } = this.form;
    const { buffers } = usesOf(kernel);
    const shared = buffers.filter(({ role }) => role !== "scratch" && role !== "constant");
    const axes = outerAxes(kernel, around);
    const body = this.body();
    body.globals(buffers.filter(({ role }) => role === "constant"));
    for (const buffer of buffers.filter(({ role }) => role === "scratch")) {
      body.room(`%${names[buffer.id]} = memref.alloca() : ${memref(buffer)}`);
    }
    if (kernel.work.kind === "loops") body.statements(kernel.work.body);
    else body.contraction(kernel.work);
    body.line("return");
    const name = `kernel_${this.kernels++}`;
    const typed = [
      ...shared.map((buffer) => [`%${names[buffer.id]}`, memref(buffer)]),
      ...axes.map((axis) => [`%${axisText(axis)}`, "index"]),
    ];
    this.functions.push(
      `// ${kernel.name}\nfunc.func private @${name}(${
        typed.map(([of, type]) => `${of}: ${type}`).join(", ")
      }) {\n${body.text}\n}`,
    );
    into.line(
      `func.call @${name}(${typed.map(([of]) => of).join(", ")}) : (${typed.map(([, type]) => type).join(", ")}) -> ()`,
    );
  }

  private predicate(buffer: Buffer, into: MlirBody): string {
    const zero = into.constant("i64", 0n).name;
    const at = into.value("i64", `arith.index_cast ${zero} : i64 to index`).name;
    return into.value("bool", `memref.load %${this.form.names[buffer.id]}[${at}] : ${memref(buffer)}`).name;
  }

  steps(steps: ReadonlyArray<Step>, into: MlirBody, around: ReadonlyArray<Axis> = []): void {
    for (const step of steps) {
      if (step.kind === "kernel") this.kernel(step, around, into);
      else if (step.kind === "repeat") {
        into.loop(step.axis, () => this.steps(step.body, into, [...around, step.axis]));
      } else if (step.kind === "if") {
        into.line(`scf.if ${this.predicate(step.predicate, into)} {`);
        into.block(() => this.steps(step.then, into, around));
        into.line("} else {");
        into.block(() => this.steps(step.otherwise, into, around));
        into.line("}");
      } else {
        into.line("scf.while : () -> () {");
        into.block(() => {
          this.steps(step.condition, into, around);
          into.line(`scf.condition(${this.predicate(step.predicate, into)})`);
        });
        into.line("} do {");
        into.block(() => {
          this.steps(step.body, into, around);
          into.line("scf.yield");
        });
        into.line("}");
      }
    }
  }
}

/** Prints every element through the C library: floats as f64, all else as i64. */
const PRINTING = `llvm.mlir.global internal constant @float_line("%.17g\\0A\\00")
llvm.mlir.global internal constant @integer_line("%lld\\0A\\00")
llvm.func @printf(!llvm.ptr<i8>, ...) -> i32
func.func private @print_float(%x: f64) {
  %text = llvm.mlir.addressof @float_line : !llvm.ptr<array<7 x i8>>
  %zero = llvm.mlir.constant(0 : i64) : i64
  %start = llvm.getelementptr %text[%zero, %zero] : (!llvm.ptr<array<7 x i8>>, i64, i64) -> !llvm.ptr<i8>
  %count = llvm.call @printf(%start, %x) : (!llvm.ptr<i8>, f64) -> i32
  return
}
func.func private @print_integer(%x: i64) {
  %text = llvm.mlir.addressof @integer_line : !llvm.ptr<array<6 x i8>>
  %zero = llvm.mlir.constant(0 : i64) : i64
  %start = llvm.getelementptr %text[%zero, %zero] : (!llvm.ptr<array<6 x i8>>, i64, i64) -> !llvm.ptr<i8>
  %count = llvm.call @printf(%start, %x) : (!llvm.ptr<i8>, i64) -> i32
  return
}`;

const printLines = (body: MlirBody, name: string, buffer: Buffer): void => {
  if (buffer.elements === 0) return;
  const axis = { id: -1 - buffer.id, extent: buffer.elements };
  const place = `%each${buffer.id}`;
  const [low, high, step] = [0, axis.extent, 1].map((value) =>
    body.value("i64", `arith.constant ${value} : index`).name
  );
  body.line(`scf.for ${place} = ${low} to ${high} step ${step} {`);
  body.block(() => {
    const element = body.value(buffer.dtype, `memref.load %${name}[${place}] : ${memref(buffer)}`);
    const to: Dtype = isFloat(buffer.dtype) ? "f64" : "i64";
    const wide = element.dtype === to ? element : mlirApply(body, "cast", to, [element]);
    const type = mlirType(to);
    body.line(`func.call @print_${to === "f64" ? "float" : "integer"}(${wide.name}) : (${type}) -> ()`);
  });
  body.line("}");
};

const mainText = (form: Form, body: MlirBody): string => {
  const { loops, inputs, outputs, entry } = form;
  inputs.forEach((name, i) =>
    body.room(`%${name} = memref.get_global @${name} : ${memref(loops.parameters[i].buffer)}`)
  );
  outputs.forEach((name, i) => body.room(`%${name} = memref.alloc() : ${memref(loops.results[i].buffer)}`));
  const types = [...loops.parameters, ...loops.results].map(({ buffer }) => memref(buffer)).join(", ");
  body.line(`func.call @${entry}(${[...inputs, ...outputs].map((name) => `%${name}`).join(", ")}) : (${types}) -> ()`);
  outputs.forEach((name, i) => printLines(body, name, loops.results[i].buffer));
  body.line("return");
  return `func.func @main() {\n${body.text}\n}`;
};

/** A program as an MLIR module; throws `IR_EMIT_UNSUPPORTED`. */
export const emitMlir = (program: Program, options: PrintOptions = {}): string => {
  const printed = formOf(program, options, { target: "mlir", dtypes: MLIR_DTYPES });
  const form = { ...printed, entry: printed.entry === "main" ? "rmi_main" : printed.entry };
  const { loops, names, constants, temporaries, inputs, outputs } = form;
  const file = new MlirModule(form);
  const body = file.body();
  for (const buffer of temporaries) body.line(`%${names[buffer.id]} = memref.alloc() : ${memref(buffer)}`);
  file.steps(loops.steps, body);
  for (const buffer of temporaries) body.line(`memref.dealloc %${names[buffer.id]} : ${memref(buffer)}`);
  body.line("return");
  const parameters = [
    ...loops.parameters.map(({ buffer }, i) => `%${inputs[i]}: ${memref(buffer)}`),
    ...loops.results.map(({ buffer }, i) => `%${outputs[i]}: ${memref(buffer)}`),
  ];
  const given = options.inputs;
  const main = given === undefined ? [] : [
    ...given.map((value, i) => globalText(inputs[i], value)),
    PRINTING,
    mainText(form, file.body()),
  ];
  const parts = [
    ...constants.map((buffer) => globalText(names[buffer.id], buffer.data!)),
    ...file.helpers.values(),
    ...file.functions,
    `func.func @${form.entry}(${parameters.join(", ")}) {\n${body.text}\n}`,
    ...main,
  ];
  return `// ${printed.entry}: ${parameters.length} memrefs, row-major.\nmodule {\n${parts.join("\n\n")}\n}\n`;
};
