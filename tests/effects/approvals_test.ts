/** Approvals: who may consent to what, for how long, and that a consent is used once whatever runs at the same time. */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import assert from "node:assert/strict";
import { approvalFold, type ApprovalRequest, MAX_CLOSED_REQUESTS } from "../../effects/approval_state.ts";
import {
  Approvals,
  type ApprovalsShape,
  bindingOf,
  MAX_OPEN_REQUESTS,
  MAX_SHOWN_INPUT,
  signedText,
} from "../../effects/approvals.ts";
import { Ledger } from "../../effects/ledger.ts";
import { newKeyPair, signText, verifySignature } from "../../effects/platform/signature.ts";
import { type Actor, type Call, digestJson, Gate } from "../../kernel/mod.ts";
import { callOf, inWorkspace, movableClock, policyWith, roomOver, withRoom } from "./workspace.ts";

const fetching = (more: Partial<Call> = {}) => callOf({ operation: "demo.fetch", effects: ["network"], ...more });

/** Makes a call that asks, and gives the request. */
const request = (call: Call) =>
  Effect.gen(function* () {
    const gate = yield* Gate;
    yield* Effect.flip(gate.decide(call));
    const { requests } = yield* (yield* Approvals).state;
    const found = requests.findLast((request) => request.arguments === call.arguments && request.actor === call.actor);
    assert.ok(found);
    return found;
  });

const failureOf = <A>(effect: Effect.Effect<A, { readonly code: string }>) =>
  Effect.match(effect, { onSuccess: () => "ok", onFailure: ({ code }) => code });

const passes = (call: Call) => Effect.flatMap(Gate, (gate) => failureOf(gate.decide(call)));

Deno.test("an approved call passes once; the next time it asks again", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const { request: id } = yield* request(fetching());
      yield* (yield* Approvals).approve(id, "user@tty");
      assert.equal(yield* passes(fetching()), "ok");
      assert.equal(yield* passes(fetching()), "KERNEL_APPROVAL_NEEDED");
      const states = (yield* (yield* Approvals).state).requests.map(({ state }) => state);
      assert.deepEqual(states, ["used", "open"]);
    })));

Deno.test("an approval is bound to actor, arguments, declaration and operation", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const { request: id } = yield* request(fetching({ input: { url: "https://a.example" } }));
      yield* (yield* Approvals).approve(id, "user@tty");
      const others: ReadonlyArray<Partial<Call>> = [
        { actor: "agent:b" },
        { input: { url: "https://b.example" } },
        { input: { url: "https://a.example" }, declaration: digestJson("another version") },
        { input: { url: "https://a.example" }, operation: "demo.post" },
      ];
      for (const more of others) {
        assert.equal(yield* passes(fetching(more)), "KERNEL_APPROVAL_NEEDED", JSON.stringify(more));
      }
      assert.equal(yield* passes(fetching({ input: { url: "https://a.example" } })), "ok");
    })));

Deno.test("asking again while a request is open names the same request", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const first = yield* request(fetching());
      const second = yield* request(fetching());
      assert.equal(first.request, second.request);
      assert.equal((yield* (yield* Approvals).state).requests.length, 1);
    })));

Deno.test("nobody but the person at the terminal approves by saying so", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const approvals = yield* Approvals;
      const { request: id } = yield* request(fetching());
      const actors: ReadonlyArray<Actor> = [
        "agent:a",
        "agent:b",
        "user@headless",
        "mcp:c",
        "http:d",
        "plugin:e",
        "policy:f",
      ];
      for (const actor of actors) {
        const failed = yield* Effect.flip(approvals.approve(id, actor));
        assert.equal(failed.code, "EFFECTS_NOT_APPROVER", actor);
        assert.equal(failed.fix?.command, `rmi approve ${id}`);
      }
      assert.equal(yield* passes(fetching()), "KERNEL_APPROVAL_NEEDED");
      assert.equal((yield* approvals.approve(id, "user@tty")).by, "user@tty");
    })));

Deno.test("the person at the terminal approves what they themselves asked for", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const { request: id } = yield* request(fetching({ actor: "user@tty" }));
      yield* (yield* Approvals).approve(id, "user@tty");
      assert.equal(yield* passes(fetching({ actor: "user@tty" })), "ok");
    })));

Deno.test("a request ends at its time, approved or not: one millisecond before, it still passes", () =>
  withRoom(policyWith([], { approvalLifetimeMs: 10_000 }), ({ advance }) =>
    Effect.gen(function* () {
      const approvals = yield* Approvals;
      const late = yield* request(fetching());
      advance(9_999);
      yield* approvals.approve(late.request, "user@tty");
      assert.equal(yield* passes(fetching()), "ok");
      const next = yield* request(fetching());
      yield* approvals.approve(next.request, "user@tty");
      advance(10_000);
      assert.equal(yield* passes(fetching()), "KERNEL_APPROVAL_NEEDED");
      const [, expired, fresh] = (yield* approvals.state).requests;
      assert.deepEqual([expired.state, fresh.state], ["expired", "open"]);
      assert.equal(yield* failureOf(approvals.approve(expired.request, "user@tty")), "EFFECTS_REQUEST_CLOSED");
    })));

Deno.test("a revoked request cannot be approved, a revoked approval cannot be used; others cannot revoke", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const approvals = yield* Approvals;
      const open = yield* request(fetching());
      assert.equal(yield* failureOf(approvals.revoke(open.request, "agent:b")), "EFFECTS_NOT_APPROVER");
      assert.equal((yield* approvals.revoke(open.request, "agent:a")).state, "revoked");
      assert.equal(yield* failureOf(approvals.approve(open.request, "user@tty")), "EFFECTS_REQUEST_CLOSED");
      const next = yield* request(fetching({ input: { n: 1 } }));
      yield* approvals.approve(next.request, "user@tty");
      yield* approvals.revoke(next.request, "user@tty");
      assert.equal(yield* passes(fetching({ input: { n: 1 } })), "KERNEL_APPROVAL_NEEDED");
    })));

Deno.test("an unknown request is refused with the nearest open one", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const { request: id } = yield* request(fetching());
      const wrong = id.slice(0, -1) + (id.endsWith("0") ? "1" : "0");
      const failed = yield* Effect.flip((yield* Approvals).approve(wrong, "user@tty"));
      assert.equal(failed.code, "KERNEL_UNKNOWN_ENTRY");
      assert.deepEqual(failed.fix?.patch, [{ op: "replace", path: "/request", value: id }]);
    })));

Deno.test("an unknown request that is near to none names the operation that lists them", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const failed = yield* Effect.flip((yield* Approvals).approve("deadbeef", "user@tty"));
      assert.equal(failed.fix?.summary, "approvals.list lists what there is");
    })));

Deno.test("of 20 fibers with the same approved call, one passes", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const { request: id } = yield* request(fetching());
      yield* (yield* Approvals).approve(id, "user@tty");
      const outcomes = yield* Effect.forEach(
        Array.from({ length: 20 }, () => fetching()),
        passes,
        { concurrency: "unbounded" },
      );
      assert.deepEqual(outcomes.filter((outcome) => outcome === "ok").length, 1);
      assert.equal(outcomes.filter((outcome) => outcome === "KERNEL_APPROVAL_NEEDED").length, 19);
    })));

Deno.test("calls that ask at the same time share one request", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const calls = Array.from({ length: 10 }, () => fetching());
      const gate = yield* Gate;
      const commands = yield* Effect.forEach(
        calls,
        (call) => Effect.map(Effect.flip(gate.decide(call)), ({ fix }) => fix?.command),
        { concurrency: "unbounded" },
      );
      assert.equal(new Set(commands).size, 1);
      assert.equal((yield* (yield* Approvals).state).requests.length, 1);
    })));

Deno.test("two calls that carry the same id do not share one use", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const { request: id } = yield* request(fetching());
      yield* (yield* Approvals).approve(id, "user@tty");
      const call = fetching();
      const outcomes = yield* Effect.all([passes(call), passes(call)], { concurrency: "unbounded" });
      assert.deepEqual(outcomes.toSorted(), ["KERNEL_APPROVAL_NEEDED", "ok"]);
    })));

Deno.test("of two rooms over one state folder with the same approved call, one passes, 20 times over", () =>
  inWorkspace((folder) => {
    const clock = movableClock();
    const open = <A, E>(body: Effect.Effect<A, E, Gate | Approvals>) =>
      Effect.provide(body, Layer.fresh(roomOver(folder).pipe(Layer.provideMerge(clock.layer))));
    return Effect.runPromise(
      Effect.gen(function* () {
        for (let round = 0; round < 20; round++) {
          const call = { input: { round } };
          const { request: id } = yield* open(request(fetching(call)));
          yield* open(Effect.flatMap(Approvals, (approvals) => approvals.approve(id, "user@tty")));
          const outcomes = yield* Effect.all([open(passes(fetching(call))), open(passes(fetching(call)))], {
            concurrency: "unbounded",
          });
          assert.deepEqual(outcomes.toSorted(), ["KERNEL_APPROVAL_NEEDED", "ok"], `round ${round}`);
        }
      }),
    );
  }));

Deno.test("rolling state back revives no used approval", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger;
      const { request: id } = yield* request(fetching());
      yield* (yield* Approvals).approve(id, "user@tty");
      yield* ledger.mark("approved", "user@tty");
      assert.equal(yield* passes(fetching()), "ok");
      yield* ledger.rollback("approved", "user@tty");
      assert.equal(yield* passes(fetching()), "KERNEL_APPROVAL_NEEDED");
    })));

Deno.test("a policy key approves by signature over exactly this binding, whoever carries it", async () => {
  const pair = await newKeyPair();
  const other = await newKeyPair();
  const keys = [
    { id: "ops", publicKey: pair.publicKey },
    { id: "own", publicKey: pair.publicKey, actor: "agent:a" },
  ];
  await withRoom(policyWith([], { keys }), () =>
    Effect.gen(function* () {
      const approvals = yield* Approvals;
      const sign = (text: string, privateKey = pair.privateKey) => Effect.promise(() => signText(privateKey, text));
      const one = yield* request(fetching());
      const two = yield* request(fetching({ input: { n: 2 } }));
      const text = signedText(bindingOf(one));
      const good = yield* sign(text);
      const attempts: ReadonlyArray<readonly [ApprovalRequest, string, string]> = [
        [one, "ops", yield* sign(text, other.privateKey)],
        [one, "ops", yield* sign(bindingOf(one))],
        [two, "ops", good],
        [one, "ops", good.slice(0, -8)],
        [one, "ops", "%%%"],
        [one, "ops", ""],
        [one, "absent", good],
      ];
      for (const [about, key, value] of attempts) {
        const code = yield* failureOf(approvals.approve(about.request, "agent:a", { key, value }));
        assert.equal(code, "EFFECTS_SIGNATURE", `${key} ${value}`);
      }
      const own = yield* failureOf(approvals.approve(one.request, "agent:a", { key: "own", value: good }));
      assert.equal(own, "EFFECTS_NOT_APPROVER", "the holder of a key does not approve their own request");
      assert.equal((yield* approvals.approve(one.request, "agent:a", { key: "ops", value: good })).by, "key:ops");
      assert.equal(yield* passes(fetching()), "ok");
      const again = yield* request(fetching());
      const replayed = yield* failureOf(approvals.approve(again.request, "agent:a", { key: "ops", value: good }));
      assert.equal(replayed, "EFFECTS_SIGNATURE", "a signature is for one request");
      assert.deepEqual((yield* approvals.state).counts, { person: 0, key: 1, policy: 0 });
    }));
});

Deno.test("signatures agree with WebCrypto's Ed25519", async () => {
  const pair = await newKeyPair();
  const raw = Uint8Array.from(atob(pair.publicKey), (char) => char.charCodeAt(0));
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", true, ["verify"]);
  const bytes = new TextEncoder().encode("text");
  const signature = Uint8Array.from(atob(await signText(pair.privateKey, "text")), (char) => char.charCodeAt(0));
  assert.equal(await crypto.subtle.verify("Ed25519", key, signature, bytes), true);
  const mine = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const theirs = new Uint8Array(await crypto.subtle.sign("Ed25519", mine.privateKey, bytes));
  const exported = new Uint8Array(await crypto.subtle.exportKey("raw", mine.publicKey));
  const base64 = (data: Uint8Array) => btoa(String.fromCharCode(...data));
  assert.equal(await verifySignature(base64(exported), "text", base64(theirs)), true);
  assert.equal(await verifySignature(base64(exported), "texts", base64(theirs)), false);
});

Deno.test("an actor has so many open requests and no more; another actor still asks", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      for (let n = 0; n < MAX_OPEN_REQUESTS; n++) {
        assert.equal(yield* passes(fetching({ input: { n } })), "KERNEL_APPROVAL_NEEDED");
      }
      assert.equal(yield* passes(fetching({ input: { n: MAX_OPEN_REQUESTS } })), "KERNEL_DENIED");
      assert.equal(yield* passes(fetching({ input: { n: 0 } })), "KERNEL_APPROVAL_NEEDED");
      assert.equal(yield* passes(fetching({ actor: "agent:b" })), "KERNEL_APPROVAL_NEEDED");
    })));

Deno.test("a long input is shown by its size, and can still be approved", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const long = { text: "x".repeat(200_000) };
      const { request: id, input } = yield* request(fetching({ input: long }));
      assert.deepEqual(input, { omitted: "200011 characters" });
      yield* (yield* Approvals).approve(id, "user@tty");
      assert.equal(yield* passes(fetching({ input: long })), "ok");
      const edge = { text: "x".repeat(MAX_SHOWN_INPUT - 11) };
      assert.deepEqual((yield* request(fetching({ input: edge }))).input, edge);
      const past = { text: "x".repeat(MAX_SHOWN_INPUT - 10) };
      assert.deepEqual((yield* request(fetching({ input: past }))).input, {
        omitted: `${MAX_SHOWN_INPUT + 1} characters`,
      });
    })));

Deno.test("a secret in the input is in no file, and the approval still fits the call", () =>
  withRoom(undefined, ({ folder }) =>
    Effect.gen(function* () {
      const canary = "sk-proj-" + "Zq7Rw2Lm9Kx4Tv8Bn3Yc6Hd1".repeat(2);
      const input = { url: "https://a.example", api_key: canary };
      const { request: id } = yield* request(fetching({ input }));
      yield* (yield* Approvals).approve(id, "user@tty");
      assert.equal(yield* passes(fetching({ input })), "ok");
      for (const entry of Deno.readDirSync(`${folder}/.rmi`)) {
        if (!entry.isFile) continue;
        const text = new TextDecoder("latin1").decode(Deno.readFileSync(`${folder}/.rmi/${entry.name}`));
        assert.equal(text.includes(canary), false, entry.name);
      }
    })));

Deno.test("what is remembered of closed requests is bounded", () => {
  let state = approvalFold.initial;
  const at = (n: number) => new Date(1_700_000_000_000 + n).toISOString();
  const step = (n: number, type: string, data: Record<string, unknown>) => {
    state = approvalFold.step(state, { seq: n, at: at(n), type, actor: "agent:a", data } as never);
  };
  for (let n = 0; n < MAX_CLOSED_REQUESTS + 500; n++) {
    step(n, "approval.requested", { request: `r${n}`, expiresAt: 1_900_000_000_000 });
    step(n, "approval.revoked", { request: `r${n}`, by: "agent:a" });
  }
  step(5_000, "approval.requested", { request: "last", expiresAt: 1_900_000_000_000 });
  assert.equal(state.requests.length, MAX_CLOSED_REQUESTS + 1);
  assert.deepEqual(state.requests.at(-1)?.request, "last");
  assert.equal(state.requests[0].request, "r500");
});

Deno.test("events that contradict each other change nothing the first did not", () => {
  const fold = (events: ReadonlyArray<readonly [string, Record<string, unknown>, number?]>) =>
    events.reduce(
      (state, [type, data, ms = 0], seq) =>
        approvalFold.step(state, {
          seq,
          at: new Date(1_700_000_000_000 + ms).toISOString(),
          type,
          actor: "agent:a",
          data: { request: "r", ...data },
        } as never),
      approvalFold.initial,
    ).requests[0];
  const asked = ["approval.requested", { expiresAt: 1_700_000_010_000 }] as const;
  const granted = ["approval.granted", { by: "user@tty" }] as const;
  const used = (call: string, ms?: number) => ["approval.used", { call, use: call }, ms] as const;
  assert.equal(fold([asked, granted, used("first"), used("second")]).call, "first");
  assert.equal(fold([asked, used("first")]).state, "open");
  assert.equal(fold([asked, granted, used("late", 10_000)]).state, "approved");
  assert.equal(fold([asked, granted, used("in time", 9_999)]).state, "used");
  assert.equal(fold([asked, granted, ["approval.revoked", { by: "x" }], used("first")]).state, "revoked");
  assert.equal(fold([asked, ["approval.revoked", { by: "x" }], granted]).state, "revoked");
});

Deno.test("the service type names every way an approval can fail", () => {
  type Codes = ApprovalsShape["approve"] extends (...args: never) => Effect.Effect<unknown, infer E> ? E : never;
  const code: Extract<Codes, { code: "EFFECTS_NOT_APPROVER" }>["code"] = "EFFECTS_NOT_APPROVER";
  assert.equal(code, "EFFECTS_NOT_APPROVER");
});
