/** Grants: covered uses, revoking, expiry, and that a grant made from a grant is never wider or longer. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { type GrantSpec, makeGrants, type OwnedGrant } from "../../effects/grants.ts";
import { folderPattern } from "../../effects/patterns.ts";
import { randomFor } from "./seeded.ts";
import { movableClock } from "./workspace.ts";

const spec = (more: Partial<GrantSpec<"readLocal">> = {}): GrantSpec<"readLocal"> => ({
  authority: "readLocal",
  call: "c1",
  operation: "demo.read",
  actor: "agent:a",
  rule: "r1",
  refuses: () => undefined,
  ...more,
});

const refusalOf = (grant: OwnedGrant<"readLocal">, detail: string) =>
  Effect.runPromise(
    Effect.match(grant.check(detail), { onSuccess: () => "ok", onFailure: (failed) => failed.message }),
  );

Deno.test("a use outside the grant is the typed denial that names operation, authority, detail and rule", async () => {
  const inside = folderPattern("/w");
  const grant = makeGrants().issue(spec({ refuses: (path) => inside(path) ? undefined : "default.ask" }));
  await Effect.runPromise(grant.check("/w/a"));
  const failed = await Effect.runPromise(Effect.flip(grant.check("/etc/passwd")));
  assert.equal(failed.code, "KERNEL_DENIED");
  assert.match(failed.message, /demo\.read: readLocal on \/etc\/passwd .*default\.ask/u);
});

Deno.test("a revoked grant refuses its next use, and so does everything made from it", async () => {
  const grants = makeGrants();
  const grant = grants.issue(spec());
  const child = grant.attenuate({ ...spec({ call: "c2" }) });
  assert.deepEqual([await refusalOf(grant, "/x"), await refusalOf(child, "/x")], ["ok", "ok"]);
  assert.equal(grants.revoke(grant.line.grant), true);
  assert.match(await refusalOf(grant, "/x"), /r1, ended/u);
  assert.match(await refusalOf(child, "/x"), /r1, ended/u);
  assert.equal(grants.revoke(grant.line.grant), false);
});

Deno.test("revoking a child leaves its source", async () => {
  const grant = makeGrants().issue(spec());
  const child = grant.attenuate(spec({ call: "c2" }));
  child.revoke();
  assert.equal(await refusalOf(grant, "/x"), "ok");
  assert.match(await refusalOf(child, "/x"), /ended/u);
});

Deno.test("a grant ends at its time: one millisecond before it still covers", async () => {
  const clock = movableClock();
  const start = 1_700_000_000_000;
  const grant = makeGrants().issue(spec({ expiresAt: start + 1_000 }));
  const check = () =>
    Effect.runPromise(Effect.provide(
      Effect.match(grant.check("/x"), {
        onSuccess: () => "ok",
        onFailure: ({ message }) => message,
      }),
      clock.layer,
    ));
  clock.advance(999);
  assert.equal(await check(), "ok");
  clock.advance(1);
  assert.match(await check(), /expired/u);
});

Deno.test("a child asked to last longer than its source ends with it", () => {
  const grant = makeGrants().issue(spec({ expiresAt: 1_000 }));
  assert.equal(grant.attenuate(spec({ expiresAt: 5_000 })).line.expiresAt, 1_000);
  assert.equal(grant.attenuate(spec({ expiresAt: 500 })).line.expiresAt, 500);
  assert.equal(grant.attenuate(spec()).line.expiresAt, 1_000);
});

Deno.test("what runs holds is listed; what ended or expired is not", async () => {
  const clock = movableClock();
  const grants = makeGrants();
  grants.issue(spec({ call: "c1" }));
  grants.issue(spec({ call: "c2", expiresAt: 1 }));
  grants.issue(spec({ call: "c3" }));
  grants.release("c1");
  const listed = await Effect.runPromise(Effect.provide(grants.list, clock.layer));
  assert.deepEqual(listed.map(({ call }) => call), ["c3"]);
  assert.equal(grants.ofCall("c1").size, 0);
  assert.equal(grants.ofCall("c3").size, 1);
});

Deno.test("chains of attenuation never cover more than every grant above them, on 1,000 seeded chains", async () => {
  const { below, pick } = randomFor("chains");
  const folders = ["/a", "/a/b", "/a/b/c", "/d", "/a/bc"];
  const paths = ["/a/x", "/a/b/x", "/a/b/c/x", "/d/x", "/a/bc/x", "/e"];
  for (let round = 0; round < 1_000; round++) {
    const grants = makeGrants();
    const chosen = Array.from({ length: 1 + below(4) }, () => [pick(folders), pick(folders)]);
    const refuses = (allowed: ReadonlyArray<string>) => (path: string) =>
      allowed.some((folder) => path.startsWith(`${folder}/`)) ? undefined : "outside";
    let grant = grants.issue(spec({ refuses: refuses(chosen[0]) }));
    const chain = [grant];
    for (const allowed of chosen.slice(1)) {
      grant = grant.attenuate(spec({ call: `c${chain.length}`, refuses: refuses(allowed) }));
      chain.push(grant);
    }
    for (const path of paths) {
      const wanted = chosen.every((allowed) => allowed.some((folder) => path.startsWith(`${folder}/`)));
      assert.equal(grant.refusal(path, 0) === undefined, wanted, `${path} under ${JSON.stringify(chosen)}`);
    }
    pick(chain).revoke();
    assert.equal(await refusalOf(grant, "/a/b/c/x") === "ok", false, "ending any link ends the chain");
  }
});
