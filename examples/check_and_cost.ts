/**
 * Ask what a program will give and cost before it runs, and mend one that is refused. It needs nothing from the machine:
 *
 *     deno run examples/check_and_cost.ts
 */
import { isFailure } from "@rmi/rmi/kernel";
import { check, parse, printType, type Type } from "@rmi/rmi/rmil";

const digits: Type = { k: "Tensor", dtype: "f32", shape: [32, 784] };

const judge = (text: string): void => {
  const { root, symbols } = parse(text);
  const { type, parameterCount, flops, peakBytes, effects } = check(root, symbols, { inputs: { digits } });
  console.log(text);
  console.log(`  gives       ${printType(type)}`);
  console.log(`  learns      ${parameterCount} numbers`);
  console.log(`  takes       ${flops} operations, ${peakBytes} bytes at most`);
  console.log(`  may         ${effects.length === 0 ? "do nothing but compute" : effects.join(", ")}`);
};

judge("linear(width: 128) >> relu >> linear(width: 10)");
judge("linear(width: 32) >> relu >> linear(width: 10) >> softmax");

// What does not fit is refused with what failed and what to do about it.
try {
  judge("linear(width: 128, bais: false) >> relu");
} catch (thrown) {
  if (!isFailure(thrown)) throw thrown;
  console.log(`${thrown.code}: ${thrown.message}`);
  console.log(`  ${thrown.fix?.summary}`);
}
