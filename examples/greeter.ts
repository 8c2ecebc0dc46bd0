/**
 * Greeter: a third-party plugin in one file, written from docs/writing-a-plugin.md alone.
 *
 * It shows what a plugin can do: answer, fail with a fix, stream events, read and write files under the caller's grants,
 * and call another plugin's operation.
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { CallContext, Disk, failure, implementation, operation, type Plugin, role } from "@rmi/rmi/plugin";

const nobody = failure("GREETER_NOBODY", {
  doc: "There is nobody to greet.",
  recoverable: true,
  says: () => "Cannot greet nobody",
  fix: () => ({ summary: "Greet the world", patch: [{ op: "replace", path: "/name", value: "world" }] }),
});

const common = { cost: { compute: "constant" }, idempotent: true, reversible: true, stability: "stable" as const };

const Hello = operation("greeter.hello", {
  ...common,
  summary: "Greet somebody by name.",
  input: { name: Schema.String },
  output: Schema.Struct({ text: Schema.String }),
  failures: [nobody],
  effects: [],
  examples: [{ input: { name: "Ada" }, output: { text: "Hello, Ada" } }],
});

const Count = operation("greeter.count", {
  ...common,
  summary: "Greet several times, one event a greeting.",
  input: { name: Schema.String, times: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })) },
  output: Schema.Struct({ greeted: Schema.Int }),
  event: Schema.Struct({ text: Schema.String }),
  failures: [],
  effects: [],
  examples: [{ input: { name: "Ada", times: 2 }, output: { greeted: 2 } }],
});

const Letter = operation("greeter.letter", {
  ...common,
  summary: "Write a greeting into a file.",
  input: { name: Schema.String, file: role("writePath", "Where the letter goes") },
  output: Schema.Struct({ bytes: Schema.Int }),
  failures: [],
  effects: ["writeLocal"],
  examples: [{ input: { name: "Ada", file: "out/letter.txt" }, output: { bytes: 11 } }],
});

const Find = operation("greeter.find", {
  ...common,
  summary: "Ask the system which of its operations greets.",
  input: {},
  output: Schema.Struct({ ids: Schema.Array(Schema.String) }),
  failures: [],
  effects: [],
  examples: [{ input: {} }],
});

const code = implementation({
  operations: [Hello, Count, Letter, Find],
  requires: [],
  layer: Layer.empty,
  handlers: {
    "greeter.hello": ({ name }) =>
      name.trim() === "" ? Effect.fail(nobody({ path: "/name" })) : Effect.succeed({ text: `Hello, ${name}` }),
    "greeter.count": ({ name, times }) =>
      Effect.gen(function* () {
        const call = yield* CallContext;
        for (let at = 1; at <= times; at++) {
          yield* call.emit({ text: `Hello ${at}, ${name}` });
          yield* call.progress({ label: "greeting", done: at, total: times });
        }
        return { greeted: times };
      }),
    "greeter.letter": ({ name, file }) =>
      Effect.gen(function* () {
        const text = `Hello, ${name}\n`;
        yield* (yield* Disk).write(file, text);
        return { bytes: new TextEncoder().encode(text).length };
      }),
    "greeter.find": () =>
      Effect.gen(function* () {
        const call = yield* CallContext;
        const found = yield* call.invoke("kernel.search", { query: "greet somebody", limit: 3 });
        return { ids: (found as { hits: ReadonlyArray<{ id: string }> }).hits.map(({ id }) => id) };
      }),
  },
});

const greeter: Plugin = {
  id: "greeter",
  version: "1.0.0",
  summary: "Greets people.",
  provides: [],
  requires: [],
  effects: ["writeLocal"],
  kinds: [],
  stability: "stable",
  namespaces: [{
    name: "greeter",
    summary: "greetings",
    recipes: [{ task: "greet somebody in a file", steps: ["greeter.hello", "greeter.letter"] }],
  }],
  operations: () => [Hello, Count, Letter, Find],
  load: () => ({ default: code }),
};

export default greeter;
