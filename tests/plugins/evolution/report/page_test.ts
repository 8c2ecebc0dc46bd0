/**
 * Tests of the report: read as a browser's parser would, against what the result says.
 */
import assert from "node:assert/strict";
import type { CreateResult } from "../../../../plugins/evolution/create/result.ts";
import { MAX_PAGE_BYTES, reportPage } from "../../../../plugins/evolution/report/page.ts";
import { MAX_CANDIDATES } from "../../../../plugins/evolution/report/sections/search.ts";
import { digitsResult, pricesResult } from "./results.ts";

const VOID = new Set(["meta", "img", "br", "hr", "link"]);

interface Tag {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

interface Read {
  readonly tags: ReadonlyArray<Tag>;
  readonly text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

const unescaped = (text: string): string =>
  text.replace(/&(\w+|#\d+);/gu, (_, name) => {
    assert.ok(name in ENTITIES, `unknown entity &${name};`);
    return ENTITIES[name];
  });

const TAG = /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+(?:="[^"<>]*")?)*)\s*>/uy;

/** A strict reader: every tag is closed in its order, every attribute is quoted, no stray `<` or `>`. */
const read = (page: string): Read => {
  assert.ok(page.startsWith("<!doctype html>\n"));
  const tags: Array<Tag> = [];
  const open: Array<string> = [];
  let text = "";
  let at = "<!doctype html>\n".length;
  while (at < page.length) {
    if (page[at] !== "<") {
      const end = page.indexOf("<", at) < 0 ? page.length : page.indexOf("<", at);
      const part = page.slice(at, end);
      if (open.at(-1) !== "style") {
        assert.ok(!part.includes(">"), `a stray > in ${part.slice(0, 80)}`);
        text += unescaped(part);
      }
      at = end;
      continue;
    }
    TAG.lastIndex = at;
    const found = TAG.exec(page);
    assert.ok(found, `no tag at ${page.slice(at, at + 120)}`);
    const [whole, closing, name, attributes] = found;
    at += whole.length;
    if (closing === "/") {
      assert.equal(open.pop(), name);
      text += " ";
      continue;
    }
    if (!VOID.has(name)) open.push(name);
    tags.push({
      name,
      attributes: new Map(
        [...attributes.matchAll(/([\w:-]+)(?:="([^"]*)")?/gu)].map(([, key, value = ""]) => [key, unescaped(value)]),
      ),
    });
  }
  assert.deepEqual(open, []);
  return { tags, text: text.replaceAll(/\s+/gu, " ") };
};

const valuesOf = ({ tags }: Read, attribute: string): ReadonlyArray<string> =>
  tags.map(({ attributes }) => attributes.get(attribute)).filter((value) => value !== undefined);

const RESULTS: ReadonlyArray<readonly [name: string, result: CreateResult]> = [
  ["classes", digitsResult()],
  ["numbers", pricesResult()],
];

for (const [name, result] of RESULTS) {
  Deno.test(`${name}: the page is well-formed, its ids are unique, and every link in it leads somewhere`, () => {
    const page = read(reportPage(result));
    const ids = valuesOf(page, "id");
    assert.equal(new Set(ids).size, ids.length, "an id stands twice");
    assert.ok(ids.length > 10);
    for (const target of valuesOf(page, "href")) {
      assert.ok(target.startsWith("#") && ids.includes(target.slice(1)), target);
    }
    for (const label of valuesOf(page, "aria-labelledby")) assert.ok(ids.includes(label), label);
  });

  Deno.test(`${name}: nothing is fetched and nothing runs`, () => {
    const html = reportPage(result);
    const page = read(html);
    const names = new Set(page.tags.map(({ name: tag }) => tag));
    for (const tag of ["script", "link", "iframe", "object", "embed", "form", "base", "audio", "video", "use"]) {
      assert.ok(!names.has(tag), tag);
    }
    for (const source of valuesOf(page, "src")) assert.match(source, /^data:image\/bmp;base64,[A-Za-z0-9+/=]+$/u);
    assert.ok(page.tags.every(({ attributes }) => [...attributes.keys()].every((key) => !key.startsWith("on"))));
    assert.ok(!/@import|url\(|https?:/u.test(html));
    const policy = page.tags.find(({ attributes }) => attributes.get("http-equiv") === "Content-Security-Policy");
    assert.match(policy!.attributes.get("content")!, /^default-src 'none';/u);
  });

  Deno.test(`${name}: pictures and charts are told in words, headings go down by one, tables have headers`, () => {
    const { tags } = read(reportPage(result));
    for (const { name: tag, attributes } of tags) {
      if (tag === "img") assert.ok(attributes.get("alt")!.length > 5);
      if (tag === "svg") assert.ok(attributes.get("role") === "img" && attributes.get("aria-label")!.length > 20);
      if (tag === "th") assert.match(attributes.get("scope") ?? "", /^(?:col|row)$/u);
      for (const value of attributes.values()) assert.ok(!/NaN|Infinity|undefined/u.test(value), `${tag} ${value}`);
    }
    const levels = tags.filter(({ name: tag }) => /^h[1-6]$/u.test(tag)).map(({ name: tag }) => Number(tag[1]));
    assert.equal(levels[0], 1);
    assert.ok(levels.every((level, i) => i === 0 || level <= levels[i - 1] + 1 && level > 1));
    assert.equal(tags.filter(({ name: tag }) => tag === "main").length, 1);
    assert.equal(tags[0].attributes.get("lang"), "en");
  });

  Deno.test(`${name}: everything that was found is there`, () => {
    const { text, tags } = read(reportPage(result));
    const titles = tags.flatMap(({ attributes }) => [...attributes.values()]).join(" ");
    const expected = [
      result.command,
      result.run,
      result.model.program.text,
      ...result.model.names,
      ...result.steps.map(({ did }) => did),
      ...result.exports.map(({ file }) => file),
      ...result.candidates.map(({ id }) => id),
      ...result.rollback.map(({ did }) => did),
      ...result.ledger.rows.map(({ about }) => about),
      ...result.registration.evidence.map(({ summary }) => summary),
      ...Object.keys(result.refused),
      ...(result.data.columns ?? []).map(({ becomes }) => becomes),
      result.registration.by,
      result.registration.within,
    ];
    for (const said of expected) assert.ok(text.includes(said.replaceAll(/\s+/gu, " ")), said);
    const digests = [result.model.digest, result.registration.proposal!, ...result.exports.map(({ digest }) => digest)];
    for (const digest of digests) assert.ok(titles.includes(digest) || text.includes(digest), digest);
    assert.ok(!/undefined|NaN|\[object/u.test(text));
  });
}

Deno.test("whoever learned from a table is told how the model answers new rows", () => {
  const of = (result: CreateResult): boolean =>
    read(reportPage(result)).text.includes(`rmi neural predict digits --data '{"path":"new rows.csv"}'`);
  assert.deepEqual([of(pricesResult()), of(digitsResult())], [true, false]);
});

Deno.test("a confusion is in its row and column, and the share of a class that was found is right", () => {
  const result = digitsResult();
  const { tags } = read(reportPage(result));
  const titles = new Set(tags.map(({ attributes }) => attributes.get("title")));
  result.confusion!.forEach((row, i) =>
    row.forEach((held, k) => assert.ok(titles.has(`${held} of ${i} answered ${k}`), `${i} ${k}`))
  );
});

Deno.test("the bytes of the program add up to it, in the order in which they stand", () => {
  const { model } = digitsResult();
  const html = reportPage(digitsResult());
  const hex = [...html.matchAll(/<code>((?:[0-9a-f]{2} ?)+)<\/code>/gu)].map(([, bytes]) => bytes.replaceAll(" ", ""));
  assert.equal(hex.join(""), Uint8Array.fromBase64(model.program.base64).toHex());
});

/** Named for the worst. */
const HOSTILE = `"><script>alert('1')</script><img src=x onerror=alert(2)>&amp;\u0000\u0007\ud800 ${"x".repeat(9_000)}`;

/** Every text of a value replaced, but for those that have a form. */
const spoiled = (value: unknown, key = ""): unknown => {
  if (typeof value === "string") {
    return ["base64", "pixels", "digest", "hash", "kind"].includes(key) ? value : HOSTILE;
  }
  if (Array.isArray(value)) return value.map((one) => spoiled(one, key));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, spoiled(one, name)]));
};

Deno.test("whatever columns, classes, programs and files are named, text stays text", () => {
  for (const [, result] of RESULTS) {
    const html = reportPage(spoiled(result) as CreateResult);
    assert.ok(html.length < MAX_PAGE_BYTES);
    const page = read(html);
    assert.ok(!page.tags.some(({ name }) => name === "script"));
    assert.ok(page.tags.filter(({ name }) => name === "img").every(({ attributes }) => !attributes.has("onerror")));
    assert.ok(page.text.includes("<script>alert('1')</script>"));
    assert.ok(page.text.includes("\ufffd"));
  }
});

Deno.test("a result as large as any stays within the limit, and what is left out is counted", () => {
  const small = digitsResult("large", 900);
  const labels = Array.from({ length: 1_000 }, (_, i) => `class ${i}`);
  const large: CreateResult = {
    ...small,
    data: {
      ...small.data,
      target: { ...small.data.target, labels, counts: labels.map(() => ({ train: 9, validation: 1, test: 1 })) },
      columns: Array.from({ length: 5_000 }, (_, i) => ({
        name: `column ${i}`,
        kind: "number",
        becomes: "scaled",
        missing: i,
      })),
    },
    confusion: labels.map((_, i) => labels.map((_, k) => (i + k) % 500 === 0 ? 1 : 0)),
    misread: Array.from({ length: 2_000 }, (_, i) => small.misread![i % 20]),
    training: {
      loss: Array.from({ length: 20_000 }, (_, i) => [i, 1 / (i + 1)]),
      epochs: Array.from({ length: 3_000 }, (_, i) => ({ epoch: i + 1, step: i, loss: 1, scores: { accuracy: 0.5 } })),
    },
    ledger: { ...small.ledger, rows: Array.from({ length: 5_000 }, (_, i) => small.ledger.rows[i % 9]) },
  };
  const html = reportPage(large);
  const size = new TextEncoder().encode(html).length;
  assert.ok(size <= MAX_PAGE_BYTES, `${size} bytes`);
  const { text } = read(html);
  assert.ok(text.includes(`${900 - MAX_CANDIDATES} more are in the run's lineage`));
  assert.match(text, /4.800 more columns are not listed/u);
});

Deno.test("a result with as little as there may be is a page", () => {
  const { confusion: _1, misread: _2, calibration: _3, quantised: _4, ...rest } = digitsResult();
  const little: CreateResult = {
    ...rest,
    candidates: [],
    refused: {},
    authority: [],
    capabilities: [],
    steps: [],
    training: { loss: [], epochs: [] },
    exports: [],
    rollback: [],
    judged: { validation: {}, test: {} },
    ledger: { ...rest.ledger, rows: [], verified: false },
  };
  const { text } = read(reportPage(little));
  assert.ok(!/undefined|NaN/u.test(text));
});
