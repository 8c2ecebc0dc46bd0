/** Gate: what passes, what asks, what is refused, what a grant covers at each use, and what calls inside calls get. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { type Approvals, Approvals as ApprovalsKey } from "../../effects/approvals.ts";
import { CONSENTING } from "../../effects/gate.ts";
import { Grants } from "../../effects/grants.ts";
import { type Authority, type Call, type Decision, Gate } from "../../kernel/mod.ts";
import { callOf, inWorkspace, policyWith, roomOver, withRoom } from "./workspace.ts";

const decide = (call: Call) => Effect.flatMap(Gate, (gate) => gate.decide(call));

const codeOf = (call: Call) =>
  Effect.match(decide(call), { onSuccess: ({ rule }) => rule, onFailure: ({ code }) => code });

const use = (decision: Decision, authority: Authority, detail: string) => {
  const grant = decision.grants.find((grant) => grant.authority === authority);
  assert.ok(grant, `a grant on ${authority}`);
  return Effect.match(grant.check(detail), { onSuccess: () => "ok", onFailure: ({ code }) => code });
};

const ids = (message: string) => /rmi approve ([0-9a-f]{16})/u.exec(message)?.[1];

/** Asks, approves as the person at the terminal, and makes the same call again. */
const approved = (call: Call): Effect.Effect<Decision, unknown, Gate | Approvals> =>
  Effect.gen(function* () {
    const asked = yield* Effect.flip(decide(call));
    const request = ids(asked.message);
    assert.ok(request, asked.message);
    yield* (yield* ApprovalsKey).approve(request, "user@tty");
    return yield* decide({ ...call, id: `${call.id}-again` });
  });

Deno.test("a pure call passes with no grants", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const decision = yield* decide(callOf({ operation: "demo.pure" }));
      assert.deepEqual([decision.rule, decision.grants], ["default.pure", []]);
    })));

Deno.test("reading in the workspace passes; each use is checked again", () =>
  withRoom(undefined, ({ folder }) =>
    Effect.gen(function* () {
      const call = callOf({ operation: "demo.read", effects: ["readLocal"] });
      const decision = yield* decide(call);
      assert.equal(decision.rule, "default.read");
      assert.equal(yield* use(decision, "readLocal", `${folder}/a.txt`), "ok");
      assert.equal(yield* use(decision, "readLocal", "/etc/passwd"), "KERNEL_DENIED");
      assert.equal(yield* use(decision, "readLocal", `${folder}-other/a.txt`), "KERNEL_DENIED");
      assert.equal(yield* use(decision, "readLocal", `${folder}/../a.txt`), "KERNEL_DENIED");
    })));

Deno.test("headless, what asks is refused with the exact command that would grant it", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const call = callOf({ operation: "demo.fetch", effects: ["network"], actor: "user@headless" });
      const failed = yield* Effect.flip(decide(call));
      assert.equal(failed.code, "KERNEL_APPROVAL_NEEDED");
      assert.match(failed.fix?.command ?? "", /^rmi approve [0-9a-f]{16}$/u);
      assert.equal(ids(failed.message), ids(failed.fix?.command ?? ""));
    })));

Deno.test("a path outside the granted folders asks, and the request names the path", () =>
  withRoom(undefined, ({ folder }) =>
    Effect.gen(function* () {
      const call = callOf({
        operation: "demo.save",
        effects: ["writeLocal"],
        paths: { read: [], write: [`${folder}/src/main.ts`] },
      });
      const failed = yield* Effect.flip(decide(call));
      assert.ok(failed.message.includes(`writeLocal ${folder}/src/main.ts`), failed.message);
    })));

Deno.test("an approved write covers the approved path and nothing beside it", () =>
  withRoom(undefined, ({ folder }) =>
    Effect.gen(function* () {
      const call = callOf({
        operation: "demo.save",
        effects: ["writeLocal"],
        paths: { read: [], write: [`${folder}/src/main.ts`] },
      });
      const decision = yield* approved(call);
      assert.match(decision.rule, /^approval:/u);
      assert.equal(yield* use(decision, "writeLocal", `${folder}/src/main.ts`), "ok");
      assert.equal(yield* use(decision, "writeLocal", `${folder}/src/main.ts.bak`), "KERNEL_DENIED");
      assert.equal(yield* use(decision, "writeLocal", `${folder}/src`), "KERNEL_DENIED");
      assert.equal(yield* use(decision, "writeLocal", `${folder}/out/x`), "ok");
    })));

Deno.test("even an approved call writes neither the policy nor the ledger", () =>
  withRoom(undefined, ({ folder }) =>
    Effect.gen(function* () {
      for (const path of [`${folder}/rmi.policy.json`, `${folder}/.rmi/ledger.sqlite`, folder]) {
        const call = callOf({ operation: "demo.save", effects: ["writeLocal"], paths: { read: [], write: [path] } });
        assert.equal((yield* Effect.flip(decide(call))).code, "KERNEL_DENIED");
      }
      const network = yield* approved(callOf({ operation: "demo.mix", effects: ["network", "writeLocal"] }));
      assert.equal(yield* use(network, "writeLocal", `${folder}/rmi.policy.json`), "KERNEL_DENIED");
      assert.equal(yield* use(network, "writeLocal", `${folder}/.rmi/ledger.head`), "KERNEL_DENIED");
    })));

Deno.test("a link inside the workspace that leads outside is decided on as what it leads to", () =>
  withRoom(undefined, ({ folder }) =>
    Effect.gen(function* () {
      Deno.mkdirSync(`${folder}/out`);
      Deno.symlinkSync("/etc", `${folder}/out/etc`);
      const call = callOf({
        operation: "demo.save",
        effects: ["writeLocal"],
        paths: { read: [], write: [`${folder}/out/etc/passwd`] },
      });
      const failed = yield* Effect.flip(decide(call));
      assert.equal(failed.code, "KERNEL_APPROVAL_NEEDED");
      assert.ok(failed.message.includes("writeLocal /etc/passwd"), failed.message);
    })));

Deno.test("a consent for a path is void when a link makes the path lead elsewhere", () =>
  withRoom(undefined, ({ folder }) =>
    Effect.gen(function* () {
      Deno.mkdirSync(`${folder}/src`);
      Deno.mkdirSync(`${folder}/other`);
      Deno.symlinkSync(`${folder}/src`, `${folder}/link`);
      const save = () =>
        callOf({ operation: "demo.save", effects: ["writeLocal"], paths: { read: [], write: [`${folder}/link/a`] } });
      const asked = yield* Effect.flip(decide(save()));
      yield* (yield* ApprovalsKey).approve(ids(asked.message)!, "user@tty");
      Deno.removeSync(`${folder}/link`);
      Deno.symlinkSync(`${folder}/other`, `${folder}/link`);
      const again = yield* Effect.flip(decide(save()));
      assert.equal(again.code, "KERNEL_APPROVAL_NEEDED");
      assert.ok(again.message.includes(`${folder}/other/a`), again.message);
      Deno.removeSync(`${folder}/link`);
      Deno.symlinkSync(`${folder}/src`, `${folder}/link`);
      assert.match(yield* codeOf(save()), /^approval:/u);
    })));

Deno.test("a rule about a link is a rule about what it leads to", () =>
  inWorkspace((folder) => {
    Deno.mkdirSync(`${folder}/real`);
    Deno.symlinkSync(`${folder}/real`, `${folder}/link`);
    const policy = policyWith([{ name: "no-link", paths: ["./link"], decision: "deny" }]);
    const call = callOf({
      operation: "demo.load",
      effects: ["readLocal"],
      paths: { read: [`${folder}/real/x`], write: [] },
    });
    return Effect.runPromise(Effect.provide(
      Effect.map(Effect.flip(decide(call)), ({ message }) => assert.match(message, /no-link/u)),
      roomOver(folder, policy),
    ));
  }));

Deno.test("approving the network covers hosts that only ask, and no host that a rule denies", () =>
  withRoom(
    policyWith([{ name: "never", hosts: ["*.evil.example"], decision: "deny" }]),
    () =>
      Effect.gen(function* () {
        const decision = yield* approved(callOf({ operation: "demo.fetch", effects: ["network"] }));
        assert.equal(yield* use(decision, "network", "good.example"), "ok");
        assert.equal(yield* use(decision, "network", "a.evil.example"), "KERNEL_DENIED");
      }),
  ));

Deno.test("a rule that allows a host allows that host only, without asking", () =>
  withRoom(
    policyWith([{ name: "api", operation: "demo.*", hosts: ["api.example"], decision: "allow" }]),
    () =>
      Effect.gen(function* () {
        const decision = yield* decide(callOf({ operation: "demo.fetch", effects: ["network"] }));
        assert.equal(decision.rule, "api");
        assert.equal(yield* use(decision, "network", "api.example:443"), "ok");
        assert.equal(yield* use(decision, "network", "other.example"), "KERNEL_DENIED");
        assert.equal(
          yield* codeOf(callOf({ operation: "other.fetch", effects: ["network"] })),
          "KERNEL_APPROVAL_NEEDED",
        );
      }),
  ));

Deno.test("one denied authority refuses the whole call, whatever else is allowed", () =>
  withRoom(
    policyWith([
      { name: "net", authorities: ["network"], decision: "allow" },
      { name: "no-exec", authorities: ["exec"], decision: "deny" },
    ]),
    () =>
      Effect.gen(function* () {
        const failed = yield* Effect.flip(decide(callOf({ operation: "demo.both", effects: ["network", "exec"] })));
        assert.equal(failed.code, "KERNEL_DENIED");
        assert.match(failed.message, /exec on anything .*no-exec/u);
      }),
  ));

Deno.test("a call inside a call gets no authority its parent lacks", () =>
  withRoom(
    policyWith([{ name: "net", authorities: ["network"], decision: "allow" }]),
    ({ folder }) =>
      Effect.gen(function* () {
        const parent = callOf({ operation: "demo.outer", effects: ["readLocal"] });
        yield* decide(parent);
        const inner = (effects: Call["effects"]) =>
          codeOf(callOf({ operation: "demo.inner", effects, parent: parent.id }));
        assert.equal(yield* inner(["network"]), "KERNEL_DENIED");
        assert.equal(yield* inner(["writeLocal"]), "KERNEL_DENIED");
        assert.equal(yield* inner(["readLocal"]), "default.read");
        assert.equal(yield* inner([]), "default.pure");
        const pureParent = callOf({ operation: "demo.pure" });
        yield* decide(pureParent);
        const below = callOf({ operation: "demo.inner", effects: ["readLocal"], parent: pureParent.id });
        assert.equal(yield* codeOf(below), "KERNEL_DENIED");
        assert.ok(folder);
      }),
  ));

Deno.test("a call inside an approved call is covered by its grant, path by path, and ends with it", () =>
  withRoom(undefined, ({ folder }) =>
    Effect.gen(function* () {
      const target = `${folder}/src/a.ts`;
      const parent = yield* approved(
        callOf({ operation: "demo.outer", effects: ["writeLocal"], paths: { read: [], write: [target] } }),
      );
      const [held] = yield* (yield* Grants).list;
      const inner = (path: string) =>
        callOf({
          operation: "demo.inner",
          effects: ["writeLocal"],
          paths: { read: [], write: [path] },
          parent: held.call,
        });
      const child = yield* decide(inner(target));
      assert.equal(yield* use(child, "writeLocal", target), "ok");
      assert.equal(yield* use(child, "writeLocal", `${folder}/src/b.ts`), "KERNEL_DENIED");
      assert.equal(yield* codeOf(inner(`${folder}/src/b.ts`)), "KERNEL_DENIED");
      assert.ok(parent.release);
      yield* parent.release;
      assert.equal(yield* use(parent, "writeLocal", target), "KERNEL_DENIED");
      assert.equal(yield* use(child, "writeLocal", target), "KERNEL_DENIED");
      assert.equal(yield* codeOf(inner(target)), "KERNEL_DENIED");
      assert.deepEqual((yield* (yield* Grants).list).filter(({ call }) => call === held.call), []);
    })));

Deno.test("consent is never given from inside a call, not even as the person at the terminal", () =>
  withRoom(
    policyWith([{ name: "everything", decision: "allow" }]),
    () =>
      Effect.gen(function* () {
        const parent = callOf({ operation: "demo.outer", effects: ["writeLocal"], actor: "user@tty" });
        yield* decide(parent);
        for (const operation of CONSENTING) {
          const call = callOf({ operation, effects: ["writeLocal"], actor: "user@tty", parent: parent.id });
          const failed = yield* Effect.flip(decide(call));
          assert.match(failed.message, /guard\.consent/u);
          assert.equal(
            yield* codeOf({ ...callOf({ operation, effects: ["writeLocal"], actor: "user@tty" }) }),
            "everything",
          );
        }
      }),
  ));

Deno.test("a consent for a call from outside is not used up by the same call from inside another", () =>
  withRoom(
    policyWith([{ name: "ask-post", operation: "demo.post", decision: "ask" }]),
    () =>
      Effect.gen(function* () {
        const post = { operation: "demo.post", effects: ["writeLocal"] } as const;
        const asked = yield* Effect.flip(decide(callOf(post)));
        yield* (yield* ApprovalsKey).approve(ids(asked.message)!, "user@tty");
        const parent = callOf({ operation: "demo.outer", effects: ["writeLocal"] });
        yield* decide(parent);
        assert.equal(yield* codeOf(callOf({ ...post, parent: parent.id })), "KERNEL_DENIED");
        assert.match(yield* codeOf(callOf(post)), /^approval:/u);
      }),
  ));

Deno.test("denied outright means hidden; asking does not", () =>
  withRoom(
    policyWith([
      { name: "no-net", authorities: ["network"], decision: "deny" },
      { name: "no-secret", actor: "agent:*", operation: "secret.*", decision: "deny" },
      { name: "no-evil", hosts: ["evil.example"], decision: "deny" },
    ]),
    () =>
      Effect.gen(function* () {
        const { visible } = yield* Gate;
        const listed = (id: string, effects: ReadonlyArray<string>, refined = false) =>
          visible({ id, effects, kinds: [], refined }, "agent:a");
        assert.equal(listed("demo.fetch", ["network"]), false);
        assert.equal(listed("demo.fetch", ["network", "readLocal"], true), true);
        assert.equal(listed("demo.exec", ["exec"]), true);
        assert.equal(listed("secret.pure", []), false);
        assert.equal(listed("secret.read", ["readLocal"], true), false);
        assert.equal(visible({ id: "secret.pure", effects: [], kinds: [] }, "user@tty"), true);
        assert.equal(listed("demo.pure", []), true);
      }),
  ));

Deno.test("a policy rule approves a reversible write in the output folder, within its bounds, visibly", () =>
  withRoom(
    policyWith([{ name: "ask-writes", actor: "agent:*", authorities: ["writeLocal"], decision: "ask" }], {
      automatic: [{ name: "small-saves", actor: "agent:a", operation: "demo.*", perHour: 2, maxBytes: 40 }],
    }),
    ({ folder, advance }) =>
      Effect.gen(function* () {
        const save = (more: Partial<Call> = {}) =>
          callOf({
            operation: "demo.save",
            effects: ["writeLocal"],
            paths: { read: [], write: [`${folder}/out/x`] },
            ...more,
          });
        const first = yield* decide(save());
        assert.equal(first.rule, "policy:small-saves");
        assert.equal(yield* use(first, "writeLocal", `${folder}/out/x`), "ok");
        assert.equal(yield* use(first, "writeLocal", `${folder}/src/x`), "KERNEL_DENIED");
        const refused: ReadonlyArray<Partial<Call>> = [
          { reversible: false },
          { actor: "agent:b" },
          { operation: "other.save" },
          { effects: ["writeLocal", "network"] },
          { kinds: ["selfModify"] },
          { input: { text: "x".repeat(40) } },
          { paths: { read: [], write: [`${folder}/src/x`] } },
        ];
        for (const more of refused) {
          assert.equal(yield* codeOf(save(more)), "KERNEL_APPROVAL_NEEDED", JSON.stringify(more));
        }
        assert.equal(yield* codeOf(save()), "policy:small-saves");
        assert.equal(yield* codeOf(save()), "KERNEL_APPROVAL_NEEDED", "the third in an hour asks");
        advance(3_600_001);
        assert.equal(yield* codeOf(save()), "policy:small-saves");
        const { counts } = yield* (yield* ApprovalsKey).state;
        assert.deepEqual(counts, { person: 0, key: 0, policy: 3 });
      }),
  ));

Deno.test("an approved call's authority ends with the approval's lifetime", () =>
  withRoom(policyWith([], { approvalLifetimeMs: 5_000 }), ({ advance }) =>
    Effect.gen(function* () {
      const decision = yield* approved(callOf({ operation: "demo.fetch", effects: ["network"] }));
      advance(4_999);
      assert.equal(yield* use(decision, "network", "a.example"), "ok");
      advance(1);
      assert.equal(yield* use(decision, "network", "a.example"), "KERNEL_DENIED");
    })));
