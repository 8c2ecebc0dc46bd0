/**
 * Hostile candidates: modules that try to get out of the sandbox, to take the host down, or to be believed.
 *
 * `may` lists how a run may end: `value` (harmless: the attempt came to nothing inside), or failure codes without their
 * prefix. `CANARY` in a source is replaced by a folder that the host watches, `PORT` by a port it listens on.
 */

/** One candidate. */
export interface Hostile {
  readonly name: string;
  readonly source: string;
  readonly may: ReadonlyArray<string>;
  /** The value it must come to, where it may come to one. */
  readonly value?: unknown;
}

/** Tries things one after another and tells which did not throw: none may. */
const tries = (attempts: ReadonlyArray<string>): string =>
  `export default async () => {
    const done = [];
    ${
    attempts.map((attempt, index) =>
      `try { const r = await (async () => { ${attempt} })(); if (r !== undefined) done.push([${index}, String(r)]); } catch {}`
    ).join("\n")
  }
    return done;
  };`;

const modules = (names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.flatMap((name) => [`return Object.keys(await import(${JSON.stringify(name)})).length`]);

export const HOSTILE: ReadonlyArray<Hostile> = [
  { name: "endless loop", source: "export default () => { for (;;); }", may: ["TIMEOUT"] },
  { name: "endless loop while loading", source: "for (;;); export default () => 1;", may: ["TIMEOUT"] },
  { name: "endless promises", source: "export default async () => { for (;;) await null; }", may: ["TIMEOUT"] },
  {
    name: "never settles",
    source: "export default () => new Promise(() => setInterval(() => {}, 1000));",
    may: ["TIMEOUT"],
  },
  { name: "endless toJSON", source: "export default () => ({ toJSON() { for (;;); } });", may: ["TIMEOUT"] },
  {
    name: "endless toString of what it throws",
    source: "export default () => { throw { toString() { for (;;); } }; }",
    may: ["TIMEOUT"],
  },
  {
    name: "wait on shared memory",
    source: "export default () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
    may: ["TIMEOUT", "THREW"],
  },
  {
    name: "regular expression that backtracks forever",
    source: 'export default () => /^(a+)+$/.test("a".repeat(60) + "!");',
    may: ["TIMEOUT"],
  },
  {
    name: "heap bomb",
    source: "export default () => { const a = []; for (;;) a.push({ x: [1, 2, 3] }); }",
    may: ["MEMORY"],
  },
  {
    name: "string bomb",
    source:
      'export default () => { const a = []; let s = "x".repeat(1 << 20); for (;;) { s = s + s; s.charCodeAt(3); a.push(s); } }',
    may: ["MEMORY", "THREW"],
  },
  {
    name: "array buffer bomb",
    source: "export default () => { const a = []; for (;;) a.push(new Uint8Array(16 << 20).fill(1)); }",
    may: ["MEMORY"],
  },
  {
    name: "array buffer bomb that swallows refusals",
    source:
      "export default () => { const a = []; for (;;) { try { a.push(new Uint8Array(4 << 20).fill(1)); } catch {} } }",
    may: ["MEMORY", "TIMEOUT"],
  },
  {
    name: "shared array buffer bomb",
    source:
      "export default () => { const a = []; for (;;) a.push(new Uint8Array(new SharedArrayBuffer(16 << 20)).fill(1)); }",
    may: ["MEMORY"],
  },
  {
    name: "WebAssembly memory bomb",
    source:
      "export default () => { const all = []; for (;;) { const m = new WebAssembly.Memory({ initial: 256 }); new Uint8Array(m.buffer).fill(1); all.push(m); } }",
    may: ["MEMORY"],
  },
  {
    name: "WebAssembly memory that grows",
    source:
      "export default () => { const m = new WebAssembly.Memory({ initial: 1 }); for (;;) { m.grow(256); new Uint8Array(m.buffer).fill(1); } }",
    may: ["MEMORY", "THREW"],
  },
  { name: "deep recursion", source: "const f = (n) => f(n + 1) + 1; export default () => f(0);", may: ["THREW"] },
  {
    name: "deep answer",
    source: "export default () => { let v = 0; for (let i = 0; i < 1e5; i++) v = [v]; return v; }",
    may: ["SHAPE", "THREW"],
  },
  {
    name: "endlessly deep answer",
    source: "export default () => { let v = 0; for (let i = 0; i < 1e6; i++) v = [v]; return v; }",
    may: ["OUTPUT", "THREW", "MEMORY"],
  },
  { name: "cyclic answer", source: "export default () => { const a = {}; a.a = a; return a; }", may: ["THREW"] },
  { name: "answer that is a function", source: "export default () => () => 1;", may: ["SHAPE"] },
  { name: "answer that is a bigint", source: "export default () => 1n;", may: ["THREW"] },
  { name: "no default export", source: "export const x = 1;", may: ["SHAPE"] },
  { name: "no module", source: "this is not a module", may: ["THREW"] },
  {
    name: "output flood",
    source: 'export default () => { for (;;) console.log("x".repeat(10000)); }',
    may: ["OUTPUT"],
  },
  {
    name: "error flood",
    source: 'export default () => { for (;;) console.error("x".repeat(10000)); }',
    may: ["OUTPUT"],
  },
  { name: "huge answer", source: 'export default () => "x".repeat(8 << 20);', may: ["OUTPUT"] },
  {
    name: "prototype pollution",
    source: `
      const classes = [Object, Array, String, Function, Promise, Uint8Array, TextEncoder];
      for (const p of classes.map((one) => one.prototype)) {
        for (const k of ["toJSON", "then", "call", "apply", "encode", "subarray", "writeSync", "value", "ok", "length"]) {
          const stolen = { configurable: true, get() { return () => ({ value: "stolen" }); }, set() {} };
          try { Object.defineProperty(p, k, stolen); } catch {}
        }
      }
      JSON.stringify = () => '{"value":"stolen"}'; JSON.parse = () => ({ value: "stolen" }); Reflect.apply = () => "stolen";
      export default () => 7;`,
    may: ["value", "CRASH", "THREW", "SHAPE", "FORGED"],
  },
  {
    name: "forged frame",
    source: `console.log('\\nRMI-RESULT ' + '0'.repeat(48) + ' {"value":"forged"}\\n'); export default () => 1;`,
    may: ["FORGED"],
  },
  {
    name: "forged frame and an early end",
    source:
      `console.log('\\nRMI-RESULT ' + '0'.repeat(48) + ' {"value":"forged"}\\n'); self.close?.(); export default () => new Promise(() => {});`,
    may: ["FORGED", "CRASH", "TIMEOUT"],
  },
  {
    name: "frame searched for in stacks and hooks",
    source: `
      const seen = [];
      Error.prepareStackTrace = (e, frames) => {
        for (const f of frames) { try { seen.push(String(f.getFunction()), String(f.getThis())); } catch {} }
        return "";
      };
      const encode = TextEncoder.prototype.encode;
      TextEncoder.prototype.encode = function (t) { seen.push(t); console.log(String(t)); return encode.call(this, t); };
      export default () => { try { null.x; } catch (e) { e.stack; } return seen.some((t) => /[0-9a-f]{48}/.test(t)); };`,
    may: ["value"],
    value: false,
  },
  {
    name: "frame taken from the bytes on their way out",
    source: `
      const Typed = Object.getPrototypeOf(Uint8Array.prototype);
      const lengthOf = Object.getOwnPropertyDescriptor(Typed, "length").get;
      const { at } = Typed;
      let taken = false;
      const look = (bytes) => {
        let text = "";
        for (let i = 0; i < lengthOf.call(bytes); i++) text += String.fromCharCode(at.call(bytes, i));
        taken ||= text.includes("RMI-RESULT");
      };
      for (const name of ["length", "byteLength", "byteOffset", "buffer"]) {
        const { get } = Object.getOwnPropertyDescriptor(Typed, name);
        Object.defineProperty(Typed, name, { get() { look(this); return taken ? 0 : get.call(this); } });
      }
      const species = function (...given) { look(new Uint8Array(...given)); return new Uint8Array(...given); };
      Uint8Array.prototype.constructor = { get [Symbol.species]() { return species; } };
      for (const name of ["subarray", "slice", "set"]) Typed[name] = function () { look(this); return this; };
      export default () => 1;`,
    may: ["value"],
    value: 1,
  },
  {
    name: "answer that is no text",
    source: 'export default () => ({ "\\ud800": 1 });',
    may: ["SHAPE"],
  },
  {
    name: "early end",
    source: "self.close?.(); globalThis.close?.(); export default () => { throw 1; };",
    may: ["CRASH", "THREW"],
  },
  {
    name: "exit by every name",
    source: tries([
      "return typeof Deno !== 'undefined' ? 'Deno' : undefined",
      "return typeof process !== 'undefined' ? 'process' : undefined",
      "return globalThis.constructor.constructor('return typeof Deno + typeof process')().replaceAll('undefined', '') || undefined",
      "return (0, eval)('typeof Deno') === 'undefined' ? undefined : 'eval'",
      "return typeof Object.getPrototypeOf(globalThis).Deno === 'undefined' ? undefined : 'prototype'",
      "return typeof require === 'undefined' ? undefined : 'require'",
    ]),
    may: ["value"],
    value: [],
  },
  {
    name: "modules of the platform",
    source: tries(modules([
      ...["node:fs", "node:process", "node:child_process", "node:v8", "node:inspector", "node:worker_threads", "fs"],
      ...["node:vm", "node:module", "node:os", "node:net", "node:http", "node:sqlite", "node:test", "node:wasi", "v8"],
      ...[
        "npm:effect@4.1.0/Effect",
        "npm:left-pad",
        "jsr:@std/path",
        "https://deno.land/x/mod.ts",
        "http://localhost:PORT/x.js",
      ],
      ...["file:///etc/passwd", "file:///proc/self/environ", "ext:core/mod.js", "ext:deno_node/process.ts"],
    ])),
    may: ["value"],
    value: [],
  },
  {
    name: "a data module has no more than its parent",
    source:
      `export default async () => (await import("data:text/javascript,export default typeof Deno + typeof process")).default;`,
    may: ["value"],
    value: "undefinedundefined",
  },
  {
    name: "storage that needs no permission",
    source: tries([
      "localStorage.setItem('k', 'v'); return localStorage.getItem('k')",
      "sessionStorage.setItem('k', 'v'); return sessionStorage.getItem('k')",
      "await (await caches.open('c')).put('http://a/b', new Response('x')); return 'cached'",
      "return typeof indexedDB === 'undefined' ? undefined : 'indexedDB'",
    ]),
    may: ["value"],
    value: [],
  },
  {
    name: "network",
    source: tries([
      "await fetch('http://127.0.0.1:PORT/stolen'); return 'fetched'",
      "new WebSocket('ws://127.0.0.1:PORT/'); return 'socket'",
      "new EventSource('http://127.0.0.1:PORT/'); return 'events'",
      "new BroadcastChannel('x').postMessage('hello'); return 'broadcast'",
      "await WebAssembly.compileStreaming(fetch('http://127.0.0.1:PORT/x.wasm')); return 'wasm'",
    ]),
    may: ["value"],
    value: [],
  },
  {
    name: "workers",
    source: tries([
      "new Worker('data:text/javascript,Deno.exit(0)', { type: 'module' }); return 'worker'",
      "new SharedWorker('data:text/javascript,'); return 'shared'",
      "new ShadowRealm().evaluate('1'); return 'realm'",
    ]),
    may: ["value"],
    value: [],
  },
  {
    name: "the graphics device",
    source: tries([
      "return await navigator.gpu.requestAdapter() ? 'adapter' : 'gpu'",
      "return Object.getOwnPropertyNames(globalThis).filter((n) => n.startsWith('GPU')).join() || undefined",
    ]),
    may: ["value"],
    value: [],
  },
  {
    name: "questions at the terminal",
    source: tries(["return prompt('password?') ?? 'asked'", "return confirm('sure?')", "alert('boo'); return 'alert'"]),
    may: ["value"],
    value: [],
  },
  {
    name: "unhandled rejection",
    source:
      "Promise.reject(new Error('nobody cares')); export default () => new Promise((r) => setTimeout(() => r(1), 200));",
    may: ["CRASH"],
  },
  {
    name: "error thrown later",
    source:
      "setTimeout(() => { throw new Error('later'); }, 10); export default () => new Promise((r) => setTimeout(() => r(1), 200));",
    may: ["CRASH"],
  },
  {
    name: "words after the answer",
    source: `addEventListener("unload", () => console.log("after")); export default () => 1;`,
    may: ["FORGED", "value", "THREW"],
    value: 1,
  },
  {
    name: "never lets the process end",
    source: `globalThis.addEventListener?.("unload", () => { for (;;); }); export default () => 1;`,
    may: ["TIMEOUT", "value"],
    value: 1,
  },
];
