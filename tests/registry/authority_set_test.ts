/**
 * Tests of registry/authority_set.ts: what counts as wanting more, and how it is told.
 */
import assert from "node:assert/strict";
import { AUTHORITIES } from "../../kernel/mod.ts";
import { type AuthoritySet, inWords, wantedBy, widening } from "../../registry/authority_set.ts";
import { NO_AUTHORITY } from "./world.ts";

const set = (more: Partial<AuthoritySet>): AuthoritySet => ({ ...NO_AUTHORITY, ...more });

Deno.test("reach counts only with its authority, sorted and without doubles", () => {
  const reach = { hosts: ["b.org", "a.org", "b.org"], env: ["KEY"], sys: ["hostname"] };
  assert.deepEqual(
    wantedBy({ effects: ["network"], kinds: [], reach }),
    set({ effects: ["network"], hosts: ["a.org", "b.org"] }),
  );
  assert.deepEqual(wantedBy({ effects: [], kinds: ["env"], reach }), set({ kinds: ["env"], env: ["KEY"] }));
  assert.deepEqual(wantedBy({ effects: [], kinds: [], reach }), NO_AUTHORITY);
});

const CASES: ReadonlyArray<readonly [string, AuthoritySet, AuthoritySet, ReadonlyArray<string>]> = [
  ["the same", set({ effects: ["network"], hosts: ["a"] }), set({ effects: ["network"], hosts: ["a"] }), []],
  ["less", set({ effects: ["network", "readLocal"], hosts: ["a"] }), NO_AUTHORITY, []],
  ["a new class", NO_AUTHORITY, set({ effects: ["readLocal"] }), ["read files of the workspace"]],
  ["the network, with its hosts", NO_AUTHORITY, set({ effects: ["network"], hosts: ["a", "b"] }), [
    "use the network (a, b)",
  ]],
  ["one more host", set({ effects: ["network"], hosts: ["a"] }), set({ effects: ["network"], hosts: ["a", "b"] }), [
    "use the network (b)",
  ]],
  ["any host", set({ effects: ["network"], hosts: ["a"] }), set({ effects: ["network"], hosts: ["*"] }), [
    "use the network (any host)",
  ]],
  [
    "a host where any was granted",
    set({ effects: ["network"], hosts: ["*"] }),
    set({ effects: ["network"], hosts: ["a"] }),
    [],
  ],
  ["one more variable", set({ kinds: ["env"], env: ["A"] }), set({ kinds: ["env"], env: ["A", "B"] }), [
    "read environment variables (B)",
  ]],
  ["hosts without the class", set({ hosts: ["a"] }), set({ effects: ["network"], hosts: ["a"] }), [
    "use the network (a)",
  ]],
];

for (const [what, granted, wanted, told] of CASES) {
  Deno.test(`widening by ${what} is ${told.length === 0 ? "none" : "told"}`, () => {
    assert.deepEqual(widening(granted, wanted), told);
  });
}

Deno.test("every authority has words of its own", () => {
  const words = AUTHORITIES.map((name) => inWords(set({ kinds: [name as never] }))[0]);
  assert.equal(new Set(words).size, AUTHORITIES.length);
});
