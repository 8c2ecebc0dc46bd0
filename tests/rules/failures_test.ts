/**
 * Failure codes: one catalogue a room, no code twice, each with its room's prefix and a documentation line.
 */
import assert from "node:assert/strict";
import type { AnyFailureDefinition } from "../../kernel/mod.ts";
import { pathsIn, ROOMS, ROOT, sourcesIn } from "./sources.ts";
import { tokensOf } from "./tokens.ts";

const CODE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/u;
const FEWEST_CODES = 60;

/** The prefix of a room's codes: the name of its folder, singular or plural. */
const prefixesOf = (path: string): ReadonlyArray<string> => {
  const parts = path.split("/");
  const room = (parts[0] === "plugins" ? parts[1] : parts[0]).toUpperCase();
  return [`${room}_`, `${room.replace(/S$/u, "")}_`];
};

const isRow = (value: unknown): value is AnyFailureDefinition =>
  typeof value === "function" && typeof (value as { code?: unknown }).code === "string" &&
  typeof (value as { doc?: unknown }).doc === "string";

/** Every catalogue row: the file, the exported name, the definition. */
const rows: ReadonlyArray<readonly [string, string, AnyFailureDefinition]> = (await Promise.all(
  pathsIn(ROOMS).filter((path) => path.endsWith("/failures.ts")).map(async (path) => {
    const module: Record<string, unknown> = await import(new URL(path, ROOT).href);
    return Object.entries(module).flatMap(([name, value]) => isRow(value) ? [[path, name, value] as const] : []);
  }),
)).flat();

Deno.test("every room's catalogue is read", () => {
  const rooms = new Set(rows.map(([path]) => path));
  for (const path of ["kernel/failures.ts", "effects/failures.ts", "registry/failures.ts"]) {
    assert(rooms.has(path), path);
  }
  assert(rows.length >= FEWEST_CODES, `only ${rows.length} codes`);
});

Deno.test("no code is used twice", () => {
  const owners = new Map<string, string>();
  for (const [path, name, { code }] of rows) {
    assert.equal(owners.get(code), undefined, `${code}: ${owners.get(code)} and ${path} ${name}`);
    owners.set(code, `${path} ${name}`);
  }
});

Deno.test("every code is in capitals with its room's prefix", () => {
  const wrong = rows.filter(([path, , { code }]) =>
    !CODE.test(code) || !prefixesOf(path).some((prefix) => code.startsWith(prefix))
  );
  assert.deepEqual(wrong.map(([path, , { code }]) => `${path}: ${code}`), []);
});

Deno.test("every code has a documentation line that is a sentence", () => {
  assert.deepEqual(rows.filter(([, , { doc }]) => !/^\p{Lu}.*\.$/su.test(doc)).map(([, , { code }]) => code), []);
});

Deno.test("failures are declared in catalogues and nowhere else", () => {
  const elsewhere = sourcesIn(ROOMS).filter(({ path }) => !path.endsWith("failures.ts") && path !== "kernel/failure.ts")
    .filter(({ text }) => {
      const tokens = tokensOf(text).filter((token) => token.kind !== "comment");
      return tokens.some((token, at) =>
        token.text === "failure" && tokens[at + 1]?.text === "(" && /^"[A-Z_]+"$/u.test(tokens[at + 2]?.text ?? "")
      );
    });
  assert.deepEqual(elsewhere.map(({ path }) => path), []);
});
