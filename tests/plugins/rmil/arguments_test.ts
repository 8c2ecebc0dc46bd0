import assert from "node:assert/strict";
import { Failure } from "../../../kernel/failure.ts";
import { opOf } from "../../../plugins/rmil/opcodes.ts";
import { bindArguments, type Bound } from "../../../plugins/rmil/ops/arguments.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import { print } from "../../../plugins/rmil/syntax/printer.ts";

const bound = (source: string): Bound => {
  const { root, symbols } = parse(source);
  return bindArguments(opOf(root.code)!, root, (sym) => symbols.nameOf(sym));
};

/** Where everything went, as text. */
const places = (source: string) => {
  const { symbols } = parse(source);
  const { operands, rest, parameters, attributes } = bound(source);
  return {
    operands: operands.map((operand) => operand === undefined ? "" : print(operand, symbols)),
    ...(rest.length === 0 ? {} : { rest: rest.map((each) => print(each, symbols)) }),
    ...(parameters.size === 0
      ? {}
      : { parameters: [...parameters].map(([name, each]) => [name, print(each, symbols)]) }),
    attributes,
  };
};

Deno.test("arguments bind by the rule: operands, parameters, attributes by position and by name", () => {
  const cases: ReadonlyArray<readonly [string, ReturnType<typeof places>]> = [
    ["linear", { operands: [""], attributes: {} }],
    ["linear(64)", { operands: [""], attributes: { width: 64 } }],
    ["linear(64, false)", { operands: [""], attributes: { width: 64, bias: false } }],
    ["linear(false, width: 64)", { operands: [""], attributes: { width: 64, bias: false } }],
    ["linear($x, 64)", { operands: ["$x"], attributes: { width: 64 } }],
    ["linear($x, $w, $b)", { operands: ["$x"], parameters: [["weight", "$w"], ["bias", "$b"]], attributes: {} }],
    ["add(3, 4)", { operands: ["3", "4"], attributes: {} }],
    ["add(4)", { operands: ["4", ""], attributes: {} }],
    ["drop(3.0, 0.5)", { operands: ["3.0"], attributes: { rate: 0.5 } }],
    ["reshape((2, -1))", { operands: [""], attributes: { shape: [2, -1] } }],
    ["concat(1, 2)", { operands: [], rest: ["1", "2"], attributes: {} }],
    ["concat($a, $b, axis: 0)", { operands: [], rest: ["$a", "$b"], attributes: { axis: 0 } }],
    ["repeat(relu, 4)", { operands: ["relu", ""], attributes: { times: 4 } }],
    ["mse_loss($p, $t, reduction: #sum)", { operands: ["$p", "$t"], attributes: { reduction: "sum" } }],
    ["softmax(tensor<f32, [1]>[1.0])", { operands: ["tensor<f32, [1]>[1.0]"], attributes: {} }],
  ];
  for (const [source, expected] of cases) assert.deepEqual(places(source), expected, source);
});

Deno.test("what has no place or no right value is refused by name", () => {
  const cases: ReadonlyArray<readonly [string, string, RegExp]> = [
    ["relu($a, $b)", "RMIL_ARGUMENTS", /2 arguments.*places for 1/u],
    ["linear($a, $b, $c, $d)", "RMIL_ARGUMENTS", /4 arguments/u],
    ["linear(widht: 64)", "RMIL_ATTRIBUTE", /none of that name/u],
    ["linear(0)", "RMIL_ATTRIBUTE", /positive integer/u],
    ["linear(1.5)", "RMIL_ATTRIBUTE", /positive integer/u],
    ["drop(1.0)", "RMIL_ATTRIBUTE", /below 1/u],
    ["layer_norm(nan.f32)", "RMIL_ATTRIBUTE", /finite/u],
    ["mse_loss(reduction: #som)", "RMIL_ATTRIBUTE", /#mean, #sum, #none/u],
    ["alloc((2, 1.5))", "RMIL_ATTRIBUTE", /one integer or a tuple/u],
    ["alloc(dtype: #f33)", "RMIL_ATTRIBUTE", /dtype/u],
  ];
  for (const [source, code, message] of cases) {
    assert.throws(() => bound(source), (thrown) => {
      assert.ok(thrown instanceof Failure && thrown.code === code, `${source}: ${thrown}`);
      assert.match(thrown.message, message);
      return true;
    });
  }
  const suggested = (source: string) => {
    try {
      return bound(source);
    } catch (thrown) {
      return (thrown as Failure).suggestions;
    }
  };
  assert.deepEqual(suggested("linear(widht: 64)"), ["width"]);
  assert.deepEqual(suggested("mse_loss(reduction: #som)"), ["#sum"]);
});
