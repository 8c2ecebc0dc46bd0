import assert from "node:assert/strict";
import { knows, nameOf, nearestOps, OP_NAMES, opNamed, opOf, OPS } from "../../../plugins/rmil/opcodes.ts";
import { ATTRIBUTE_KINDS, FAMILIES, OP_EFFECTS, OPERAND_KINDS, type OpRow } from "../../../plugins/rmil/ops/row.ts";

const golden: ReadonlyArray<{ name: string; const: string; code: string; family: string; family_byte: number }> = JSON
  .parse(Deno.readTextFileSync(new URL("../../vectors/rmil/ops.json", import.meta.url))).ops;

const rows: ReadonlyArray<OpRow> = Object.values(OPS);

Deno.test("the table is the original's: 107 codes, names, constants and families, in its order", () => {
  assert.equal(golden.length, 107);
  assert.deepEqual(
    rows.map(({ name, constant, code, family }) => [name, constant, code, family]),
    golden.map(({ name, const: constant, code, family }) => [name, constant, parseInt(code, 16), family]),
  );
  for (const { code, family } of rows) assert.equal(FAMILIES[code >> 8], family);
});

Deno.test("an op is found by code and by name, and nothing else is", () => {
  for (const row of rows) {
    assert.equal(opOf(row.code), row);
    assert.equal(opNamed(row.name), row);
    assert.equal(nameOf(row.code), row.name);
    assert.ok(knows(row.code));
  }
  assert.equal(new Set(OP_NAMES).size, 107);
  assert.equal(opOf(0x0700), undefined);
  assert.equal(opNamed("toString"), undefined);
  assert.equal(opNamed("RELU"), undefined);
  assert.deepEqual(nearestOps("layernorm", 1), ["layer_norm"]);
});

Deno.test("no op is without a sentence, a result, a source, and rows that hold together", () => {
  for (const row of rows) {
    const at = row.name;
    assert.match(row.doc, /^.{5,140}\.$/u, at);
    assert.match(row.source, /^RMI 0x[0-9a-f]{4}/u, at);
    assert.ok(row.result.split(" ")[0] === "nil" || Object.hasOwn(OPERAND_KINDS, row.result.split(" ")[0]), at);
    assert.ok(Object.hasOwn(OP_EFFECTS, row.effect), at);
    const names = row.operands.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length, at);
    assert.ok(row.operands.length === 0 ? row.piped === undefined : names.includes(row.piped!), at);
    row.operands.forEach(({ takes, repeats }, index) => {
      assert.ok(Object.hasOwn(OPERAND_KINDS, takes), at);
      if (repeats) assert.equal(index, row.operands.length - 1, `${at}: only the last operand repeats`);
    });
    const attributes = row.attributes.map(({ name }) => name);
    assert.equal(new Set(attributes).size, attributes.length, at);
    for (const attribute of row.attributes) {
      assert.ok(Object.hasOwn(ATTRIBUTE_KINDS, attribute.kind), `${at}.${attribute.name}`);
      assert.match(attribute.doc, /^.+\.$/u, `${at}.${attribute.name}`);
      if (attribute.kind === "choice") assert.ok(attribute.choices!.includes(attribute.default as string), at);
    }
    for (const { when, init, fan, fanOut } of row.parameters) {
      if (when !== undefined) assert.equal(row.attributes.find(({ name }) => name === when)?.kind, "flag", at);
      if (init !== "zeros" && init !== "ones") assert.ok(fan !== undefined, at);
      if (init === "glorot") assert.ok(fanOut !== undefined, at);
    }
  }
});

Deno.test("positional attributes stand before those that are only named", () => {
  for (const { name, attributes } of rows) {
    const order = attributes.map(({ named }) => named === true);
    assert.deepEqual(order, [...order].sort((a, b) => Number(a) - Number(b)), name);
  }
});

Deno.test("metadata is true where the original's is not", () => {
  for (const name of ["identity", "res_add", "res_cat", "concat", "reshape", "transpose", "slice", "gather", "drop"]) {
    assert.equal(opNamed(name)!.differentiable, true, name);
  }
  for (const name of ["sgd_step", "adam_step", "adamw_step", "rmsprop_step", "unify", "send", "hash"]) {
    assert.equal(opNamed(name)!.differentiable, false, name);
  }
  const learned = ["linear", "conv2d", "attn", "embed", "layer_norm", "batch_norm", "rms_norm", "group_norm"];
  for (const name of [...learned, "instance_norm", "rnn", "lstm", "gru", "learned_pe"]) {
    assert.ok(opNamed(name)!.parameters.length > 0, name);
  }
  assert.equal(rows.filter(({ parameters }) => parameters.length > 0).length, 13);
  for (const row of rows) assert.equal(row.effect === "agents", row.family === "Agent", row.name);
});
