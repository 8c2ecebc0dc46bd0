/**
 * Assembler: builds a WebAssembly module, byte by byte.
 *
 * Not a compiler and not a text format: functions are written by closures over `Code`.
 * Invariant: functions are numbered in the order they are imported, then declared; all imports come first.
 *
 * @module
 */
import { Bytes } from "./bytes.ts";
import { Code, type Func, type Global, type Local, VALUE_TYPES, type ValueType } from "./code.ts";

/** Bytes of one page of memory. */
export const PAGE_BYTES = 65_536;

/** Most pages of a 32-bit memory. */
export const MAX_PAGES = 65_536;

/** A memory that a module imports. */
export interface MemoryImport {
  /** Module part of the import's name. */
  readonly module: string;
  /** Name. */
  readonly name: string;
  /** Fewest pages. */
  readonly minimum: number;
  /** Most pages: needed where it is shared. */
  readonly maximum?: number;
  /** Whether threads share it. */
  readonly shared?: boolean;
}

const encodeSignature = (parameters: ReadonlyArray<ValueType>, results: ReadonlyArray<ValueType>): Bytes => {
  const bytes = new Bytes(8 + parameters.length + results.length);
  bytes.byte(0x60);
  for (const types of [parameters, results]) {
    bytes.unsigned(types.length);
    for (const type of types) bytes.byte(VALUE_TYPES[type]);
  }
  return bytes;
};

interface Declared {
  readonly func: Func;
  readonly signature: number;
  body?: Bytes;
}

/** A module being built. */
export class ModuleBuilder {
  readonly #signatures = new Map<string, number>();
  readonly #signatureBytes: Bytes[] = [];
  readonly #imports: Bytes[] = [];
  readonly #imported: Func[] = [];
  readonly #declared: Declared[] = [];
  readonly #exports: Bytes[] = [];
  readonly #globals: Bytes[] = [];
  readonly #data: { readonly at: number | undefined; readonly bytes: Uint8Array }[] = [];
  readonly #shared = new Map<string, Func>();

  #signature(parameters: ReadonlyArray<ValueType>, results: ReadonlyArray<ValueType>): number {
    const key = `${parameters.join()}>${results.join()}`;
    const known = this.#signatures.get(key);
    if (known !== undefined) return known;
    this.#signatures.set(key, this.#signatureBytes.length);
    this.#signatureBytes.push(encodeSignature(parameters, results));
    return this.#signatureBytes.length - 1;
  }

  /** Imports the memory. A module has one. */
  importMemory(memory: MemoryImport): void {
    const bytes = new Bytes(32);
    bytes.sized(memory.module);
    bytes.sized(memory.name);
    bytes.byte(2);
    bytes.byte((memory.maximum === undefined ? 0 : 1) | (memory.shared === true ? 2 : 0));
    bytes.unsigned(memory.minimum);
    if (memory.maximum !== undefined) bytes.unsigned(memory.maximum);
    this.#imports.push(bytes);
  }

  /** Imports a function. All imports come before the first declaration. */
  importFunction(
    module: string,
    name: string,
    parameters: ReadonlyArray<ValueType>,
    results: ReadonlyArray<ValueType>,
  ): Func {
    if (this.#declared.length > 0) throw new Error(`import ${name} comes after a declared function`);
    const bytes = new Bytes(32);
    bytes.sized(module);
    bytes.sized(name);
    bytes.byte(0);
    bytes.unsigned(this.#signature(parameters, results));
    this.#imports.push(bytes);
    const func = { index: this.#imported.length, name, parameters, results };
    this.#imported.push(func);
    return func;
  }

  /** Declares a function, to be called before it is defined. */
  declare(name: string, parameters: ReadonlyArray<ValueType>, results: ReadonlyArray<ValueType> = []): Func {
    const func = { index: this.#imported.length + this.#declared.length, name, parameters, results };
    this.#declared.push({ func, signature: this.#signature(parameters, results) });
    return func;
  }

  /** Defines a declared function. */
  define(func: Func, write: (code: Code, ...parameters: ReadonlyArray<Local>) => void): void {
    const code = new Code(func.parameters);
    write(code, ...code.parameters);
    this.#declared[func.index - this.#imported.length].body = code.finish();
  }

  /** Declares and defines a function. */
  function(
    name: string,
    parameters: ReadonlyArray<ValueType>,
    results: ReadonlyArray<ValueType>,
    write: (code: Code, ...parameters: ReadonlyArray<Local>) => void,
  ): Func {
    const func = this.declare(name, parameters, results);
    this.define(func, write);
    return func;
  }

  /** The function of a key; made on first use, so that equal kernels are in the module once. */
  shared(key: string, make: () => Func): Func {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#shared.set(key, made);
    return made;
  }

  /** Exports a function. */
  export(func: Func, name: string = func.name): void {
    const bytes = new Bytes(name.length + 8);
    bytes.sized(name);
    bytes.byte(0);
    bytes.unsigned(func.index);
    this.#exports.push(bytes);
  }

  /** A variable that starts at a number: i32, f32 or f64. */
  global(type: "i32" | "f32" | "f64", value: number): Global {
    const code = new Code([]);
    code[type](value);
    const whole = code.finish();
    const bytes = new Bytes(16);
    bytes.byte(VALUE_TYPES[type]);
    bytes.byte(1);
    // A body is its size, no locals, then the instructions with their end.
    bytes.raw(whole.buffer.subarray(2, whole.length));
    this.#globals.push(bytes);
    return { index: this.#globals.length - 1, type };
  }

  /** Bytes that are in the memory, at an address, when an instance starts. Returns the segment's number. */
  data(at: number, bytes: Uint8Array): number {
    return this.#data.push({ at, bytes }) - 1;
  }

  /** Bytes that `memoryInit` copies. Returns the segment's number. */
  passiveData(bytes: Uint8Array): number {
    return this.#data.push({ at: undefined, bytes }) - 1;
  }

  /** The module's bytes. */
  build(): Uint8Array<ArrayBuffer> {
    const out = new Bytes(this.#declared.reduce((size, { body }) => size + (body?.length ?? 0) + 32, 1024));
    out.raw(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const section = (id: number, items: ReadonlyArray<Bytes>): void => {
      if (items.length === 0) return;
      const content = new Bytes(items.reduce((size, item) => size + item.length, 8));
      content.unsigned(items.length);
      for (const item of items) content.raw(item);
      out.byte(id);
      out.sized(content);
    };
    section(1, this.#signatureBytes);
    section(2, this.#imports);
    section(3, this.#declared.map(({ signature }) => number(signature)));
    section(6, this.#globals);
    section(7, this.#exports);
    if (this.#data.length > 0) {
      out.byte(12);
      out.sized(number(this.#data.length));
    }
    section(
      10,
      this.#declared.map(({ func, body }) => {
        if (body === undefined) throw new Error(`function ${func.name} is declared and not defined`);
        return body;
      }),
    );
    section(11, this.#data.map(encodeData));
    out.byte(0);
    out.sized(this.#names());
    return out.copy();
  }

  #names(): Bytes {
    const functions = new Bytes(this.#declared.length * 16);
    functions.unsigned(this.#imported.length + this.#declared.length);
    for (const func of [...this.#imported, ...this.#declared.map((one) => one.func)]) {
      functions.unsigned(func.index);
      functions.sized(func.name);
    }
    const names = new Bytes(functions.length + 16);
    names.sized("name");
    names.byte(1);
    names.sized(functions);
    return names;
  }
}

const number = (value: number): Bytes => {
  const bytes = new Bytes(5);
  bytes.unsigned(value);
  return bytes;
};

const encodeData = ({ at, bytes }: { readonly at: number | undefined; readonly bytes: Uint8Array }): Bytes => {
  const out = new Bytes(bytes.length + 16);
  out.byte(at === undefined ? 1 : 0);
  if (at !== undefined) {
    out.byte(0x41);
    out.signed(at);
    out.byte(0x0b);
  }
  out.sized(bytes);
  return out;
};
