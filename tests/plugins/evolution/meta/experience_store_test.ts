import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import {
  type Failure,
  implementation,
  type Json,
  type KernelFailure,
  operation,
  type Plugin,
  VERSION,
} from "../../../../kernel/mod.ts";
import { remember, warmStart } from "../../../../plugins/evolution/meta/experience_store.ts";
import { taskFeatures } from "../../../../plugins/evolution/meta/features.ts";
import { openRmi } from "../../../../plugins/open.ts";
import { Artifacts } from "../../../../registry/contract.ts";
import { callAs } from "../../../workspace.ts";

const Numbers = Schema.Array(Schema.Finite);

const declared = {
  failures: [],
  effects: ["readLocal", "writeLocal"],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "unstable",
} as const;

/** Remembers what a task of one column was best solved with. */
const Remember = operation("demo.remember", {
  ...declared,
  summary: "Remember.",
  input: { target: Numbers, setting: Schema.Int, score: Schema.Finite },
  output: Schema.Struct({ digest: Schema.String }),
  examples: [{ input: { target: [1, 2], setting: 1, score: 1 } }],
});

/** Asks what to try on one. */
const Ask = operation("demo.ask", {
  ...declared,
  summary: "Ask.",
  input: { target: Numbers, count: Schema.Int },
  output: Schema.Struct({ settings: Schema.Array(Schema.Json) }),
  examples: [{ input: { target: [1, 2], count: 1 } }],
});

const featuresOf = (target: ReadonlyArray<number>) => taskFeatures({ columns: [target.map((_, i) => i)], target });

const asKernel = Effect.mapError((failure: Failure) => failure as KernelFailure);

const demo: Plugin = {
  id: "demo",
  version: VERSION,
  summary: "Remembers.",
  provides: [],
  requires: [{ capability: "rmi/Artifacts", range: "^1.0.0" }],
  effects: ["readLocal", "writeLocal"],
  kinds: [],
  stability: "unstable",
  namespaces: [{ name: "demo", summary: "experience" }],
  operations: () => [Remember, Ask],
  load: () => ({
    default: implementation({
      operations: [Remember, Ask],
      requires: [Artifacts],
      layer: Layer.empty,
      handlers: {
        "demo.remember": ({ target, setting, score }) =>
          Effect.map(
            asKernel(remember({ space: "s", features: featuresOf(target), tried: [{ setting, score }] })),
            ({ digest }) => ({ digest }),
          ),
        "demo.ask": ({ target, count }) =>
          Effect.map(
            asKernel(warmStart({ space: "s", features: featuresOf(target), count })),
            (found) => ({ settings: found.map(({ setting }) => setting) }),
          ),
      },
    }),
  }),
};

const inDemo = async (
  body: (call: (operation: string, input: Json) => Promise<never>, workspace: string) => Promise<void>,
): Promise<void> => {
  const workspace = Deno.makeTempDirSync({ prefix: "rmi-test-" });
  try {
    await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(
          openRmi({ workspace, plugins: [demo] }),
          (kernel) =>
            Effect.promise(() =>
              body((name, input) => Effect.runPromise(callAs(kernel, name, input)) as Promise<never>, workspace)
            ),
        ),
      ) as Effect.Effect<void>,
    );
  } finally {
    Deno.removeSync(workspace, { recursive: true });
  }
};

const LINE = Array.from({ length: 30 }, (_, i) => 2 * i);
const WAVE = Array.from({ length: 30 }, (_, i) => Math.sin(i));
const STEP = Array.from({ length: 30 }, (_, i) => Number(i > 20));

Deno.test("what was remembered of the nearest task is suggested first, whatever was stored first", () =>
  inDemo(async (call) => {
    await call("demo.remember", { target: WAVE, setting: 2, score: 0.1 });
    await call("demo.remember", { target: LINE, setting: 1, score: 0.5 });
    await call("demo.remember", { target: STEP, setting: 3, score: 0.01 });
    const near = LINE.map((value) => 3 * value + 1);
    const { settings }: { settings: number[] } = await call("demo.ask", { target: near, count: 2 });
    assert.equal(settings[0], 1);
    const { settings: waves }: { settings: number[] } = await call("demo.ask", { target: WAVE, count: 1 });
    assert.deepEqual(waves, [2]);
  }));

Deno.test("without experience there is nothing to suggest", () =>
  inDemo(async (call) => {
    assert.deepEqual(await call("demo.ask", { target: LINE, count: 3 }), { settings: [] });
  }));

Deno.test("an experience whose bytes are damaged is passed over, and the others still speak", () =>
  inDemo(async (call, workspace) => {
    const { digest }: { digest: string } = await call("demo.remember", { target: LINE, setting: 1, score: 0.5 });
    await call("demo.remember", { target: WAVE, setting: 2, score: 0.1 });
    const hex = digest.slice("sha256:".length);
    Deno.writeTextFileSync(`${workspace}/.rmi/artifacts/${hex.slice(0, 2)}/${hex}`, "damaged");
    const { settings }: { settings: number[] } = await call("demo.ask", { target: LINE, count: 2 });
    assert.deepEqual(settings, [2]);
  }));
