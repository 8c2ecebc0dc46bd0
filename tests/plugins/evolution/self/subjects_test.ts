/** Modules and settings as subjects, rollbacks step by step, and the look at what was applied. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Actor } from "../../../../kernel/actor.ts";
import type { Failure, Json, Kernel } from "../../../../kernel/mod.ts";
import { openRmi } from "../../../../plugins/open.ts";
import { inWorkspace } from "../../../workspace.ts";

// deno-lint-ignore no-explicit-any
type Answer = any;

const call = (kernel: Kernel, operation: string, input: Json, actor: Actor = "agent:a") =>
  kernel.invoke({ operation, input, actor }) as Effect.Effect<Answer, Failure>;

const cases = (inputs: ReadonlyArray<number>) => inputs.map((n) => ({ input: n, wants: 3 * n + 1 }));
const SUITE = {
  name: "affine",
  kind: "module",
  seen: cases([0, 1, 2]),
  held: JSON.stringify(cases([3, 4, -5, -6])),
  tolerance: 1e-6,
};

const decide = (kernel: Kernel, { proposal }: Answer) =>
  Effect.andThen(
    call(kernel, "proposals.decide", { proposal, verdict: "approve" }, "user@tty"),
    call(kernel, "evolution.apply", { proposal }),
  );

const register = (kernel: Kernel, more: { readonly [member: string]: Json }) =>
  Effect.flatMap(
    call(kernel, "evolution.registerProgram", { name: "affine", suite: SUITE, ...more }),
    (made) => decide(kernel, made),
  );

const modify = (kernel: Kernel, target: string, edit: Json, reason = "a test") =>
  call(kernel, "evolution.modify", { target, edit, reason });

const MODULE = "export default (n: number): number => Math.max(0, 3 * n + 1);";
const RIGHT = "export default (n: number): number => 3 * n + 1;";

const SETTINGS: Json = {
  values: { slope: 1, shift: 1, form: "line" },
  space: [
    { kind: "float", name: "slope", low: 0, high: 10 },
    { kind: "int", name: "shift", low: -5, high: 5 },
    { kind: "choice", name: "form", options: ["line", "bend"] },
  ],
  reader:
    `export default ({ settings: { slope, shift, form }, input }) => form === "bend" ? Math.max(0, slope * input + shift) : slope * input + shift;`,
};

const listed = (kernel: Kernel, target: string) =>
  Effect.map(
    call(kernel, "evolution.registered", {}),
    ({ subjects }) => subjects.find((one: Answer) => one.target === target),
  );

Deno.test("a module is changed by another text, judged in the sandbox, and what it tries to do there does not happen", () => {
  const canary = `${Deno.makeTempDirSync()}/canary`;
  return inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* register(kernel, { module: MODULE });
      const text = `try { Deno.writeTextFileSync(${JSON.stringify(canary)}, "x"); } catch {}
        try { globalThis.__proto__.score = 1; Object.prototype.ok = true; } catch {}
        ${RIGHT}`;
      const made = yield* modify(kernel, "programs.affine", { kind: "text", text });
      assert.deepEqual([made.state, made.trial.before.score, made.trial.after.score], ["ready", 0.5, 1]);
      assert.equal((yield* decide(kernel, made)).state, "applied");
      assert.throws(() => Deno.statSync(canary), Deno.errors.NotFound);
      assert.equal(({} as { ok?: boolean }).ok, undefined);
      const forged = yield* modify(kernel, "programs.affine", {
        kind: "text",
        text: "export default () => ({ ok: true, score: 1, failed: undefined });",
      });
      assert.deepEqual([forged.state, forged.trial.after.score], ["held", 0]);
    })
  );
});

Deno.test("settings are changed within their space only, and judged by the module that reads them", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* register(kernel, { settings: SETTINGS });
      const target = "settings.affine";
      const misfits: ReadonlyArray<Json> = [
        { kind: "set", values: { slope: 11 } },
        { kind: "set", values: { slope: "3" } },
        { kind: "set", values: { shift: 0.5 } },
        { kind: "set", values: { form: "curve" } },
        { kind: "set", values: { guard: false } },
        { kind: "set", values: { slope: 1 } },
        { kind: "delete", path: "" },
        { kind: "text", text: "{}" },
      ];
      for (const edit of misfits) {
        const failed = yield* Effect.flip(modify(kernel, target, edit));
        assert.equal(failed.code, "EVOLUTION_CHANGE", JSON.stringify(edit));
      }
      const made = yield* modify(kernel, target, { kind: "set", values: { slope: 3 } });
      assert.deepEqual([made.state, made.trial.before.score, made.trial.after.score], ["ready", 0, 1]);
      yield* decide(kernel, made);
      const bent = yield* modify(kernel, target, { kind: "set", values: { form: "bend" } });
      assert.deepEqual([bent.state, bent.trial.reasons.includes("WORSE")], ["held", true]);
      const { proposal } = (yield* call(kernel, "proposals.show", { proposal: made.proposal })).record;
      const rows = yield* call(kernel, "proposals.list", { domain: target });
      const rules = rows.proposals[0].proposal.patch.find(({ path }: Answer) => path === "/rules").value;
      const reader = yield* Effect.flip(modify(kernel, rules.reader, { kind: "text", text: RIGHT }));
      assert.equal(reader.code, "EVOLUTION_PROTECTED");
      assert.equal(proposal.patch[0].path, "/current");
    })
  ));

Deno.test("versions 1, 2, 3: each step back gives the one before to the digest, the history stays, and there is an end", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const target = "settings.affine";
      const made = [yield* register(kernel, { settings: SETTINGS })];
      const steps: ReadonlyArray<{ readonly [name: string]: Json }> = [{ slope: 3 }, { form: "bend" }];
      for (const values of steps) {
        const next = yield* modify(kernel, target, { kind: "set", values }, JSON.stringify(values));
        if (next.state === "ready") made.push(yield* decide(kernel, next));
      }
      assert.equal(made.length, 2, "the bent form is worse, so it was not applied");
      made.push(yield* decide(kernel, yield* modify(kernel, target, { kind: "set", values: { slope: 3.0000001 } })));
      assert.deepEqual((yield* listed(kernel, target)).current.version, 3);
      const early = yield* Effect.flip(call(kernel, "proposals.rollback", { proposal: made[1].proposal }));
      assert.equal(early.code, "EFFECTS_STALE", "what stands on it goes first");
      for (const [index, { proposal, before }] of made.toReversed().entries()) {
        assert.equal((yield* call(kernel, "proposals.rollback", { proposal })).state, "rolledBack");
        const now = yield* listed(kernel, target);
        assert.equal(now.digest, before);
        assert.equal(now.current?.version, index === 2 ? undefined : 2 - index);
      }
      const { changes } = yield* listed(kernel, target);
      assert.equal(changes.filter(({ state }: Answer) => state === "rolledBack").length, 3);
      assert.ok(changes.every(({ summary }: Answer) => summary.length > 0));
      for (
        const [proposal, code] of [[made[0].proposal, "EFFECTS_ADMISSION"], [made[0].before, "KERNEL_UNKNOWN_ENTRY"]]
      ) {
        assert.equal((yield* Effect.flip(call(kernel, "proposals.rollback", { proposal }))).code, code);
      }
      assert.equal(
        (yield* Effect.flip(modify(kernel, target, { kind: "set", values: { slope: 3 } }))).code,
        "EVOLUTION_CHANGE",
      );
    })
  ));

Deno.test("collecting what nothing names takes no version that serves or that one can go back to", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const target = "settings.affine";
      yield* register(kernel, { settings: SETTINGS });
      const made = yield* decide(kernel, yield* modify(kernel, target, { kind: "set", values: { slope: 3 } }));
      const held = yield* modify(kernel, target, { kind: "set", values: { slope: 9 } });
      const { digests } = yield* call(kernel, "artifacts.gc", { dry: false }, "user@tty");
      assert.ok(digests.includes(held.body), "what was not good enough may go");
      assert.equal((yield* modify(kernel, target, { kind: "set", values: { shift: 2 } })).state, "held");
      yield* call(kernel, "proposals.rollback", { proposal: made.proposal });
      assert.equal((yield* modify(kernel, target, { kind: "set", values: { slope: 3 } })).state, "ready");
    })
  ));

Deno.test("two subjects are changed and undone independently", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* register(kernel, { settings: SETTINGS });
      yield* register(kernel, { module: MODULE });
      const first = yield* decide(kernel, yield* modify(kernel, "programs.affine", { kind: "text", text: RIGHT }));
      const other = yield* decide(
        kernel,
        yield* modify(kernel, "settings.affine", { kind: "set", values: { slope: 3 } }),
      );
      yield* call(kernel, "proposals.rollback", { proposal: first.proposal });
      assert.equal((yield* listed(kernel, "programs.affine")).digest, first.before);
      assert.equal((yield* listed(kernel, "settings.affine")).digest, other.after);
    })
  ));

Deno.test("a change without a reason is refused, and a confirmed one is undone by a person only", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* register(kernel, { module: MODULE });
      const edit = { kind: "text", text: RIGHT };
      assert.equal((yield* Effect.flip(modify(kernel, "programs.affine", edit, ""))).code, "KERNEL_INVALID_INPUT");
      const made = yield* decide(kernel, yield* modify(kernel, "programs.affine", edit));
      const { proposal } = made;
      yield* call(kernel, "proposals.decide", { proposal, verdict: "confirm" }, "user@tty");
      assert.equal((yield* Effect.flip(call(kernel, "proposals.rollback", { proposal }))).code, "EFFECTS_NOT_APPROVER");
      yield* call(kernel, "proposals.rollback", { proposal }, "user@tty");
      assert.equal((yield* listed(kernel, "programs.affine")).digest, made.before);
    })
  ));

Deno.test("an applied change that does not hold what its evidence says is undone at once", async () => {
  const workspace = Deno.makeTempDirSync();
  const inKernel = <A>(body: (kernel: Kernel) => Effect.Effect<A, unknown>): Promise<A> =>
    Effect.runPromise(Effect.scoped(Effect.flatMap(openRmi({ workspace }), body)) as Effect.Effect<A>);
  try {
    const made = await inKernel((kernel) =>
      Effect.gen(function* () {
        yield* register(kernel, { module: MODULE });
        const made = yield* modify(kernel, "programs.affine", { kind: "text", text: RIGHT });
        yield* call(kernel, "proposals.decide", { proposal: made.proposal, verdict: "approve" }, "user@tty");
        return made;
      })
    );
    const hex = made.body.slice("sha256:".length);
    Deno.writeTextFileSync(`${workspace}/.rmi/artifacts/${hex.slice(0, 2)}/${hex}`, "export default () => 1;");
    await inKernel((kernel) =>
      Effect.gen(function* () {
        const applied = yield* call(kernel, "evolution.apply", { proposal: made.proposal });
        assert.deepEqual([applied.state, applied.reasons, applied.after], [
          "rolledBack",
          ["POST_CHECK_REGISTRY_ARTIFACT_DAMAGED"],
          made.before,
        ]);
        assert.equal((yield* listed(kernel, "programs.affine")).current.version, 1);
      })
    );
  } finally {
    Deno.removeSync(workspace, { recursive: true });
  }
});
