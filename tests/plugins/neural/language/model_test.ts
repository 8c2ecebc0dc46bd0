/**
 * A language model as an artifact.
 */
import assert from "node:assert/strict";
import { tensor } from "../../../../plugins/ir/library.ts";
import {
  decodeLanguageModel,
  encodeLanguageModel,
  initialValues,
  type LanguageModel,
  languageNetwork,
  languageParameters,
  largeShape,
  sizeOfLanguage,
  smallShape,
} from "../../../../plugins/neural/library.ts";
import { failureOf } from "../layers/support.ts";
import { SHAPE, untrained, writing } from "./small_model.ts";

const model: LanguageModel = {
  ...untrained(),
  metrics: { trainingBits: 1.5 },
  lineage: { data: "x", seed: 3, steps: 7, flops: 1e12 },
};

const refused = (bytes: Uint8Array): string => {
  const { code, message } = failureOf(() => decodeLanguageModel(bytes));
  assert.equal(code, "NEURAL_MODEL");
  return message;
};

Deno.test("what was written is read: shape, tensors, metrics, lineage, and the same bytes again", () => {
  const bytes = encodeLanguageModel(model);
  const read = decodeLanguageModel(bytes);
  assert.deepEqual(read.shape, SHAPE);
  assert.deepEqual(read.metrics, model.metrics);
  assert.deepEqual(read.lineage, model.lineage);
  for (const [path, value] of model.values) assert.deepEqual(read.values.get(path)?.data, value.data);
  assert.deepEqual(encodeLanguageModel(read), bytes);
});

Deno.test("a model that was read gives every byte the probability it gave", async () => {
  const text = new TextEncoder().encode("abc de\nabc");
  const [one, two] = await Promise.all(
    [model, decodeLanguageModel(encodeLanguageModel(model))].map((each) =>
      writing(each, (writer) => writer.cost(text))
    ),
  );
  assert.equal(one.bits, two.bits);
});

Deno.test("a file cut anywhere, of another kind, or with a changed head is refused", () => {
  const bytes = encodeLanguageModel(model);
  for (const length of [0, 1, 8, 100, bytes.length - 1]) refused(bytes.slice(0, length));
  refused(new TextEncoder().encode("not a model at all, just words"));
  const newer = new TextDecoder("latin1").decode(bytes).replace("rmi-language/1", "rmi-language/9");
  assert.match(refused(Uint8Array.from(newer, (c) => c.charCodeAt(0))), /newer/u);
  const other = new TextDecoder("latin1").decode(bytes).replace("rmi-language/1", "rmi-sandwich/1");
  assert.match(refused(Uint8Array.from(other, (c) => c.charCodeAt(0))), /no language model/u);
});

Deno.test("tensors that do not fit, and shapes that cannot be, are refused by name", () => {
  const lacking = new Map(model.values);
  lacking.delete("hidden/bias");
  assert.match(refused(encodeLanguageModel({ ...model, values: lacking })), /hidden\/bias is absent/u);
  const wide = new Map(model.values).set("hidden/bias", tensor("f32", [11], Array.from({ length: 11 }, () => 0)));
  assert.match(refused(encodeLanguageModel({ ...model, values: wide })), /f32\[11\]/u);
  const shapes: ReadonlyArray<Partial<LanguageModel["shape"]>> = [
    { heads: 3 },
    { contexts: [] },
    { alphabet: [5, 4] },
    { alphabet: [256] },
    { drop: 1 },
    { hidden: 0 },
    { window: 65_537 },
    { contexts: [{ of: "bytes", span: 17, rows: 4, width: 4 }] },
    { contexts: Array.from({ length: 30 }, () => ({ of: "bytes" as const, span: 1, rows: 2 ** 20, width: 4 })) },
  ];
  for (const part of shapes) refused(encodeLanguageModel({ ...model, shape: { ...SHAPE, ...part } }));
});

Deno.test("parameters are counted as the network has them, and the usual shapes keep their promises", () => {
  assert.equal(languageParameters(SHAPE), sizeOfLanguage(model));
  const texts = [Uint8Array.from({ length: 62 }, (_, i) => 32 + i)];
  for (const [shape, most] of [[largeShape(texts), 1_200_000], [smallShape(texts), 50_000]] as const) {
    const count = languageNetwork(shape, 1).parameters.reduce(
      (sum, { type }) => sum + type.shape.reduce((a, b) => a * b, 1),
      0,
    );
    assert.equal(languageParameters(shape), count);
    assert.ok(count <= most, `${count}`);
  }
});

Deno.test("first values differ by seed and by path", () => {
  const network = languageNetwork(SHAPE, 1);
  const [one, two] = [1, 2].map((seed) => initialValues(network, seed).parameters.map(({ data }) => data.join()));
  const drawn = one.filter((text) => new Set(text.split(",")).size > 1);
  assert.equal(new Set(drawn).size, drawn.length);
  assert.notDeepEqual(one, two);
});
