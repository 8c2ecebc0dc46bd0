/**
 * Tests of registry/lock.ts: one text for one content, and what counts as changed.
 */
import * as Result from "effect/Result";
import assert from "node:assert/strict";
import { NO_AUTHORITY } from "./world.ts";
import { changesOf, type Lock, type LockedPlugin, parseLock, permissionsFor, printLock } from "../../registry/lock.ts";

const digest = (mark: string) => `sha256:${mark.repeat(64)}` as const;
const row: LockedPlugin = {
  version: "1.0.0",
  source: "a.ts",
  entry: "a.ts",
  code: digest("1"),
  manifest: digest("2"),
  authority: { ...NO_AUTHORITY, effects: ["network"], hosts: ["a.org"] },
  permissions: { read: ["a.ts"], net: ["a.org"] },
  trusted: false,
};

Deno.test("a lock reads back what was written, whatever the order it was made in", () => {
  const lock: Lock = { format: 1, plugins: { b: row, a: { ...row, trusted: true } } };
  const turned: Lock = { format: 1, plugins: { a: { ...row, trusted: true }, b: row } };
  assert.equal(printLock(lock), printLock(turned));
  assert.deepEqual(parseLock(printLock(lock)), Result.succeed(turned));
});

Deno.test("a lock that is not one is refused whole", () => {
  const good = JSON.parse(printLock({ format: 1, plugins: { a: row } }));
  const bad: ReadonlyArray<unknown> = [
    null,
    [],
    { plugins: {} },
    { ...good, extra: 1 },
    { format: 1, plugins: { A: row } },
    { format: 1, plugins: { a: { ...row, code: "sha256:1" } } },
    { format: 1, plugins: { a: { ...row, trusted: "yes" } } },
    { format: 1, plugins: { a: { ...row, permissions: { run: ["sh"] } } } },
    { format: 1, plugins: { a: { ...row, permissions: { read: [""] } } } },
    { format: 1, plugins: { a: { ...row, authority: { ...row.authority, effects: ["everything"] } } } },
    { format: 1, plugins: { a: { ...row, authority: { ...row.authority, hosts: ["a b"] } } } },
  ];
  for (const document of bad) {
    const read = parseLock(JSON.stringify(document));
    assert.ok(Result.isFailure(read), JSON.stringify(document));
    assert.equal(read.failure.code, "REGISTRY_LOCK");
  }
});

Deno.test("changes are told: never approved, code, version, declarations, wider authority", () => {
  const same = { version: "1.0.0", code: row.code, manifest: row.manifest, authority: row.authority };
  assert.deepEqual(changesOf(row, same), []);
  assert.deepEqual(changesOf(undefined, same), ["nobody has approved it"]);
  assert.deepEqual(changesOf(row, { ...same, code: digest("3") }), ["its code changed without a new version (1.0.0)"]);
  assert.deepEqual(changesOf(row, { ...same, code: digest("3"), version: "1.1.0" }), [
    "it went from version 1.0.0 to 1.1.0",
  ]);
  assert.deepEqual(changesOf(row, { ...same, manifest: digest("4") }), ["its declarations changed"]);
  const wider = { ...row.authority, hosts: ["a.org", "b.org"] };
  assert.deepEqual(changesOf(row, { ...same, authority: wider }), ["now also wants to: use the network (b.org)"]);
});

Deno.test("a process gets its own code and the reach of what it wants, and nothing for file authorities", () => {
  const all = { effects: ["readLocal", "writeLocal"] as const, kinds: [], hosts: [], env: [], sys: [] };
  assert.deepEqual(permissionsFor(all, ["a.ts"]), { read: ["a.ts"] });
  assert.deepEqual(permissionsFor(row.authority, []), { net: ["a.org"] });
});
