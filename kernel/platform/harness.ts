/**
 * Harness: what runs first in a sandbox child. It reads its one assignment from stdin, takes away every global that is
 * not plain computation, loads the candidate, and writes one frame with what the candidate's function answered.
 *
 * Not a judge: the value in the frame is the candidate's claim, compared with the truth outside. The nonce only keeps
 * what a candidate prints from being taken for the frame.
 * Invariant: it uses nothing that a candidate can replace: all it needs is captured before the candidate loads.
 *
 * @module
 */

/** What the harness reads from stdin, as one JSON document. */
export interface Assignment {
  /** Text that starts the frame; unknown to the candidate. */
  readonly nonce: string;
  /** An ES module, TypeScript or JavaScript, whose default export is a function. */
  readonly source: string;
  /** The function's one argument. */
  readonly input: unknown;
  /** When an idle child ends by itself, should whoever started it be gone by then. */
  readonly lifeMs: number;
}

/** Starts every frame. A line that starts so with another nonce is an attempt to forge one. */
export const FRAME_MARK = "RMI-RESULT ";

/** Globals a candidate keeps besides the language's own. */
const KEPT: ReadonlyArray<string> = [
  ...["console", "TextEncoder", "TextDecoder", "URL", "URLSearchParams", "structuredClone", "queueMicrotask"],
  ...["setTimeout", "clearTimeout", "setInterval", "clearInterval", "atob", "btoa", "performance", "crypto", "self"],
  ...["AbortController", "AbortSignal", "Event", "EventTarget", "DOMException", "WebAssembly", "Temporal"],
];

/** The language's own globals, as ECMAScript names them. */
const LANGUAGE: ReadonlyArray<string> = [
  ...["globalThis", "Infinity", "NaN", "undefined", "eval", "isFinite", "isNaN", "parseFloat", "parseInt"],
  ...["decodeURI", "decodeURIComponent", "encodeURI", "encodeURIComponent", "escape", "unescape"],
  ...["AggregateError", "Array", "ArrayBuffer", "BigInt", "BigInt64Array", "BigUint64Array", "Boolean", "DataView"],
  ...["Date", "Error", "EvalError", "FinalizationRegistry", "Float16Array", "Float32Array", "Float64Array"],
  ...["Function", "Int8Array", "Int16Array", "Int32Array", "Iterator", "Map", "Number", "Object", "Promise", "Proxy"],
  ...["RangeError", "ReferenceError", "RegExp", "Set", "SharedArrayBuffer", "String", "Symbol", "SyntaxError"],
  ...["TypeError", "Uint8Array", "Uint8ClampedArray", "Uint16Array", "Uint32Array", "URIError", "WeakMap", "WeakRef"],
  ...["WeakSet", "Atomics", "JSON", "Math", "Reflect", "Intl", "SuppressedError", "DisposableStack"],
  "AsyncDisposableStack",
];

/**
 * The program of the child, sent as text: it may use nothing of this module but its arguments.
 */
const program = async (kept: ReadonlyArray<string>, mark: string): Promise<void> => {
  const { Deno: deno, JSON: { parse, stringify }, Reflect: { apply, ownKeys, deleteProperty }, Uint8Array: Bytes } =
    globalThis;
  const { getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const { readSync } = deno.stdin;
  const { writeSync } = deno.stdout;
  const exit = deno.exit;
  const [stdin, stdout] = [deno.stdin, deno.stdout];
  const encoder = new TextEncoder();
  const { encode } = TextEncoder.prototype;
  const own = (name: string) => getOwnPropertyDescriptor(getPrototypeOf(Bytes.prototype), name)!.get!;
  const [lengthOf, bufferOf] = [own("length"), own("buffer")];
  let assigned = new Bytes(65_536);
  let length = 0;
  for (let count; (count = readSync.call(stdin, assigned.subarray(length))) !== null; length += count) {
    if (length + count < assigned.length) continue;
    const larger = new Bytes(assigned.length * 2);
    larger.set(assigned);
    assigned = larger;
  }
  const { nonce, source, input, lifeMs } = parse(new TextDecoder().decode(assigned.subarray(0, length)));
  const url = `data:application/typescript;charset=utf-8,${encodeURIComponent(source)}`;

  const write = (text: string): void => {
    const whole = apply(encode, encoder, [text]) as Uint8Array;
    const [size, buffer] = [apply(lengthOf, whole, []) as number, apply(bufferOf, whole, []) as ArrayBuffer];
    let written = 0;
    while (written < size) written += apply(writeSync, stdout, [new Bytes(buffer, written)]) as number;
  };
  const finish = (member: string, text: string): void => {
    write(`\n${mark}${nonce} {"${member}":${text}}\n`);
    apply(exit, deno, [0]);
  };
  const quote = (text: string): string => apply(stringify, undefined, [text]);
  const describe = (cause: unknown): string => {
    try {
      return `${cause}`;
    } catch {
      return "a value that cannot be shown";
    }
  };

  setTimeout(() => apply(exit, deno, [1]), lifeMs);
  for (const name of ownKeys(globalThis)) {
    if (typeof name === "string" && !kept.includes(name)) deleteProperty(globalThis, name);
  }
  try {
    const candidate = (await import(url)).default;
    if (typeof candidate !== "function") return finish("missing", "true");
    const value = await candidate(input);
    const text = apply(stringify, undefined, [value]);
    if (text === undefined) finish("unserialisable", quote(typeof value));
    else finish("value", text);
  } catch (cause) {
    finish("threw", quote(describe(cause)));
  }
};

/** Node's modules, which a candidate has no use for; each is mapped to one that refuses. */
const NODE_MODULES: ReadonlyArray<string> =
  ("assert assert/strict async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel " +
    "dns dns/promises domain events fs fs/promises http http2 https inspector inspector/promises module net os path " +
    "path/posix path/win32 perf_hooks process punycode querystring readline readline/promises repl sqlite stream " +
    "stream/consumers stream/promises stream/web string_decoder sys test test/reporters timers timers/promises tls " +
    "trace_events tty url util util/types v8 vm wasi worker_threads zlib").split(" ");

const refusing = "data:text/javascript,throw new Error('not available in the sandbox')";

/** Import map of the child: nothing of Node's. */
export const sandboxImportMap: string = `data:application/json,${
  encodeURIComponent(
    JSON.stringify({
      imports: Object.fromEntries(NODE_MODULES.flatMap((name) => [[name, refusing], [`node:${name}`, refusing]])),
    }),
  )
}`;

/** The child's main module. */
export const sandboxMain: string = `data:text/javascript,${
  encodeURIComponent(
    `(${program.toString()})(${JSON.stringify([...KEPT, ...LANGUAGE])}, ${JSON.stringify(FRAME_MARK)});`,
  )
}`;
