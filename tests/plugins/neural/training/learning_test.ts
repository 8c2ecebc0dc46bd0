import assert from "node:assert/strict";
import { CHECKS } from "./learning.ts";

for (const [name, check] of Object.entries(CHECKS)) {
  Deno.test(`learned: ${name}`, async () => {
    const { value, ok } = await check();
    assert.ok(ok, String(value));
  });
}
