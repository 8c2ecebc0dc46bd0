/**
 * RMIL meaning: check and evaluate, beside the original's evaluator of 1,400 ns for the add chain of depth 32 (it
 * computes scalars only). Figures that are quoted come from `deno task acceptance rmil_run`.
 */
import { check } from "../plugins/rmil/check.ts";
import { runNow } from "../plugins/rmil/interpreter.ts";
import { mlp, transformerBlock } from "../plugins/rmil/patterns.ts";
import { Symbols } from "../plugins/rmil/symbols.ts";
import { tensor } from "../plugins/rmil/types.ts";
import { tensorValue } from "../plugins/rmil/value.ts";
import { addChain } from "../tests/plugins/rmil/chain.ts";

const symbols = new Symbols();
const chain = addChain(32);
const BATCH = [2, 8, 16] as const;
const x = tensorValue("f32", BATCH, new Uint8Array(new Float32Array(2 * 8 * 16).map((_, i) => Math.sin(i)).buffer));

Deno.bench("check", { group: "add chain of 32" }, () => void check(chain, symbols));
Deno.bench("evaluate (the original: 1,400 ns)", { group: "add chain of 32", baseline: true }, () => {
  runNow(chain, symbols);
});

for (const [group, root] of [["transformer block", transformerBlock()], ["mlp of 3 layers", mlp(3)]] as const) {
  Deno.bench(
    "check on f32[2,8,16]",
    { group },
    () => void check(root, symbols, { inputs: { x: tensor("f32", BATCH) } }),
  );
  Deno.bench("evaluate on f32[2,8,16]", { group }, () => void runNow(root, symbols, { inputs: { x } }));
}
