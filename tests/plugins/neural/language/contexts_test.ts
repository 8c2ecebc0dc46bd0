/**
 * Contexts of a text: what a row depends on, and what it does not.
 */
import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import { ContextReader, contextsOf, type ContextTable } from "../../../../plugins/neural/library.ts";

const ROWS = 1_000_003;
const bytes = (span: number, rows = ROWS): ContextTable => ({ of: "bytes", span, rows, width: 1 });
const words = (span: number, rows = ROWS): ContextTable => ({ of: "words", span, rows, width: 1 });
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
/** The row of the place after a text. */
const after = (table: ContextTable, text: string): number => contextsOf([table], encode(`${text}?`)).at(-1)!;

const draws = random("contexts");
const TEXT = Uint8Array.from({ length: 3000 }, () => draws.pick([...encode("ab c,D\n")]));

Deno.test("a row depends on the bytes before its place alone", () => {
  const tables = [bytes(1), bytes(4), words(0), words(2)];
  const whole = contextsOf(tables, TEXT);
  for (const cut of [1, 17, 1000]) {
    const other = TEXT.slice();
    other.fill(0x7a, cut);
    assert.deepEqual(
      contextsOf(tables, other).slice(0, (cut + 1) * tables.length),
      whole.slice(0, (cut + 1) * tables.length),
    );
  }
});

Deno.test("the same last bytes are the same row, and nearly all others are other rows", () => {
  for (const span of [1, 2, 3, 5]) {
    const rows = contextsOf([bytes(span)], TEXT);
    const known = new Map<string, number>();
    for (let i = span; i < TEXT.length; i++) {
      const context = TEXT.subarray(i - span, i).join();
      assert.equal(rows[i], known.get(context) ?? rows[i]);
      known.set(context, rows[i]);
    }
    // Of n contexts about n²/2 pairs meet in so many rows, each with one chance in their number.
    const met = known.size - new Set(known.values()).size;
    assert.ok(met <= 3 + known.size ** 2 / ROWS, `${met} of ${known.size}`);
  }
});

Deno.test("a word is its letters so far, whatever their case, and the words before it", () => {
  assert.equal(after(words(0), "the HEAV"), after(words(0), "a heav"));
  assert.notEqual(after(words(0), "the heav"), after(words(0), "the hea"));
  assert.notEqual(after(words(1), "the heav"), after(words(1), "a heav"));
  assert.equal(after(words(1), "of the heav"), after(words(1), "in  the, Heav"));
  assert.notEqual(after(words(2), "of the heav"), after(words(2), "in the heav"));
});

Deno.test("where a word begins, what stands before it counts", () => {
  assert.notEqual(after(words(0), "said, "), after(words(0), "said,"));
  assert.notEqual(after(words(0), "said."), after(words(0), "said,"));
  assert.equal(after(words(0), "said "), after(words(0), "unto "));
});

Deno.test("a new text forgets the one before, and rows stay below their number", () => {
  const tables = [bytes(1, 7), bytes(3, 11), words(1, 13)];
  const reader = new ContextReader(tables);
  const first = new Int32Array(3);
  reader.write(first, 0);
  TEXT.forEach((byte) => reader.push(byte));
  reader.reset();
  const again = new Int32Array(3);
  reader.write(again, 0);
  assert.deepEqual(again, first);
  const rows = contextsOf(tables, TEXT);
  assert.ok(rows.every((row, i) => row >= 0 && row < tables[i % 3].rows));
  assert.equal(new Set(rows.filter((_, i) => i % 3 === 2)).size, 13);
});

Deno.test("a text of any bytes has rows, an empty one has none", () => {
  const all = Uint8Array.from({ length: 512 }, (_, i) => i);
  assert.equal(contextsOf([bytes(16), words(16)], all).length, 1024);
  assert.equal(contextsOf([bytes(2)], new Uint8Array()).length, 0);
});
