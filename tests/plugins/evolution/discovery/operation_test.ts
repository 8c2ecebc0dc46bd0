import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { JsonObject } from "../../../../kernel/mod.ts";
import { callAs, inWorkspace, OPEN_POLICY } from "../../../workspace.ts";
import { type Calls, inRuns } from "../runs/calls.ts";

interface Found {
  readonly formula: string;
  readonly program: string;
  readonly size: number;
  readonly error: number;
  readonly heldOut?: number;
  readonly length: number;
}

interface Answer {
  readonly run: string;
  readonly state: string;
  readonly digest: string;
  readonly resumed: boolean;
  readonly reproducible: boolean;
  readonly reason: string;
  readonly epochs: number;
  readonly names: ReadonlyArray<string>;
  readonly program: string;
  readonly formula?: {
    readonly chosen: Found;
    readonly found: ReadonlyArray<Found>;
    readonly variables: ReadonlyArray<string>;
    readonly leftOut: ReadonlyArray<{ readonly column: string; readonly reason: string }>;
    readonly points: { readonly fitted: number; readonly heldOut: number; readonly leftOut: number };
  };
  readonly scheme?: { readonly products: number; readonly faults: number; readonly text: ReadonlyArray<string> };
}

const discover = ({ call }: Calls, input: JsonObject): Promise<Answer> => call("evolution.discover", input);

const COUNT = 40;
const T = Array.from({ length: COUNT }, (_, i) => 0.1 * i - 1.9);
const S = Array.from({ length: COUNT }, (_, i) => ((i * 7) % COUNT) / 10 + 0.5);
/** Not exact, so that no run ends early: the sine of the number of the point is noise to the search. */
const NOISY = { t: T, s: S, y: T.map((t, i) => t * S[i] + Math.sin(2 * t) + 0.01 * Math.sin(12345 * i)) };
const QUICK = { work: 500_000, patience: 100 };

const asked = (epochs: number, more: JsonObject = {}): JsonObject => ({
  data: { columns: NOISY },
  target: "y",
  budget: { ...QUICK, epochs },
  islands: 2,
  seed: 5,
  ...more,
});

Deno.test("a formula is answered as a program that runs to the same numbers", () =>
  inRuns(async (calls) => {
    const y = T.map((t, i) => 3 * t / S[i]);
    const answer = await discover(calls, { ...asked(30), data: { columns: { t: T, s: S, y } }, name: "ratio" });
    assert.equal(answer.reason, "exact");
    assert.deepEqual(answer.names, ["ratio@1"]);
    assert.ok(answer.formula!.chosen.heldOut! < 1e-20);
    for (const i of [0, 17, 39]) {
      const inputs = { t: { type: "f64", values: [T[i]] }, s: { type: "f64", values: [S[i]] } };
      for (const program of [answer.program, { digest: answer.digest }]) {
        const ran = await calls.call<{ readonly value: { readonly values: ReadonlyArray<number> } }>(
          "rmil.run",
          { program, inputs },
        );
        assert.ok(Math.abs(ran.value.values[0] - y[i]) < 1e-9, JSON.stringify(ran));
      }
    }
  }));

Deno.test("what is found does not depend on workers, nor on being stopped and gone on with", () =>
  inRuns(async (calls) => {
    const whole = await discover(calls, asked(4));
    assert.equal(whole.reason, "epochs");
    await inRuns(async (others) => {
      const two = await discover(others, asked(4, { workers: 2 }));
      assert.equal(two.state, whole.state);
      assert.equal(two.digest, whole.digest);
    });
    await inRuns(async (others) => {
      const first = await discover(others, asked(2));
      assert.equal(first.epochs, 2);
      const second = await discover(others, asked(4));
      assert.ok(second.resumed && second.run === first.run);
      assert.equal(second.digest, whole.digest);
      assert.deepEqual(second.formula, whole.formula);
      const again = await discover(others, asked(4));
      assert.equal(again.state, second.state);
      assert.equal(again.epochs, 4);
    });
  }));

Deno.test("a run that was interrupted between two saves ends in the same state as one that never was", () =>
  inRuns(async (calls) => {
    const whole = await discover(calls, asked(6));
    await inRuns(async (others) => {
      const stop = Effect.runSync(Deferred.make<void>());
      const invoked = others.kernel.invoke({
        operation: "evolution.discover",
        input: asked(6),
        actor: "user@tty",
        onEvent: (event: unknown) =>
          (event as { epoch: number }).epoch === 5 ? Deferred.succeed(stop, undefined) : Effect.void,
      } as never) as Effect.Effect<unknown>;
      await Effect.runPromise(Effect.race(Effect.asVoid(invoked), Deferred.await(stop)));
      const stood: { runs: ReadonlyArray<{ generation: number }> } = await others.call("evolution.status", {});
      assert.equal(stood.runs[0].generation, 4);
      const after = await discover(others, asked(6));
      assert.ok(after.resumed);
      assert.equal(after.state, whole.state);
      assert.deepEqual(await others.lineage(after.run), await calls.lineage(whole.run));
    });
  }));

Deno.test("a run can be looked at, and its lineage holds everything that was found", () =>
  inRuns(async (calls) => {
    const answer = await discover(calls, asked(3, { run: "looked" }));
    assert.equal(answer.run, "looked");
    const { runs } = await calls.call<{ readonly runs: ReadonlyArray<{ readonly run: string }> }>(
      "evolution.status",
      { run: "looked" },
    );
    assert.equal(runs[0].run, "looked");
    const rows = await calls.lineage("looked");
    assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
    const sizes = new Set(rows.map(({ objectives }) => objectives![1]));
    for (const { size } of answer.formula!.found) assert.ok(sizes.has(size));
    assert.ok(rows.every(({ edit, failed }) => edit === "found" && failed === undefined));
    assert.equal(
      (await calls.failure("evolution.discover", asked(3, { run: "looked", seed: 6 }))).code,
      "EVOLUTION_RUN_TAKEN",
    );
  }));

Deno.test("every epoch is told: how far, how many, the best and the front", () =>
  inRuns(async ({ kernel }) => {
    const events: Array<{ readonly epoch: number; readonly best: string; readonly front: ReadonlyArray<unknown> }> = [];
    await Effect.runPromise(
      kernel.invoke({
        operation: "evolution.discover",
        input: asked(3),
        actor: "user@tty",
        onEvent: (event: unknown) => Effect.sync(() => void events.push(event as never)),
      } as never) as Effect.Effect<unknown>,
    );
    assert.deepEqual(events.map(({ epoch }) => epoch), [1, 2, 3]);
    assert.ok(events.every(({ best, front }) => typeof best === "string" && front.length > 0));
  }));

/** Calls with a file, in a folder of its own that may be read. */
const withFile = async (
  text: string,
  input: JsonObject,
): Promise<Answer | { readonly code: string; readonly message: string }> => {
  const path = Deno.makeTempFileSync({ suffix: ".csv" });
  Deno.writeTextFileSync(path, text);
  try {
    return await inWorkspace(
      (kernel) =>
        Effect.match(callAs(kernel, "evolution.discover", { ...input, data: { path } }), {
          onSuccess: (answer) => answer as unknown as Answer,
          onFailure: ({ code, message }) => ({ code, message }),
        }),
      OPEN_POLICY,
    );
  } finally {
    Deno.removeSync(path);
  }
};

const ROWS = T.map((t, i) => `${t},${S[i]},4,red,${2 * t + 1}`);

Deno.test("a table from a file: columns of text and constants are left out with a reason, rows with gaps too", async () => {
  const text = ["time,speed,four,colour,height", ...ROWS, "1,,4,red,3", "NA,1,4,red,3"].join("\n");
  const { formula } = await withFile(text, { ...asked(3), target: "height" }) as Answer;
  assert.deepEqual(formula!.variables, ["time", "speed"]);
  assert.deepEqual(formula!.leftOut.map(({ column }) => column), ["colour", "four"]);
  assert.equal(formula!.points.leftOut, 2);
  assert.equal(formula!.points.fitted + formula!.points.heldOut, COUNT);
  assert.equal(formula!.chosen.formula, "1 + 2*time");
});

for (
  const [name, text, at] of [
    ["whose rows have another number of fields, by the number of the record", "a,b\n1,2\n3\n", /record 3/u],
    ["that is empty", "", /no record/u],
  ] as const
) {
  Deno.test(`a table is refused: one ${name}`, async () => {
    const { code, message } = await withFile(text, { target: "b" }) as {
      readonly code: string;
      readonly message: string;
    };
    assert.equal(code, "NEURAL_DATA_MALFORMED");
    assert.match(message, at);
  });
}

const refusals: ReadonlyArray<readonly [string, JsonObject, string, string]> = [
  ["no data", { target: "y" }, "EVOLUTION_SETTING", "/data"],
  ["a column that is not there", { ...asked(1), target: "Y" }, "EVOLUTION_SETTING", "/target"],
  ["a variable that is not there", { ...asked(1), variables: ["t", "u"] }, "EVOLUTION_SETTING", "/variables/1"],
  ["the target as a variable", { ...asked(1), variables: ["y"] }, "EVOLUTION_SETTING", "/variables/0"],
  ["no operators", { ...asked(1), operators: [] }, "EVOLUTION_SETTING", "/operators"],
  [
    "columns of different lengths",
    { ...asked(1), data: { columns: { a: [1, 2], y: [1] } } },
    "EVOLUTION_SETTING",
    "/data/columns",
  ],
  ["too few points", { ...asked(1), data: { columns: { a: [1, 2, 3], y: [1, 2, 3] } } }, "EVOLUTION_SETTING", "/data"],
  [
    "nothing but constants",
    { ...asked(1), data: { columns: { a: T.map(() => 1), y: T } } },
    "EVOLUTION_SETTING",
    "/data",
  ],
  [
    "a target that never changes",
    { ...asked(1), data: { columns: { a: T, y: T.map(() => 3) } } },
    "EVOLUTION_SETTING",
    "/target",
  ],
  ["two sizes of matrices", { target: "matmul", size: [2, 2] }, "EVOLUTION_SETTING", "/size"],
  ["matrices of too many elements", { target: "matmul", size: [5, 4, 2] }, "EVOLUTION_LIMIT", "/size"],
];

for (const [name, input, code, path] of refusals) {
  Deno.test(`refused with its place: ${name}`, () =>
    inRuns(async ({ failure }) => {
      const found = await failure("evolution.discover", input);
      assert.deepEqual([found.code, found.path], [code, path]);
    }));
}

Deno.test("a misspelt column is answered with the near one", () =>
  inRuns(async ({ failure }) => {
    const data = { columns: { height: T, colour: S } };
    const found = await failure("evolution.discover", { ...asked(1), data, target: "hieght" });
    assert.deepEqual(found.suggestions, ["height"]);
  }));

Deno.test("more products than needed end at once, fewer than possible end with the best there is", () =>
  inRuns(async (calls) => {
    const known = await discover(calls, { target: "matmul", size: [2, 2, 2], products: 8 });
    assert.deepEqual([known.reason, known.scheme!.products, known.epochs], ["reached", 8, 0]);
    const none = await discover(calls, {
      target: "matmul",
      size: [1, 2, 2],
      products: 3,
      islands: 1,
      budget: { epochs: 1 },
    });
    assert.deepEqual([none.reason, none.scheme!.products, none.scheme!.faults], ["epochs", 4, 0]);
  }));
