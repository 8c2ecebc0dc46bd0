/**
 * RMIL bytes: encode, decode, hash of the original's own benchmark trees, with the bytes beside those of MessagePack and
 * protobuf. The original's figures: RMIL §24. Figures that are quoted come from `deno task acceptance rmil_codec`.
 */
import { transformerBlock } from "../plugins/rmil/patterns.ts";
import * as v1 from "../plugins/rmil/codec/v1.ts";
import * as v2 from "../plugins/rmil/codec/v2.ts";
import { contentHash } from "../plugins/rmil/hash.ts";
import { parse } from "../plugins/rmil/syntax/parser.ts";
import { addChain } from "../tests/plugins/rmil/chain.ts";
import { fromMessagePack, messagePackOf, protobufOf } from "../tests/plugins/rmil/other_formats.ts";
import { print } from "../plugins/rmil/syntax/printer.ts";

const chain = addChain(32);
const block = transformerBlock();
const pipeline = "layer_norm >> attn >> drop >> layer_norm >> linear >> gelu >> linear >> drop";

/** The original's nanoseconds. */
const ORIGINAL = {
  "add chain of 32": { encode: 450, decode: 2400, hash: 1390 },
  "transformer block": { encode: 110, decode: 520, hash: 260 },
} as const;

for (const [group, root] of [["add chain of 32", chain], ["transformer block", block]] as const) {
  const [one, two] = [v1.encodeExpression(root), v2.encodeExpression(root)];
  const [packed, protobuf] = [messagePackOf(root), protobufOf(root)];
  const { encode, decode, hash } = ORIGINAL[group];
  Deno.bench(`encode v1 (${one.length} bytes; the original: ${encode} ns)`, { group }, () => {
    v1.encodeExpression(root);
  });
  Deno.bench(`decode v1 (the original: ${decode} ns)`, { group }, () => void v1.decodeExpression(one));
  Deno.bench(`hash (the original: ${hash} ns)`, { group }, () => void contentHash(root));
  Deno.bench(`encode as MessagePack (${packed.length} bytes; protobuf: ${protobuf.length})`, { group }, () => {
    messagePackOf(root);
  });
  Deno.bench("decode from MessagePack", { group }, () => void fromMessagePack(packed));
  Deno.bench(`encode v2 (${two.length} bytes)`, { group }, () => void v2.encodeExpression(root));
  Deno.bench("decode v2, with its check of the spelling", { group }, () => void v2.decodeExpression(two));
  Deno.bench("print", { group }, () => void print(root));
}

Deno.bench("parse a pipeline of eight stages", () => void parse(pipeline));
