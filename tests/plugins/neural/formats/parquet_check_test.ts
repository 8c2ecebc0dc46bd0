/**
 * Tests of formats/parquet_check.ts on pages written out by hand from the published format.
 */
import assert from "node:assert/strict";
import {
  checkColumn,
  checkGroup,
  type ColumnChunk,
  MAX_GROUP_VALUES,
} from "../../../../plugins/neural/formats/parquet_check.ts";
import { codeOf, messageOf, survives } from "../hostile.ts";

const varint = (value: number): ReadonlyArray<number> =>
  value < 128 ? [value] : [value % 128 + 128, ...varint(Math.floor(value / 128))];

/** A whole number of the compact protocol. */
const signed = (value: number) => varint(value < 0 ? -2 * value - 1 : 2 * value);

/** A field of type i32 whose number is one more than that of the field before it. */
const next = (value: number) => [0x15, ...signed(value)];

const u32 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];

/** A page of values, first version: type, sizes, and { count, encoding, level encodings }. */
const page = (count: number, encoding: number, body: ReadonlyArray<number>, kind = 0) => [
  ...next(kind),
  ...next(body.length),
  ...next(body.length),
  0x2c,
  ...next(count),
  ...next(encoding),
  ...next(3),
  ...next(3),
  0,
  0,
  ...body,
];

/** A page of values, second version: { count, gaps, rows, encoding, bytes of levels }. */
const second = (
  count: number,
  gaps: number,
  encoding: number,
  optional: ReadonlyArray<number>,
  body: ReadonlyArray<number>,
) => [
  ...next(3),
  ...next(optional.length + body.length),
  ...next(optional.length + body.length),
  0x5c,
  ...next(count),
  ...next(gaps),
  ...next(count),
  ...next(encoding),
  ...next(optional.length),
  ...next(0),
  0,
  0,
  ...optional,
  ...body,
];

const PLAIN = 0;
const DICTIONARY = 8;
const RUNS = 3;

/** A run of one number, of less than eight bits. */
const run = (count: number, value: number) => [...varint(2 * count), value];
const measured = (bytes: ReadonlyArray<number>) => [...u32(bytes.length), ...bytes];

const column = (bytes: ReadonlyArray<number>, values: number, more: Partial<ColumnChunk> = {}): ColumnChunk => ({
  from: 0,
  size: bytes.length,
  optional: 0,
  repeated: 0,
  boolean: false,
  values,
  ...more,
});

const check = (bytes: ReadonlyArray<number>, values: number, more: Partial<ColumnChunk> = {}) => () =>
  checkColumn(Uint8Array.from(bytes), column(bytes, values, more));

Deno.test("plain values, levels, dictionaries and runs that are what they say pass", () => {
  check(page(2, PLAIN, [1, 0, 0, 0, 2, 0, 0, 0]), 2)();
  check(page(3, PLAIN, [...measured(run(3, 1)), 1, 0, 0, 0]), 3, { optional: 1 })();
  check(page(300, DICTIONARY, [2, ...run(300, 1)]), 300)();
  check(page(5, RUNS, measured(run(5, 1))), 5, { boolean: true })();
  // Eight packed numbers of two bits where five are asked for: runs are filled up to eight.
  check(page(5, DICTIONARY, [2, 3, 0b11100100, 0]), 5)();
  check([...page(1, PLAIN, [1, 0, 0, 0]), ...page(1, PLAIN, [2, 0, 0, 0])], 2)();
  check(second(4, 1, DICTIONARY, run(4, 1), [1, ...run(3, 0)]), 4, { optional: 1 })();
});

Deno.test("a run longer than the page has values is refused, wherever it stands", () => {
  const bomb = 2 ** 30;
  const cases: ReadonlyArray<() => void> = [
    check(page(3, DICTIONARY, [2, ...run(bomb, 1)]), 3),
    check(page(3, PLAIN, [...measured(run(bomb, 1)), 1]), 3, { optional: 1 }),
    check(page(3, PLAIN, [...measured(run(bomb, 1)), 1]), 3, { repeated: 1, optional: 1 }),
    check(page(3, RUNS, measured(run(bomb, 1))), 3, { boolean: true }),
    check(second(3, 0, PLAIN, run(bomb, 1), [1]), 3, { optional: 1 }),
    check(second(3, 0, DICTIONARY, [], [2, ...run(bomb, 1)]), 3),
    check(page(3, DICTIONARY, [2, ...run(4, 1)]), 3),
    check(page(3, DICTIONARY, [2, ...run(0, 1)]), 3),
  ];
  for (const one of cases) assert.match(messageOf(one), /a run of \d+, and 3 values are declared/u);
});

Deno.test("each other way to be wrong is refused and named", () => {
  const good = page(2, PLAIN, [1, 0, 0, 0, 2, 0, 0, 0]);
  assert.match(messageOf(check(good, 3)), /declares 3 values, and 2 are there/u);
  assert.match(messageOf(check(good, 1)), /a page of 2 values in a column of 1/u);
  assert.match(messageOf(check(page(-1, PLAIN, []), 1)), /a page of -1 values/u);
  assert.match(messageOf(check(page(1, 7, [1]), 1)), /encoding 7/u);
  assert.match(messageOf(check(page(1, RUNS, measured(run(1, 1))), 1)), /yes and no/u);
  assert.match(messageOf(check(page(1, PLAIN, [1], 1), 1)), /pages of kind 1/u);
  assert.match(messageOf(check(good.slice(0, 4), 2)), /cut off/u);
  assert.match(messageOf(check(good.slice(0, -1), 2)), /bytes are not there/u);
  assert.match(messageOf(check(page(3, DICTIONARY, [40, ...run(3, 1)]), 3)), /40 bits/u);
  assert.match(messageOf(check(second(2, 3, PLAIN, [], [1]), 2)), /3 of 2 values are absent/u);
  assert.match(messageOf(() => checkColumn(new Uint8Array(4), column([1, 2, 3, 4, 5], 1))), /outside the file/u);
  const dictionary = [...next(2), ...next(4), ...next(4), 0x4c, ...next(2 ** 30), ...next(0), 0, 0, 1, 0, 0, 0];
  assert.match(messageOf(check(dictionary, 1)), /a dictionary of 1073741824 values in 32 bits/u);
});

Deno.test("a header nested without end is refused", () => {
  assert.match(messageOf(check(Array(100).fill(0x1c), 1)), /nested too deeply/u);
});

Deno.test("a group at the limit passes, one past it and one of unequal columns do not", () => {
  const of = (values: number) => column([], values);
  checkGroup(MAX_GROUP_VALUES / 2, [of(MAX_GROUP_VALUES / 2), of(MAX_GROUP_VALUES / 2)]);
  assert.equal(codeOf(() => checkGroup(MAX_GROUP_VALUES + 1, [of(MAX_GROUP_VALUES + 1)])), "NEURAL_DATA_LIMIT");
  assert.match(messageOf(() => checkGroup(3, [of(3), of(4)])), /4 values in a group of 3 rows/u);
  checkGroup(3, [{ ...of(9), repeated: 1 }]);
});

Deno.test("edited pages are taken or refused, never worse", () => {
  const good = [
    ...page(3, PLAIN, [...measured(run(3, 1)), 1]),
    ...page(300, DICTIONARY, [...measured(run(300, 1)), 2, ...run(300, 1)]),
  ];
  return survives(
    Uint8Array.from(good),
    2_000,
    "parquet-pages",
    (bytes) => checkColumn(bytes, { ...column([], 303, { optional: 1 }), size: bytes.length }),
  );
});
