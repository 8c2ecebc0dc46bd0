/**
 * Operators: the one table of the ONNX operators that can be imported.
 *
 * Invariant: a row's meaning is that of the operator from its version up to the next row of the name.
 *
 * @module
 */
import { nearest } from "../../../kernel/nearest.ts";
import { unsupportedOnnx } from "../failures.ts";
import type { OnnxOperator } from "./operator.ts";
import { CONTROL_OPERATORS } from "./operators/control.ts";
import { ELEMENTWISE_OPERATORS } from "./operators/elementwise.ts";
import { INDEXING_OPERATORS } from "./operators/indexing.ts";
import { LOSS_OPERATORS } from "./operators/loss.ts";
import { MOVEMENT_OPERATORS } from "./operators/movement.ts";
import { NEURAL_OPERATORS } from "./operators/neural.ts";
import { POOLING_OPERATORS } from "./operators/pooling.ts";
import { QUANTIZED_OPERATORS } from "./operators/quantized.ts";
import { RECURRENT_OPERATORS } from "./operators/recurrent.ts";
import { REDUCTION_OPERATORS } from "./operators/reduction.ts";
import { RESIZE_OPERATORS } from "./operators/resize.ts";
import { SIGNAL_OPERATORS } from "./operators/signal.ts";
import { TRAINING_OPERATORS } from "./operators/training.ts";

/** Every row, by family. */
export const ONNX_OPERATORS: ReadonlyArray<OnnxOperator> = [
  ...ELEMENTWISE_OPERATORS,
  ...MOVEMENT_OPERATORS,
  ...INDEXING_OPERATORS,
  ...REDUCTION_OPERATORS,
  ...NEURAL_OPERATORS,
  ...POOLING_OPERATORS,
  ...QUANTIZED_OPERATORS,
  ...RECURRENT_OPERATORS,
  ...RESIZE_OPERATORS,
  ...LOSS_OPERATORS,
  ...SIGNAL_OPERATORS,
  ...TRAINING_OPERATORS,
  ...CONTROL_OPERATORS,
];

/** Rows by name, the newest first. Written out, as Node 20 has no `Map.groupBy`. */
const byName = (): ReadonlyMap<string, ReadonlyArray<OnnxOperator>> => {
  const found = new Map<string, OnnxOperator[]>();
  for (const row of [...ONNX_OPERATORS].sort((a, b) => b.since - a.since)) {
    const key = `${row.domain}:${row.name}`;
    found.set(key, [...found.get(key) ?? [], row]);
  }
  return found;
};

const BY_NAME: ReadonlyMap<string, ReadonlyArray<OnnxOperator>> = byName();

/** Why operators have no row, where the reason is not that nobody wrote one. */
const REASONS: { readonly [name: string]: string } = {
  Bernoulli: "ONNX does not define its generator, so its results cannot be reproduced",
  RandomNormal: "ONNX does not define its generator, so its results cannot be reproduced",
  RandomNormalLike: "ONNX does not define its generator, so its results cannot be reproduced",
  RandomUniform: "ONNX does not define its generator, so its results cannot be reproduced",
  RandomUniformLike: "ONNX does not define its generator, so its results cannot be reproduced",
  Multinomial: "ONNX does not define its generator, so its results cannot be reproduced",
  NonZero: "the size of its result depends on elements",
  Unique: "the size of its result depends on elements",
  NonMaxSuppression: "the size of its result depends on elements",
  StringNormalizer: "the IR has no text tensors",
  TfIdfVectorizer: "the IR has no text tensors",
};

const SUGGESTIONS = 3;

/** The row that has the meaning of an operator in a version of its set; throws `IR_ONNX_UNSUPPORTED`. */
export const operatorOf = (name: string, domain: string, version: number, node: string): OnnxOperator => {
  const rows = BY_NAME.get(`${domain}:${name}`);
  const row = rows?.find(({ since }) => since <= version);
  if (row !== undefined) return row;
  const reason = REASONS[name] ??
    (/^(?:Sequence|Optional|SplitToSequence|ConcatFromSequence)/u.test(name)
      ? "the IR has neither sequences nor optionals"
      : rows === undefined
      ? `there is no row for it${domain === "" ? "" : ` in ${domain}`}`
      : `version ${version} of its set is older than ${rows.at(-1)!.since}`);
  throw unsupportedOnnx({
    op: name === "" ? "a node" : name,
    node,
    reason,
    suggestions: rows === undefined ? nearest(name, ONNX_OPERATORS.map((known) => known.name), SUGGESTIONS) : [],
  });
};
