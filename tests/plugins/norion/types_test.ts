/** Types of code in answers: checked where the compiler is there, and said not to be where it is not. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { typedOf } from "../../../plugins/norion/review/code.ts";
import { type TypesChecked, typesChecked } from "../../../plugins/norion/review/types_job.ts";
import { drafted, exchange, withNorion } from "./answering.ts";
import { call, withPrograms } from "./program_models.ts";

const fenced = (code: string, language = "ts") =>
  `Here it is, the sum of two numbers.\n\n\`\`\`${language}\n${code}\n\`\`\`\n`;
const GOOD = "const sum = (a: number, b: number): number => a + b;\nconsole.log(sum(1, 2));";
const BAD = "const sum = (a: number, b: number): string => a + b;\nconsole.log(sum(1, 2));";
const PROMPT = "Write a TypeScript function that adds two numbers.";

const faultsOf = async (source: string) => {
  const checked = await typesChecked({ source });
  assert.ok("faults" in checked, "the package typescript is not in the cache: deno install");
  return checked.faults.map(({ code, line }) => [code, line]);
};

Deno.test("the compiler names the fault and its line, knows the language, and asks for no platform's types", async () => {
  assert.deepEqual(await faultsOf(GOOD), []);
  assert.deepEqual(await faultsOf(BAD), [[2322, 1]]);
  assert.deepEqual(await faultsOf("const n: number = undefined;"), [[2322, 1]]);
  assert.deepEqual(await faultsOf("\n\nlet x = nobody;"), [[2304, 3]]);
  const modern = "const m = new Map([[1, 'a']]); for (const [k, v] of m) console.log(k, v.at(-1), [3].toSorted(), m);";
  assert.deepEqual(await faultsOf(`${modern}\nawait fetch("x"); Deno.exit(0); export {};`), []);
});

Deno.test("only code with types that stands alone is checked", () => {
  assert.match(typedOf(fenced(GOOD))!, /const sum/u);
  assert.equal(typedOf(fenced(GOOD, "js")), undefined);
  assert.equal(typedOf(fenced('import x from "y";')), undefined);
  assert.equal(typedOf("no code"), undefined);
});

const here = (source: { readonly source: string }): Effect.Effect<TypesChecked> =>
  Effect.promise(() => typesChecked(source));

Deno.test("code whose types do not fit is evidence against an answer, code whose types fit is for it", () =>
  withNorion((norion) =>
    Effect.gen(function* () {
      const judges = { types: here };
      const bad = yield* exchange(norion, PROMPT, fenced(BAD), { judges });
      const good = yield* exchange(norion, PROMPT, fenced(GOOD), { judges });
      assert.deepEqual([bad.settled.proven, good.settled.proven], [true, true]);
      assert.ok(bad.settled.quality < 200, String(bad.settled.quality));
      // Nobody has run it, so it is still held down.
      assert.equal(good.settled.quality, 200);
      assert.ok(bad.conclusion.reward.total < good.conclusion.reward.total);
    })
  ));

Deno.test("a draft whose types do not fit is asked for again with what the compiler says", () =>
  withNorion((norion) =>
    Effect.gen(function* () {
      let checks = 0;
      const { draft, told } = yield* drafted(norion, PROMPT, [fenced(BAD), fenced(GOOD)], {
        types: (source) => Effect.suspend(() => (checks++, here(source))),
      });
      assert.deepEqual([draft.calls, draft.repaired], [2, true]);
      assert.match(told[1], /TS2322 on line 1: Type 'number' is not assignable to type 'string'/u);
      // Each draft is looked at once: what mends it and what judges it are the same look.
      assert.equal(checks, 2);
    })
  ));

Deno.test("where there is no compiler the answer says that nobody checked, and nothing is proven by it", () =>
  withNorion((norion) =>
    Effect.gen(function* () {
      const absent = () => Effect.succeed({ absent: "there is no typescript; run rmi install typescript" });
      const { settled } = yield* exchange(norion, PROMPT, fenced(BAD), { judges: { types: absent } });
      assert.deepEqual(settled.silent, ["types: there is no typescript; run rmi install typescript"]);
      assert.equal(settled.proven, false);
      const plain = yield* exchange(norion, PROMPT, "It adds numbers.", { judges: { types: absent } });
      assert.equal(plain.settled.silent, undefined);
    })
  ));

Deno.test("through the operation a worker checks the types, and why names the witness", () =>
  withPrograms({ coder: { answer: fenced(BAD), quality: 0.9, cost: 0 } }, (kernel) =>
    Effect.gen(function* () {
      const made = yield* call(kernel, "norion.ask", { prompt: PROMPT, reach: "machine", profile: "coding" });
      assert.equal(made.unjudged, undefined);
      const { lines } = yield* call(kernel, "norion.why", {}) as Effect.Effect<never>;
      assert.match((lines as ReadonlyArray<string>).join("\n"), /validator types says 0\.000/u);
    })));
