import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { digestJson } from "../../../kernel/mod.ts";
import * as Layer from "effect/Layer";
import { layerSandbox, type LedgerEvent, Sandbox, sandboxFailures } from "../../../effects/mod.ts";
import { layerSupervisorLocal } from "../../../kernel/platform/supervisor.ts";
import { VALIDATORS } from "../../../plugins/norion/genome.ts";
import { DEFAULT_POLICY as policy } from "../../../plugins/norion/policy.ts";
import { asksForCode, codeOf, trialOf } from "../../../plugins/norion/review/code.ts";
import { stanceOn } from "../../../plugins/norion/review/grounding.ts";
import {
  MAX_PROOF_STEPS,
  MAX_TERM_DEPTH,
  parseProof,
  parseRule,
  parseTerm,
} from "../../../plugins/norion/review/proof_text.ts";
import { evidenceEvent, evidenceFold, MOST_WITNESSES, statementsOn } from "../../../plugins/norion/state/evidence.ts";
import { type Judges, type Subject, validate } from "../../../plugins/norion/review/validators.ts";
import { symbolicDefault } from "../../../plugins/rmil/library.ts";

const judges: Judges = { logic: symbolicDefault };

const judged = (given: Partial<Subject>, more: Partial<Judges> = {}) =>
  Effect.runPromise(
    validate(
      { prompt: "", answer: "", digest: digestJson("answer"), facts: [], materials: {}, ...given },
      VALIDATORS,
      { ...judges, ...more },
      policy,
    ),
  );

const resultOf = async (validator: string, given: Partial<Subject>, more: Partial<Judges> = {}) =>
  (await judged(given, more)).findings.find((one) => one.validator === validator)?.result;

Deno.test("whoever has nothing to judge by is silent, and silence of who had to speak is named", async () => {
  const { findings, missing } = await judged({ prompt: "What is a monad?", answer: "A monoid of endofunctors." });
  assert.deepEqual(findings, []);
  assert.deepEqual(new Set(missing), new Set(VALIDATORS));
});

Deno.test("an equation speaks for an answer only where it is about the numbers that were asked about", async () => {
  assert.equal(await resultOf("arithmetic", { prompt: "What is 17 * 3?", answer: "17 * 3 = 51." }), 1);
  assert.equal(await resultOf("arithmetic", { prompt: "What is 17 * 3?", answer: "17 * 3 = 52." }), 0);
  assert.equal(await resultOf("arithmetic", { prompt: "Who was Ada?", answer: "1 = 1, so a poet." }), undefined);
  assert.equal(await resultOf("arithmetic", { prompt: "Who was Ada?", answer: "2 + 2 = 5, so a poet." }), 0);
  assert.equal(await resultOf("arithmetic", { prompt: "17乘以3是多少?", answer: "答案:17 × 3 = 51。" }), 1);
});

const SCHEMA = { type: "object", required: ["n"], properties: { n: { type: "integer" } }, additionalProperties: false };

Deno.test("data that was asked for fits its schema, does not, or is no data", async () => {
  const result = (answer: string, schema: Subject["materials"]["schema"] = SCHEMA) =>
    resultOf("json-schema", { answer, materials: { schema } });
  assert.equal(await result('{"n": 3}'), 1);
  assert.equal(await result('Here it is:\n```json\n{"n": 3}\n```\n'), 1);
  assert.equal(await result('{"n": 3.5}'), 0);
  assert.equal(await result("n is 3"), 0);
  assert.equal(await result('{"n": 3}', { unevaluatedProperties: false }), undefined);
});

const PROOF = "The proof:\n1. p(a) [given]\n2. implies(p(a), q(a)) [given]\n3. q(a) [modus ponens 2, 1]\nDone.";

Deno.test("a proof is right, has a wrong step, or leans on what nobody gave", async () => {
  const prompt = "Show q(a) from\n1. p(a) [given]\n2. implies(p(a), q(a)) [given]";
  assert.equal(await resultOf("proof", { prompt, answer: PROOF }), 1);
  assert.equal(await resultOf("proof", { prompt, answer: PROOF.replace("3. q(a)", "3. q(b)") }), 0);
  assert.equal(await resultOf("proof", { prompt, answer: PROOF.replace("1. p(a)", "1. p(b)") }), 0);
  assert.equal(await resultOf("proof", { prompt: "Show q(a)", answer: PROOF }), undefined);
  const materials = { axioms: ["p(a)", "implies(p(a), q(a))"] };
  assert.equal(await resultOf("proof", { answer: PROOF, materials }), 1);
  assert.equal(
    await resultOf("proof", {
      answer: "1. even(two) [given]\n2. odd(s(two)) [next 1]",
      materials: { axioms: ["even(two)"], rules: ["next: even(X) => odd(s(X))"] },
    }),
    1,
  );
});

Deno.test("proof text is read as terms, rules and steps, and what is none is passed over", () => {
  assert.deepEqual(parseTerm("f(X, a)"), {
    kind: "compound",
    functor: "f",
    args: [{ kind: "variable", name: "X" }, { kind: "compound", functor: "a", args: [] }],
  });
  for (const text of ["", "f(", "f(a", "f(a))", "f(a,)", "a b", `${"f(".repeat(5000)}a${")".repeat(5000)}`]) {
    assert.equal(parseTerm(text), undefined, text.slice(0, 20));
  }
  assert.equal(parseRule("no rule at all"), undefined);
  assert.deepEqual(parseRule("fact: => p")?.premises, []);
  assert.deepEqual(
    parseProof("1. p [given]\nwords\n2) or(p, q) [or 1]\n3. r [magic 9]").map(({ by, from }) => [by, from]),
    [
      ["given", []],
      ["or", [0]],
      ["magic", [2]],
    ],
  );
});

Deno.test("a term as deep as the limit is read, one deeper is not; of a proof as many steps as the limit are read", () => {
  const nested = (depth: number) => `${"f(".repeat(depth)}a${")".repeat(depth)}`;
  assert.ok(parseTerm(nested(MAX_TERM_DEPTH)) !== undefined);
  assert.equal(parseTerm(nested(MAX_TERM_DEPTH + 1)), undefined);
  const proof = (steps: number) => Array.from({ length: steps }, (_, at) => `${at + 1}. p [given]`).join("\n");
  assert.equal(parseProof(proof(MAX_PROOF_STEPS)).length, MAX_PROOF_STEPS);
  assert.equal(parseProof(proof(MAX_PROOF_STEPS + 1)).length, MAX_PROOF_STEPS);
});

Deno.test("as many witnesses as the limit are heard on a request, one more is not; each may say otherwise later", () => {
  const hash = digestJson("event");
  const about = { request: "r1", scope: hash, profile: "general", genes: [] } as const;
  const given = (witness: number, result: number): LedgerEvent => {
    const statement = { source: "user", subject: "answer", result, digest: hash } as const;
    const { type, actor, data } = evidenceEvent(about, statement, `w${witness}`, "user@tty");
    return { seq: witness + 1, at: "2026-01-01T00:00:00.000Z", type, actor, data, hash, previous: hash };
  };
  const all = Array.from({ length: MOST_WITNESSES }, (_, at) => given(at, 1)).reduce(
    evidenceFold.step,
    evidenceFold.initial,
  );
  assert.equal(statementsOn(all, "r1").length, MOST_WITNESSES);
  assert.equal(evidenceFold.step(all, given(MOST_WITNESSES, 1)), all);
  const changed = statementsOn(evidenceFold.step(all, given(3, 0)), "r1");
  assert.deepEqual([changed.length, changed.at(-1)?.statement.result], [MOST_WITNESSES, 0]);
});

Deno.test("what is remembered agrees, contradicts or has nothing to say, in two languages (20.24)", () => {
  const stance = (answer: string, text: string) => stanceOn(answer, { id: "f", text }, policy);
  assert.equal(stance("Mars has 7 moons.", "Mars has 2 moons."), "contradicts");
  assert.equal(stance("Mars has 2 moons; Venus has none.", "Mars has 2 moons."), "agrees");
  assert.equal(stance("Jupiter has 95 moons.", "Mars has 2 moons of rock."), "silent");
  assert.equal(stance("The budget is 1200 euros.", "The budget is 1,200 euros."), "agrees");
  assert.equal(stance("My home city is Turku now.", "My home city is Porto."), "contradicts");
  assert.equal(stance("My home city is Porto, of course.", "My home city is Porto."), "agrees");
  assert.equal(stance("火星有7颗卫星。", "火星有2颗卫星。"), "contradicts");
  assert.equal(stance("火星有2颗卫星。", "火星有2颗卫星。"), "agrees");
  assert.equal(stance("", "Mars has 2 moons."), "silent");
});

Deno.test("a run's own notes prove nothing, a person's facts do, and one contradiction outweighs any agreement", async () => {
  const fact = (standing: "user" | "self", text = "Mars has 2 moons.") => ({ id: standing, text, standing });
  const result = (answer: string, facts: Subject["facts"]) => resultOf("citation", { answer, facts });
  assert.equal(await result("Mars has 2 moons.", [fact("self")]), undefined);
  assert.equal(await result("Mars has 2 moons.", [fact("user")]), 1);
  assert.equal(await result("Mars has 3 moons.", [fact("user")]), 0);
  const phobos = { id: "p", standing: "user", text: "Phobos is 22 km across." } as const;
  assert.equal(await result("Mars has 2 moons. Phobos is 90 km across.", [fact("user"), phobos]), 0);
  const seen = await judged({ answer: "Mars has 3 moons.", facts: [fact("self")] });
  assert.deepEqual([seen.agrees, seen.contradicts], [[], ["self"]]);
});

const CODE = "Here:\n```ts\nexport const twice = (n: number): number => 2 * n;\n```\n";

Deno.test("code is asked for by a verb and a thing, in two languages; a question about code asks for none (20.22)", () => {
  for (
    const prompt of ["Write a function that sorts.", "Fix this loop, please.", "请写一个排序函数。", "实现这个模块"]
  ) {
    assert.ok(asksForCode(prompt), prompt);
  }
  for (const prompt of ["What does this function do?", "Write a poem.", "这个函数是什么意思?", "Is the code good?"]) {
    assert.ok(!asksForCode(prompt), prompt);
  }
});

Deno.test("code that is run is the answer's alone: without exports, without imports, in a language that can be run", () => {
  assert.deepEqual(codeOf(CODE).map(({ language }) => language), ["ts"]);
  const source = trialOf(CODE, "if (twice(2) !== 4) throw 0;")!;
  assert.ok(source.includes("const twice") && !source.includes("export const twice"));
  assert.equal(trialOf("no code", ""), undefined);
  assert.equal(trialOf("```python\nprint(1)\n```\n", ""), undefined);
  assert.equal(trialOf('```ts\nimport fs from "node:fs";\n```\n', ""), undefined);
});

Deno.test("code that passes its tests is right, that fails or does not load is wrong, that cannot be run is not judged (20.22)", async () => {
  const result = (answer: string, trial: Judges["trial"], tests?: string) =>
    resultOf(
      "command",
      { answer, materials: tests === undefined ? {} : { tests } },
      trial === undefined ? {} : { trial },
    );
  const passes = () => Effect.succeed(true);
  const threw = () => Effect.fail(sandboxFailures.threw({ detail: "no" }));
  assert.equal(await result(CODE, passes, "twice(1)"), 1);
  assert.equal(await result(CODE, passes), policy["review.loads"]);
  assert.equal(await result(CODE, threw, "twice(1)"), 0);
  assert.equal(await result(CODE, undefined, "twice(1)"), undefined);
  assert.equal(await result("no code", passes, "twice(1)"), undefined);
});

Deno.test("a program that a person named judges by how it ends; one that is absent says nothing", async () => {
  const result = (end: { readonly code: number; readonly stopped?: string }) =>
    resultOf("command", { answer: "42", materials: { program: "judge" } }, { program: () => Effect.succeed(end) });
  assert.equal(await result({ code: 0 }), 1);
  assert.equal(await result({ code: 3 }), 0);
  assert.equal(await result({ code: -1, stopped: "timeout" }), 0);
  assert.equal(await result({ code: -1, stopped: "absent" }), undefined);
});

Deno.test("what validators say carries no word of the answer", async () => {
  const secret = "xylophone-marmalade";
  const said = await judged({
    prompt: "What is 2 + 2?",
    answer: `${secret}: 2 + 2 = 5. {"${secret}": 1}\n1. ${secret.replaceAll("-", "_")} [given]`,
    facts: [{ id: "f", text: "Mars has 2 moons.", standing: "user" }],
    materials: { schema: SCHEMA, axioms: ["p"] },
  });
  assert.ok(said.findings.length >= 3);
  assert.ok(!JSON.stringify(said.findings).includes("xylophone"));
});

const REAL = layerSandbox.pipe(
  Layer.provide(layerSupervisorLocal({
    workspace: "/",
    root: new URL("../../../", import.meta.url).href,
    optional: {},
  })),
);

Deno.test("in the real sandbox code passes or fails its tests, does not load, and cannot reach out", () =>
  Effect.runPromise(
    Effect.scoped(Effect.gen(function* () {
      const { run } = yield* Sandbox;
      const result = (code: string, tests: string) =>
        Effect.map(
          validate(
            {
              prompt: "",
              answer: `\`\`\`ts\n${code}\n\`\`\`\n`,
              digest: digestJson("answer"),
              facts: [],
              materials: { tests },
            },
            [],
            { ...judges, trial: run },
            policy,
          ),
          ({ findings }) => findings.map((one) => [one.validator, one.result]),
        );
      const twice = "export const twice = (n: number): number => 2 * n;";
      assert.deepEqual(yield* result(twice, "if (twice(2) !== 4) throw new Error();"), [["command", 1]]);
      assert.deepEqual(yield* result(twice, "if (twice(2) !== 5) throw new Error();"), [["command", 0]]);
      assert.deepEqual(yield* result("const twice = (n => ;", ""), [["command", 0]]);
      assert.deepEqual(yield* result(`${twice}\nDeno.readTextFileSync("/etc/hostname");`, "twice(1)"), [[
        "command",
        0,
      ]]);
    })).pipe(Effect.provide(REAL)),
  ));
