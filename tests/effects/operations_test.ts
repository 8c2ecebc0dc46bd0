/** The effects room through the kernel: every example runs, and calls meet policy, approvals, grants, budgets, ledger. */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import assert from "node:assert/strict";
import { hostProvisions, layerEffects } from "../../effects/layer.ts";
import { effectsPlugin } from "../../effects/manifest.ts";
import { operations } from "../../effects/operations.ts";
import { POLICY_FILE, type PolicyFile } from "../../effects/policy_file.ts";
import {
  type Actor,
  at,
  Budget,
  CallContext,
  declarationFaults,
  Disk,
  type Failure,
  implementation,
  type Json,
  type JsonObject,
  type Kernel,
  layerDisk,
  openKernel,
  operation,
  type Plugin,
  role,
} from "../../kernel/mod.ts";
import { platformDisk } from "../../kernel/platform/disk.ts";
import { layerEntropy } from "../../kernel/platform/entropy.ts";
import { inWorkspace, policyWith } from "./workspace.ts";

const plain = {
  failures: [],
  cost: { compute: "constant" },
  idempotent: false,
  reversible: true,
  stability: "stable" as const,
  examples: [{ input: {} }],
};

const Save = operation("demo.save", {
  ...plain,
  summary: "Writes a text file.",
  input: { file: role("writePath", "Where to"), text: Schema.String },
  output: Schema.Struct({ bytes: Schema.Int }),
  effects: ["writeLocal"],
});

const Load = operation("demo.load", {
  ...plain,
  summary: "Reads a text file.",
  input: { file: role("readPath", "Where from") },
  output: Schema.Struct({ text: Schema.String }),
  effects: ["readLocal"],
});

const Sneak = operation("demo.sneak", {
  ...plain,
  summary: "Writes where its input does not say.",
  input: { where: Schema.String },
  output: Schema.Struct({}),
  effects: ["writeLocal"],
});

const Deputy = operation("demo.deputy", {
  ...plain,
  summary: "Calls another operation in its caller's name.",
  input: { operation: Schema.String, input: Schema.Json },
  output: Schema.Json,
  effects: ["writeLocal"],
});

const Burn = operation("demo.burn", {
  ...plain,
  summary: "Spends fuel.",
  input: { fuel: Schema.Int },
  output: Schema.Struct({ left: Schema.Int }),
  effects: [],
});

const demoOperations = [Save, Load, Sneak, Deputy, Burn] as const;

const demo: Plugin = {
  id: "demo",
  version: "1.0.0",
  summary: "Operations for these tests.",
  provides: [],
  requires: [],
  effects: ["readLocal", "writeLocal"],
  kinds: [],
  stability: "stable",
  namespaces: [{ name: "demo", summary: "for tests" }],
  operations: () => demoOperations as never,
  load: () => ({
    default: implementation({
      operations: demoOperations,
      requires: [],
      layer: Layer.empty,
      handlers: {
        "demo.save": ({ file, text }) =>
          Effect.gen(function* () {
            yield* (yield* Disk).write(file, text);
            return { bytes: text.length };
          }),
        "demo.load": ({ file }) =>
          Effect.map(Effect.flatMap(Disk, (disk) => disk.readText(file)), (text) => ({ text })),
        "demo.sneak": ({ where }) => Effect.as(Effect.flatMap(Disk, (disk) => disk.write(where, "sneaked")), {}),
        "demo.deputy": ({ operation, input }) =>
          Effect.flatMap(CallContext, (context) => context.invoke(operation, input as Json)),
        "demo.burn": ({ fuel }) =>
          Effect.gen(function* () {
            const budget = yield* Budget;
            yield* budget.spend("fuel", fuel);
            return { left: budget.remaining().fuel };
          }),
      },
    }),
  }),
};

type Ask = (operation: string, input: Json, actor?: Actor) => Effect.Effect<Json, Failure>;

const open = (folder: string, policy?: PolicyFile): Effect.Effect<Kernel, Failure, Scope.Scope> =>
  openKernel({
    plugins: [effectsPlugin, demo],
    workspace: folder,
    host: layerEffects({
      workspace: folder,
      stateFolder: `${folder}/.rmi`,
      outputFolder: `${folder}/out`,
      realPath: platformDisk.realPath,
      ...(policy === undefined ? {} : { policy }),
    }).pipe(Layer.provideMerge(Layer.mergeAll(layerEntropy, layerDisk(platformDisk)))),
    hostProvides: hostProvisions,
  });

const withKernel = <A, E>(
  policy: PolicyFile | undefined,
  body: (ask: Ask, folder: string, kernel: Kernel) => Effect.Effect<A, E>,
): Promise<A> =>
  inWorkspace((folder) =>
    Effect.runPromise(Effect.scoped(Effect.gen(function* () {
      const kernel = yield* open(folder, policy);
      const ask: Ask = (operation, input, actor = "agent:a") => kernel.invoke({ operation, input, actor });
      return yield* body(ask, folder, kernel);
    })))
  );

const codeOf = (effect: Effect.Effect<Json, Failure>) =>
  Effect.match(effect, { onSuccess: () => "ok", onFailure: ({ code }) => code });

const requestOf = ({ fix }: Failure): string => fix?.command?.split(" ").at(-1) ?? "none";

/** Whether a value has every member of an example's stable part. */
const includes = (value: Json | undefined, part: Json): boolean =>
  part !== null && typeof part === "object"
    ? Object.entries(part).every(([key, item]) => includes((value as JsonObject | undefined)?.[key], item as Json))
    : value === part;

Deno.test("every declaration of the room is complete", () => {
  assert.deepEqual(operations.flatMap(declarationFaults), []);
  const namespaces = effectsPlugin.namespaces.map(({ name }) => name);
  assert.deepEqual([...new Set(operations.map(({ id }) => id.split(".")[0]))], namespaces);
});

for (const actor of ["user@headless", "user@tty", "agent:a"] as const) {
  Deno.test(`every example runs in a fresh workspace, as ${actor}`, async () => {
    for (const { id, examples } of operations) {
      for (const example of examples) {
        await withKernel(undefined, (ask) =>
          Effect.gen(function* () {
            for (const { operation, input } of example.given ?? []) yield* ask(operation, input, actor);
            if (example.failure !== undefined) {
              assert.equal(yield* codeOf(ask(id, example.input, actor)), example.failure, `${id} ${example.title}`);
              return;
            }
            const output = yield* ask(id, example.input, actor);
            const part = example.output ?? {};
            assert.ok(includes(output, part), `${id}: ${JSON.stringify(output)} lacks ${JSON.stringify(part)}`);
          }));
      }
    }
  });
}

Deno.test("a denied write outside is requested, approved at the terminal, done once, and asks again", () =>
  withKernel(undefined, (ask, folder) =>
    Effect.gen(function* () {
      const save = { file: "notes.txt", text: "hello" };
      const refused = yield* Effect.flip(ask("demo.save", save));
      assert.equal(refused.code, "KERNEL_APPROVAL_NEEDED");
      assert.ok(refused.message.includes(`${folder}/notes.txt`));
      const request = requestOf(refused);
      assert.equal(yield* codeOf(ask("approvals.approve", { request }, "agent:a")), "EFFECTS_NOT_APPROVER");
      const listed = yield* ask("approvals.list", { state: "open" });
      assert.equal(at(listed, "/requests/0/command"), `rmi approve ${request}`);
      yield* ask("approvals.approve", { request }, "user@tty");
      assert.deepEqual(yield* ask("demo.save", save), { bytes: 5 });
      assert.equal(Deno.readTextFileSync(`${folder}/notes.txt`), "hello");
      assert.equal(yield* codeOf(ask("demo.save", save)), "KERNEL_APPROVAL_NEEDED");
      assert.equal(at(yield* ask("ledger.verify", {}), "/ok"), true);
    })));

Deno.test("writing in the output folder needs nobody; a link in it that leads out does not help", () =>
  withKernel(undefined, (ask, folder) =>
    Effect.gen(function* () {
      assert.deepEqual(yield* ask("demo.save", { file: "out/x.txt", text: "x" }), { bytes: 1 });
      const outside = Deno.makeTempDirSync();
      Deno.symlinkSync(outside, `${folder}/out/link`);
      assert.equal(yield* codeOf(ask("demo.save", { file: "out/link/x", text: "x" })), "KERNEL_APPROVAL_NEEDED");
      assert.equal(yield* codeOf(ask("demo.load", { file: "out/link" })), "KERNEL_APPROVAL_NEEDED");
      assert.deepEqual([...Deno.readDirSync(outside)], []);
      Deno.removeSync(outside);
    })));

Deno.test("a handler that writes where its input does not say is stopped at the use", () =>
  withKernel(undefined, (ask, folder) =>
    Effect.gen(function* () {
      assert.equal(yield* codeOf(ask("demo.sneak", { where: `${folder}/src.ts` })), "KERNEL_DENIED");
      assert.equal(yield* codeOf(ask("demo.sneak", { where: `${folder}/${POLICY_FILE}` })), "KERNEL_DENIED");
      assert.equal(yield* codeOf(ask("demo.sneak", { where: `${folder}/.rmi/ledger.head` })), "KERNEL_DENIED");
      assert.equal(yield* codeOf(ask("demo.sneak", { where: `${folder}/out/../src.ts` })), "KERNEL_DENIED");
      assert.equal(yield* codeOf(ask("demo.sneak", { where: `${folder}/out/ok` })), "ok");
      assert.equal(at(yield* ask("ledger.verify", {}), "/ok"), true);
    })));

Deno.test("an operation called by the person at the terminal cannot approve in that person's name", () =>
  withKernel(undefined, (ask) =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(ask("demo.save", { file: "notes.txt", text: "hello" }));
      const input = { operation: "approvals.approve", input: { request: requestOf(refused) } };
      const failed = yield* Effect.flip(ask("demo.deputy", input, "user@tty"));
      assert.equal(failed.code, "KERNEL_SUBCALL");
      assert.equal(at(failed.actual ?? null, "/code"), "KERNEL_DENIED");
      assert.equal(yield* codeOf(ask("demo.save", { file: "notes.txt", text: "hello" })), "KERNEL_APPROVAL_NEEDED");
    })));

Deno.test("a denied operation is unknown: not described, not listed, not named as near", () =>
  withKernel(
    policyWith([{ name: "hide", actor: "agent:*", operation: "demo.s*", decision: "deny" }]),
    (ask, _folder, kernel) =>
      Effect.gen(function* () {
        const failed = yield* Effect.flip(ask("demo.save", { file: "out/x", text: "" }));
        assert.equal(failed.code, "KERNEL_UNKNOWN_OPERATION");
        assert.equal(JSON.stringify(failed).includes("demo.sneak"), false);
        const known = (yield* kernel.operations("agent:a")).map(({ id }) => id);
        assert.equal(known.includes("demo.save"), false);
        assert.equal(yield* codeOf(ask("demo.save", { file: "out/x", text: "" }, "user@tty")), "ok");
      }),
  ));

Deno.test("policy.check says what the gate then does", () =>
  withKernel(
    policyWith([{ name: "no-agents-in-out", actor: "agent:*", paths: ["$output"], decision: "ask" }]),
    (ask) =>
      Effect.gen(function* () {
        const check = { operation: "demo.save", write: ["out/x"] };
        assert.equal(at(yield* ask("policy.check", check), "/rule"), "no-agents-in-out");
        assert.equal(at(yield* ask("policy.check", { ...check, actor: "user@tty" }), "/rule"), "default.write");
        const save = { file: "out/x", text: "" };
        assert.equal(yield* codeOf(ask("demo.save", save)), "KERNEL_APPROVAL_NEEDED");
        assert.equal(yield* codeOf(ask("demo.save", save, "user@tty")), "ok");
        const guarded = yield* ask("policy.check", { operation: "demo.save", write: [POLICY_FILE], actor: "user@tty" });
        assert.deepEqual([at(guarded, "/decision"), at(guarded, "/rule")], ["deny", "guard.policy"]);
        assert.equal(yield* codeOf(ask("policy.check", { operation: "demo.absent" })), "KERNEL_SUBCALL");
      }),
  ));

Deno.test("a policy file is read from the workspace, and a malformed one opens nothing", () =>
  inWorkspace((folder) =>
    Effect.runPromise(Effect.gen(function* () {
      const opened = Effect.scoped(Effect.flatMap(open(folder), (kernel) =>
        kernel.invoke({ operation: "policy.show", input: {}, actor: "agent:a" })));
      const file = `${folder}/${POLICY_FILE}`;
      Deno.writeTextFileSync(file, JSON.stringify(policyWith([{ name: "mine", decision: "allow" }])));
      const shown = yield* opened;
      assert.deepEqual([at(shown, "/source"), at(shown, "/policy/rules/0/name")], [POLICY_FILE, "mine"]);
      Deno.writeTextFileSync(file, '{"format":1,"rules":[{"name":"mine","decision":"permit"}]}');
      const failed = yield* Effect.flip(opened);
      assert.deepEqual([failed.code, failed.path], ["EFFECTS_POLICY", "/rules/0/decision"]);
      Deno.writeTextFileSync(file, '{"format":2,"rules":[]}');
      assert.equal((yield* Effect.flip(opened)).code, "KERNEL_NEWER_FORMAT");
      Deno.writeFileSync(file, Uint8Array.of(0xff, 0xfe, 0x00));
      assert.equal((yield* Effect.flip(opened)).code, "KERNEL_DISK");
    }))
  ));

Deno.test("a budget of the policy stops an actor, call after call", () =>
  withKernel(
    policyWith([], { budgets: [{ actor: "agent:*", limits: { fuel: 100 } }] }),
    (ask) =>
      Effect.gen(function* () {
        assert.deepEqual(yield* ask("demo.burn", { fuel: 60 }), { left: 40 });
        assert.equal(yield* codeOf(ask("demo.burn", { fuel: 41 })), "KERNEL_BUDGET_EXHAUSTED");
        assert.deepEqual(yield* ask("demo.burn", { fuel: 40 }), { left: 0 });
        assert.equal(yield* codeOf(ask("demo.burn", { fuel: 1 })), "KERNEL_BUDGET_EXHAUSTED");
        assert.equal(yield* codeOf(ask("demo.burn", { fuel: 1 }, "user@tty")), "ok");
      }),
  ));

Deno.test("no authority is left behind when calls have ended, well or badly", () =>
  withKernel(undefined, (ask, folder) =>
    Effect.gen(function* () {
      yield* ask("demo.save", { file: "out/x", text: "" });
      yield* codeOf(ask("demo.sneak", { where: `${folder}/src.ts` }));
      yield* codeOf(ask("demo.save", { file: "y", text: "" }));
      assert.deepEqual(yield* ask("approvals.grants", {}), { grants: [] });
    })));

Deno.test("events come in pages that join without gap or repeat", () =>
  withKernel(undefined, (ask) =>
    Effect.gen(function* () {
      for (let n = 0; n < 7; n++) yield* ask("ledger.mark", { name: `mark ${n}` });
      const whole = at(yield* ask("ledger.events", { to: 20 }), "/events") as ReadonlyArray<JsonObject>;
      const joined: Array<Json> = [];
      for (let from: Json | undefined = 1; from !== undefined;) {
        const page: Json = yield* ask("ledger.events", { from, to: 20, limit: 3 });
        joined.push(...at(page, "/events") as ReadonlyArray<Json>);
        from = at(page, "/next");
      }
      assert.deepEqual(joined, whole);
      assert.equal(whole.length, 20);
    })));

Deno.test("a proposal goes the whole road through operations, and its own validation ran in this ledger", () =>
  withKernel(undefined, (ask) =>
    Effect.gen(function* () {
      const draft = {
        domain: "demo",
        summary: "Greet",
        changedIds: ["greeting"],
        patch: [{ op: "add", path: "/greeting", value: "hello" }],
        expected: { metric: "m", direction: "up", bound: 1 },
        validation: [
          { operation: "ledger.verify", input: {}, expect: { ok: true } },
          { operation: "ledger.verify", input: {}, expect: { ok: false } },
        ],
        reversible: true,
        widensAuthority: false,
      };
      const bad = yield* ask("proposals.submit", draft as Json);
      const failing = yield* ask("proposals.validate", { proposal: at(bad, "/proposal/id")! });
      assert.deepEqual([at(failing, "/state"), at(failing, "/validated")], ["held", { "0": true, "1": false }]);
      const good = yield* ask("proposals.submit", { ...draft, validation: [draft.validation[0]] } as Json);
      const proposal = at(good, "/proposal/id")!;
      assert.equal(at(yield* ask("proposals.validate", { proposal }), "/state"), "ready");
      assert.equal(yield* codeOf(ask("proposals.decide", { proposal, verdict: "approve" })), "EFFECTS_NOT_APPROVER");
      yield* ask("proposals.decide", { proposal, verdict: "approve" }, "user@tty");
      assert.equal(at(yield* ask("proposals.apply", { proposal }), "/state"), "applied");
      const undone = yield* ask("proposals.rollback", { proposal });
      assert.equal(at(undone, "/state"), "rolledBack");
      assert.equal(at(yield* ask("ledger.verify", {}), "/ok"), true);
    })));
