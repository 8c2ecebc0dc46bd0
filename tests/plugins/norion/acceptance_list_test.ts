/**
 * The acceptance list of the behaviour specification (section 20, items 1 to 83): each item is the number at the end of a
 * test's name, or stands in another room's test.
 */
import assert from "node:assert/strict";
import { join } from "node:path";

const ITEMS = 83;

const HERE = import.meta.dirname!;

/** Items that a test of another room shows, by its file and name. */
const ELSEWHERE: { readonly [item: number]: readonly [file: string, name: string] } = {
  81: ["../../effects/ledger_crash_test.ts", "a torn slot of the head file falls back to the other slot"],
};

const namesIn = (folder: string): ReadonlyArray<string> =>
  [...Deno.readDirSync(folder)].filter(({ isFile, name }) => isFile && name.endsWith("_test.ts"))
    .flatMap(({ name }) => [...Deno.readTextFileSync(join(folder, name)).matchAll(/\((20\.[\d., ]+)\)["`]/gu)])
    .map(([, items]) => items);

const shown = new Set(
  namesIn(HERE).flatMap((items) => items.split(",").map((item) => Number(item.trim().replace(/^20\./u, "")))),
);

Deno.test("every item of the acceptance list is shown by a test", () => {
  const open = Array.from({ length: ITEMS }, (_, i) => i + 1)
    .filter((item) => !shown.has(item) && !(item in ELSEWHERE));
  assert.deepEqual(open, []);
});

Deno.test("no item is made up", () => {
  for (const item of shown) assert.ok(Number.isInteger(item) && item >= 1 && item <= ITEMS, `${item}`);
});

for (const [item, [file, name]] of Object.entries(ELSEWHERE)) {
  Deno.test(`item ${item} is shown by the test of another room that is named for it`, () => {
    assert.ok(Deno.readTextFileSync(join(HERE, file)).includes(`"${name}"`), name);
  });
}
