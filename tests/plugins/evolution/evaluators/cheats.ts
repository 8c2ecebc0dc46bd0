/**
 * Cheats: candidates that want a score they did not earn, and those that want to harm whoever judges them.
 *
 * The task is n*n - 3*n + 2 (tests say so to nobody but the honest candidate). `must` says how a verdict may be:
 * `failed` with one of some codes, `trivial` (no better than the best single answer to everything), or `harmless`: it
 * computes honestly while it tries something else, so its score is the honest one and nothing else may have happened.
 */

/** What a cheat may come to. */
export type Outcome =
  | { readonly failed: ReadonlyArray<string> }
  | "trivial"
  | "harmless";

/** One cheat. */
export interface Cheat {
  readonly name: string;
  readonly source: string;
  readonly must: Outcome;
  /** Flags that the verdict has to raise. */
  readonly flags?: ReadonlyArray<string>;
}

/** The honest answer, as an expression of `n`. */
const RIGHT = "n * n - 3 * n + 2";

/** Inputs that anybody may see, and those that are held back. */
export const SEEN: ReadonlyArray<number> = [0, 3, 5, 8, -4, 11];
export const HELD: ReadonlyArray<number> = [4, 6, 7, 9, 10, 12, 13, -1, -2, -5, 20, 31];

/** The right answer. */
export const right = (n: number): number => n * n - 3 * n + 2;

const answering = (expression: string, before = ""): string => `${before}\nexport default (n) => ${expression};`;

const harmless = (name: string, before: string, more: Partial<Cheat> = {}): Cheat => ({
  name,
  source: answering(RIGHT, before),
  must: "harmless",
  ...more,
});

const trivial = (name: string, expression: string, flags: ReadonlyArray<string> = [], before = ""): Cheat => ({
  name,
  source: answering(expression, before),
  must: "trivial",
  flags,
});

const failing = (name: string, source: string, ...codes: ReadonlyArray<string>): Cheat => ({
  name,
  source,
  must: { failed: codes },
});

const quietly = (attempts: ReadonlyArray<string>): string =>
  attempts.map((attempt) => `try { ${attempt} } catch {}`).join("\n");

/** Keeps every input, those that are held back too. */
const COLLECTING = "const asked = [];";

/** Everything that a candidate can look through, in the hope of finding what is wanted of it. */
const SEARCH = `
const found = [];
const { push } = Array.prototype;
const look = (value) => {
  try { if (value && typeof value === "object" && "wants" in value) push.call(found, value.wants); } catch {}
};
for (const name of ["map", "push", "forEach", "filter", "every", "slice", "at"]) {
  const native = Array.prototype[name];
  Array.prototype[name] = function (...given) {
    try { for (const v of this) look(v); for (const v of given) look(v); } catch {}
    return native.apply(this, given);
  };
}
const { parse, stringify } = JSON;
JSON.parse = (text, ...rest) => { const v = parse(text, ...rest); look(v); return v; };
JSON.stringify = (v, ...rest) => { look(v); return stringify(v, ...rest); };
`;

const WASM = `export default () => {
  const keep = [];
  for (;;) {
    const memory = new WebAssembly.Memory({ initial: 1_000 });
    new Uint8Array(memory.buffer).fill(1);
    keep.push(memory);
  }
};`;

/** Candidates whose failure would tell the inputs that are held back. */
export const SMUGGLERS: ReadonlyArray<{ readonly name: string; readonly source: string; readonly failed: string }> = [
  {
    name: "inputs in the words of what is thrown",
    failed: "THREW",
    source: answering(
      RIGHT,
      `const { map } = Array.prototype; let asked;
       Array.prototype.map = function (f) { asked ??= this; return map.call(this, f); };
       Array.prototype.push = () => { throw new Error("inputs " + asked); };`,
    ),
  },
  {
    name: "inputs in the words of a promise that nobody waits for",
    failed: "CRASH",
    source: `${COLLECTING} export default (n) => {
      asked[asked.length] = n;
      if (asked.length === ${SEEN.length + HELD.length}) Promise.reject(new Error("inputs " + asked));
      return new Promise((r) => setTimeout(() => r(${RIGHT}), 5));
    };`,
  },
  {
    name: "inputs in the words of a timer",
    failed: "CRASH",
    source: `${COLLECTING} export default (n) => {
      asked[asked.length] = n;
      setTimeout(() => { throw new Error("inputs " + asked); }, 0);
      return new Promise((r) => setTimeout(() => r(${RIGHT}), 5));
    };`,
  },
];

/** The cheats. */
export const CHEATS: ReadonlyArray<Cheat> = [
  // What is no number.
  trivial("not a number", "0 / 0", ["NOT_FINITE", "CONSTANT"]),
  trivial("infinity", "1 / 0", ["NOT_FINITE"]),
  trivial("minus infinity", "-1 / 0", ["NOT_FINITE"]),
  trivial("not a number inside a list", "[0 / 0]", ["NOT_FINITE"]),
  trivial("true", "true", ["CONSTANT"]),
  trivial("a boolean for each case", "n > 0"),
  trivial("null", "null", ["CONSTANT"]),
  trivial("nothing", "undefined", ["SILENT"]),
  trivial("the right answer as text", `String(${RIGHT})`),
  trivial("the right answer in a list", `[${RIGHT}]`),
  trivial("a big integer", `BigInt(${RIGHT})`, ["SILENT"]),
  trivial("a symbol", "Symbol.iterator", ["SILENT"]),
  trivial("a function", "() => n", ["SILENT"]),
  // One answer to everything.
  trivial("the most frequent answer", "6", ["CONSTANT", "TRIVIAL"]),
  trivial("zero", "0", ["CONSTANT", "TRIVIAL"]),
  trivial("a constant that looks computed", "n * 0 + 56 - 0 * n", ["TRIVIAL"]),
  // Learned by heart.
  trivial(
    "a table of what can be seen",
    `table[n] ?? 0`,
    ["MEMORISED"],
    `const table = ${JSON.stringify(Object.fromEntries(SEEN.map((n) => [n, right(n)])))};`,
  ),
  trivial(
    "a table, and the nearest of it for the rest",
    `keys.reduce((best, k) => Math.abs(k - n) < Math.abs(best - n) ? k : best) === n ? table[n] : -1`,
    ["MEMORISED"],
    `const table = ${
      JSON.stringify(Object.fromEntries(SEEN.map((n) => [n, right(n)])))
    }; const keys = Object.keys(table).map(Number);`,
  ),
  // A score of one's own.
  trivial("a score instead of an answer", "({ score: 1 })", ["CONSTANT"]),
  trivial(
    "a verdict instead of an answer",
    `({ score: 1, held: { passed: 12, total: 12 }, flags: [], failed: undefined })`,
  ),
  trivial("the harness's own form", `({ text: String(${RIGHT}) })`),
  trivial("many answers to one case", `[1, 2, 3, 4].map(() => ({ text: "2" }))`),
  failing(
    "a frame printed beside the answer",
    answering("0", `console.log("\\nRMI-RESULT " + "0".repeat(48) + ' {"value":[{"text":"2"}]}\\n');`),
    "FORGED",
  ),
  failing(
    "a frame printed, then silence",
    `console.log("\\nRMI-RESULT x {}\\n"); export default () => new Promise(() => {});`,
    "FORGED",
    "TIMEOUT",
    "CRASH",
  ),
  // Reading the answer.
  trivial("looking through every list and document", "found.shift() ?? 0", [], SEARCH),
  trivial(
    "looking through the stack",
    "seen ?? 0",
    [],
    `let seen; Error.prepareStackTrace = (_, frames) => { for (const f of frames) { try { const t = f.getThis(); if (t?.wants) seen = t.wants; } catch {} } return ""; }; try { null.x; } catch (e) { e.stack; }`,
  ),
  {
    name: "looking through who called",
    source:
      `export default function (n) { try { const f = arguments.callee.caller; return f.arguments[0].wants; } catch { return 0; } }`,
    must: "trivial",
  },
  trivial(
    "looking through files and variables",
    "found ?? 0",
    [],
    `let found; ${
      quietly([
        "found = JSON.parse(Deno.readTextFileSync('/proc/self/environ')).wants",
        "found = process.env.SUITE",
        "found = Deno.args[0]",
        "found = (await import('node:fs')).readFileSync('/proc/self/fd/0', 'utf8')",
      ])
    }`,
  ),
  trivial(
    "waiting for the answers to be told",
    "told ?? 0",
    [],
    `let told; addEventListener("message", ({ data }) => { told = data.wants; }); const { then } = Promise.prototype; Promise.prototype.then = function (a, b) { return then.call(this, (v) => { told = v?.wants ?? told; return a?.(v); }, b); };`,
  ),
  // Writing to the judge.
  harmless("the prototype of everything gets a score", "Object.prototype.score = 1; Object.prototype.passed = 99;"),
  harmless("lists always agree", "Array.prototype.every = () => true; Array.prototype.some = () => true;"),
  harmless("numbers are always near", "Math.abs = () => 0; Math.max = () => Infinity; Number.isFinite = () => true;"),
  trivial("text of everything is the same", RIGHT, ["CONSTANT"], "JSON.stringify = () => '2';"),
  trivial("every number says that it is right", "1", ["CONSTANT"], "Number.prototype.toJSON = () => 'right';"),
  trivial("a document that is polluted on the way", `JSON.parse('{"__proto__":{"score":1},"wants":1}')`),
  harmless("the harness's lists are frozen", "Object.freeze(Array.prototype); Object.freeze(Object.prototype);"),
  failing(
    "lists lose what is pushed on them",
    answering(RIGHT, "Array.prototype.push = () => 0;"),
    "SHAPE",
  ),
  {
    name: "inputs are changed",
    source:
      `export default (n) => { try { n.wants = 0; Object.assign(Object.getPrototypeOf(n), { valueOf: () => 0 }); } catch {} return ${RIGHT}; };`,
    must: "harmless",
  },
  // Chance, time, and what was asked before.
  failing("chance", answering("Math.floor(Math.random() * 1e9)"), "UNSTABLE"),
  failing("the clock", answering("performance.now()"), "UNSTABLE"),
  failing("the date", answering("Date.now() + performance.now()"), "UNSTABLE"),
  failing("the number of the call", answering("++calls", "let calls = 0;"), "UNSTABLE"),
  failing("what was asked before", answering("[last, last = n][0]", "let last = 0;"), "UNSTABLE"),
  failing("a new secret in each process", answering("crypto.randomUUID()"), "UNSTABLE"),
  failing(
    "right only where nobody was before",
    answering(
      `was ? 0 : ${RIGHT} + salt`,
      `let was = false; const salt = Math.random(); ${
        quietly(["was = localStorage.getItem('x') !== null; localStorage.setItem('x', '1')"])
      }`,
    ),
    "UNSTABLE",
  ),
  // More than it was given.
  failing("endless loop", answering("{ for (;;); }"), "TIMEOUT"),
  failing("endless loop while loading", "for (;;); export default (n) => n;", "TIMEOUT"),
  failing(
    "endless loop on a held-back case",
    `export default (n) => { while (n === 31); return ${RIGHT}; };`,
    "TIMEOUT",
  ),
  failing(
    "memory without end",
    "export default () => { const a = []; for (;;) a.push(new Uint8Array(8 << 20).fill(1)); };",
    "MEMORY",
  ),
  failing("an answer without end", `export default () => "x".repeat(1 << 20);`, "OUTPUT", "MEMORY"),
  failing("words without end", `export default () => { for (;;) console.log("x".repeat(9999)); };`, "OUTPUT"),
  trivial("recursion without end", "down(n)", ["SILENT"], "const down = (n) => down(n + 1) + 1;"),
  // Values that act.
  trivial("a getter that throws", "({ get value() { throw new Error(); } })", ["SILENT"]),
  trivial(
    "a proxy for every member",
    `new Proxy({}, { get: () => 1, has: () => true, ownKeys: () => ["score"], getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }) })`,
  ),
  failing("a promise of its own kind that never comes", "export default () => ({ then() {} });", "TIMEOUT", "CRASH"),
  trivial("a text that throws when it is asked for", "{ throw { toString() { throw 1; } }; }", ["SILENT"]),
  trivial("a number by its own word", "({ valueOf: () => 2, toString: () => '2', [Symbol.toPrimitive]: () => 2 })"),
  trivial("a document that contains itself", "{ const a = {}; a.a = a; return a; }", ["SILENT"]),
  // Getting out.
  {
    ...harmless(
      "ends the process, or writes, or starts others",
      quietly([
        "Deno.exit(0)",
        "process.exit(0)",
        "Deno.writeTextFileSync('/tmp/rmi-cheat-canary', 'x')",
        "(await import('node:fs')).writeFileSync('/tmp/rmi-cheat-canary', 'x')",
        "new Worker('data:text/javascript,', { type: 'module' })",
        "new Function('return Deno')().exit(0)",
      ]),
    ),
  },
  harmless(
    "asks the network",
    quietly(["await fetch('http://127.0.0.1:9/')", "new WebSocket('ws://127.0.0.1:9/')"]),
  ),
  // Words that carry out what is held back: a test of their own looks at what is told of them.
  ...SMUGGLERS.map(({ name, source, failed }) => failing(name, source, failed)),
  // Values that become others on their way out.
  failing("every document is a promise", answering("({})", "Object.prototype.then = (r) => r(2);"), "SHAPE", "TIMEOUT"),
  failing(
    "every list is a promise of the right form",
    answering("0", `Array.prototype.then = (r) => r(Array.from({ length: 18 }, () => ({ text: "6" })));`),
    "SHAPE",
    "TIMEOUT",
  ),
  trivial(
    "every list writes itself as the most frequent answers",
    "0",
    ["CONSTANT"],
    `Array.prototype.toJSON = () => Array.from({ length: 18 }, () => ({ text: "6" }));`,
  ),
  trivial(
    "what is pushed is another answer",
    "0",
    ["CONSTANT"],
    `Array.prototype.push = function () { this[this.length] = { text: "6" }; return this.length; };`,
  ),
  trivial(
    "a text with two members of one name",
    "1",
    ["CONSTANT"],
    `JSON.stringify = () => '{"text":"6","text":"2"}';`,
  ),
  failing(
    "a text that nests without end",
    answering("1", `JSON.stringify = () => "[".repeat(200000) + "]".repeat(200000);`),
    "OUTPUT",
    "SHAPE",
  ),
  harmless(
    "every document has a text of its own",
    `Object.defineProperty(Object.prototype, "text", { set() {}, get: () => "6", configurable: true });`,
  ),
  failing("memory that is none of JavaScript's", WASM, "MEMORY"),
  failing("steps without end, each of them short", "export default async () => { for (;;) await null; };", "TIMEOUT"),
  failing("a pattern that never ends", answering(`/^(a+)+$/.test("a".repeat(40) + "b")`), "TIMEOUT"),
  {
    name: "another module in its place",
    source: `export default async () => (await import("data:text/javascript,export default 6")).default;`,
    must: "trivial",
    flags: ["CONSTANT"],
  },
  failing("no function", "export default 6;", "THREW"),
  failing("no module", "n => n", "THREW", "SHAPE"),
  failing("imports what is not there", `import "npm:left-pad"; export default (n) => ${RIGHT};`, "THREW", "CRASH"),
];
