import assert from "node:assert/strict";
import { Failure } from "../../../../kernel/mod.ts";
import { random } from "../../../../kernel/random.ts";
import { digestText } from "../../../../kernel/digest.ts";
import {
  ancestorsOf,
  bestFirst,
  descendantsOf,
  lineageFaults,
} from "../../../../plugins/evolution/lineage/ancestry.ts";
import { frontChart } from "../../../../plugins/evolution/lineage/front_chart.ts";
import { ARCHIVE_ROWS, archived } from "../../../../plugins/evolution/state/archive.ts";
import {
  decodeForm,
  encodeForm,
  LINEAGE_FORM,
  type LineageRow,
  RECORD_VERSION,
  STATE_FORM,
} from "../../../../plugins/evolution/state/record.ts";

const row = (
  id: string,
  objectives: ReadonlyArray<number> | undefined,
  more: Partial<LineageRow> = {},
): LineageRow => ({
  id,
  generation: 1,
  parents: [],
  key: digestText(id),
  edit: "drawn",
  genome: [],
  ...(objectives === undefined ? { failed: "no" } : { objectives }),
  ...more,
});

const ids = (rows: ReadonlyArray<LineageRow>): ReadonlyArray<string> => rows.map(({ id }) => id);

Deno.test("an archive told in parts is what nothing of all that was told dominates", () => {
  const chance = random("archive");
  const all = Array.from(
    { length: 120 },
    (_, k) => row(`${k}`, [chance.below(40), chance.below(40), chance.below(40)]),
  );
  const dominates = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) =>
    a.every((value, m) => value <= b[m]) && a.some((value, m) => value < b[m]);
  const best = all.filter(({ objectives }, at) =>
    !all.some((other) => dominates(other.objectives!, objectives!)) &&
    !all.slice(0, at).some((other) => other.objectives!.join() === objectives!.join())
  );
  for (const size of [1, 7, 120]) {
    let archive: ReadonlyArray<LineageRow> = [];
    for (let at = 0; at < all.length; at += size) archive = archived(archive, all.slice(at, at + size), 3);
    assert.deepEqual(new Set(ids(archive)), new Set(ids(best)), `in parts of ${size}`);
  }
});

Deno.test("of one objective the archive holds the first of the best, whatever came later", () => {
  const first = archived([], [row("a", [2]), row("b", [1]), row("c", [1])], 1);
  assert.deepEqual(ids(first), ["b"]);
  assert.deepEqual(ids(archived(first, [row("d", [1]), row("e", [3])], 1)), ["b"]);
  assert.deepEqual(ids(archived(first, [row("f", [0.5])], 1)), ["f"]);
});

Deno.test("what failed never enters, and what is infeasible only while nothing is feasible", () => {
  assert.deepEqual(archived([], [row("a", undefined)], 2), []);
  const infeasible = archived([], [row("a", [0, 0], { violation: 3 }), row("b", [9, 9], { violation: 2 })], 2);
  assert.deepEqual(ids(infeasible), ["b"]);
  assert.deepEqual(ids(archived(infeasible, [row("c", [50, 50])], 2)), ["c"]);
});

Deno.test("an archive keeps 200 rows and its extremes; the two-hundred-and-first costs one", () => {
  const line = (count: number) => Array.from({ length: count }, (_, k) => row(`${k}`, [k, count - k]));
  assert.equal(archived([], line(ARCHIVE_ROWS), 2).length, ARCHIVE_ROWS);
  const full = archived([], line(ARCHIVE_ROWS + 1), 2);
  assert.equal(full.length, ARCHIVE_ROWS);
  assert.ok(ids(full).includes("0") && ids(full).includes(`${ARCHIVE_ROWS}`));
});

const record = {
  run: digestText("run"),
  generation: 2,
  evaluations: 4,
  failures: 1,
  search: { any: ["state"] },
  archive: [row("1.0", [0.5, 2]), row("1.1", [0.25, 3], { violation: 1e-9, descriptor: [1], note: { why: "x" } })],
  lineage: digestText("lineage"),
  ended: null,
  memory: { generations: 2 },
} as const;

Deno.test("a record is read back as it was written, and its bytes depend on its values alone", () => {
  const bytes = encodeForm(STATE_FORM, record);
  assert.deepEqual(decodeForm(STATE_FORM, bytes, "r"), record);
  const turned = Object.fromEntries(Object.entries(record).reverse()) as unknown as typeof record;
  assert.deepEqual(encodeForm(STATE_FORM, turned), bytes);
});

Deno.test("a record of another form, a newer version, or damaged is refused, whatever byte is wrong", () => {
  const text = new TextDecoder().decode(encodeForm(STATE_FORM, record));
  const refused = (changed: string, reason: RegExp, form: typeof STATE_FORM | typeof LINEAGE_FORM = STATE_FORM) => {
    assert.throws(
      () => decodeForm<unknown>(form, new TextEncoder().encode(changed), "r"),
      (thrown) => thrown instanceof Failure && thrown.code === "EVOLUTION_RUN" && reason.test(thrown.message),
      changed.slice(0, 80),
    );
  };
  refused(text, /not of the form/u, LINEAGE_FORM);
  refused(text.replace(`"version":${RECORD_VERSION}`, `"version":${RECORD_VERSION + 1}`), /newer/u);
  refused(text.replace('"generation":2', '"generation":-2'), /damaged/u);
  refused(text.replace('"evaluations":4,', ""), /damaged/u);
  refused(text.replace('"run":"sha256:', '"run":"sha255:'), /damaged/u);
  refused(text.slice(0, -1), /not JSON/u);
  for (const other of ["null", "[]", "3", '"text"', ""]) refused(other, /not JSON|not of the form/u);
  assert.throws(() => decodeForm(STATE_FORM, Uint8Array.of(0xff, 0xfe), "r"), /not JSON/u);
});

/** Two drawn, a child of both, its child, and a stranger. */
const FAMILY = [
  row("0.0", [4]),
  row("0.1", [3]),
  row("1.0", [2], { parents: ["0.0", "0.1"], generation: 2, edit: "crossed by sbx" }),
  row("1.1", [9], { generation: 2 }),
  row("2.0", [1], { parents: ["1.0"], generation: 3, edit: "mutated by polynomial" }),
  row("2.1", undefined, { parents: ["1.0", "1.1"], generation: 3 }),
];

Deno.test("ancestors and descendants are those of the family, in the order they were told", () => {
  assert.deepEqual(ids(ancestorsOf(FAMILY, "2.0")!.rows), ["0.0", "0.1", "1.0"]);
  assert.deepEqual(ids(ancestorsOf(FAMILY, "0.0")!.rows), []);
  assert.deepEqual(ids(descendantsOf(FAMILY, "0.1")!.rows), ["1.0", "2.0", "2.1"]);
  assert.equal(ancestorsOf(FAMILY, "2.1")!.total, 4);
  assert.equal(ancestorsOf(FAMILY, "7.7"), undefined);
  assert.equal(descendantsOf(FAMILY, "7.7"), undefined);
  assert.deepEqual(ids(bestFirst(FAMILY)), ["2.0", "1.0", "0.1", "0.0", "1.1", "2.1"]);
});

Deno.test("of a thousand ancestors and more the nearest thousand are shown, and the number of all", () => {
  const chain = Array.from({ length: 1_502 }, (_, k) => row(`${k}`, [k], { parents: k === 0 ? [] : [`${k - 1}`] }));
  const whole = ancestorsOf(chain.slice(0, 1_001), "1000")!;
  assert.deepEqual([whole.rows.length, whole.total], [1_000, 1_000]);
  const { rows, total } = ancestorsOf(chain, "1501")!;
  assert.deepEqual([rows.length, total, rows[0].id, rows.at(-1)!.id], [1_000, 1_501, "501", "1500"]);
});

Deno.test("a lineage with a lost parent, a later one, or an id twice is found out", () => {
  assert.deepEqual(lineageFaults(FAMILY), []);
  assert.match(lineageFaults(FAMILY.slice(1)).join(), /parent 0\.0 of 1\.0 is not told/u);
  assert.match(lineageFaults([...FAMILY].reverse()).join(), /is told after it/u);
  assert.match(lineageFaults([...FAMILY, FAMILY[0]]).join(), /0\.0 is told twice/u);
});

Deno.test("a front of two or three objectives is drawn with every row; of one or four there is no drawing", () => {
  const circles = (svg: string | undefined) => [...svg!.matchAll(/<circle/gu)].length;
  const front = (width: number) =>
    Array.from({ length: 9 }, (_, k) => row(`${k}`, Array.from({ length: width }, (_, m) => m === 0 ? k : 8 - k)));
  assert.equal(circles(frontChart("t", front(2), null)), 9);
  assert.equal(circles(frontChart("t", front(2), { members: [{ objectives: [1, 1] }, { failed: "no" }] })), 10);
  const three = frontChart("t", front(3), null);
  assert.equal(circles(three), 9);
  assert.equal([...three!.matchAll(/objective 3: /gu)].length, 3);
  assert.equal(frontChart("t", front(1), null), undefined);
  assert.equal(frontChart("t", front(4), null), undefined);
  assert.equal(frontChart("t", [], null), undefined);
});
