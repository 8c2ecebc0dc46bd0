/**
 * Memory evaluation: buffers of the run, and tuples cut and joined as tensors are.
 *
 * @module
 */
import type { Evaluations } from "../evaluation.ts";
import { type Dtype, DTYPES } from "../dtype.ts";
import { badAttribute } from "../failures.ts";
import { badBuffer, outOfMemory } from "../interpreter/failures.ts";
import type { OpCall } from "../interpreter/operands.ts";
import { asScalar, describeValue, runTuple, type RunValue, scalarTensor } from "../interpreter/run_value.ts";
import { runTensorOp } from "../interpreter/tensors.ts";
import { sliceBounds } from "../lowering/movement.ts";
import type { MemoryName } from "../ops/memory.ts";
import { NIL, type TensorValue, tensorValue } from "../value.ts";

type Own = Extract<MemoryName, "alloc" | "free" | "load" | "store" | "copy" | "slice" | "concat">;

const heldBy = (call: OpCall, value: RunValue | undefined): readonly [number, TensorValue] => {
  if (value?.k !== "Buffer") {
    throw badBuffer({ buffer: value === undefined ? "nil" : describeValue(value), reason: "it is no buffer" });
  }
  const held = call.machine.buffers.get(value.id);
  if (held === undefined) throw badBuffer({ buffer: String(value.id), reason: "it was freed" });
  return [value.id, held];
};

const typeText = ({ dtype, shape }: TensorValue): string => `${dtype}[${shape.join(",")}]`;

const isAlike = (a: TensorValue, b: TensorValue): boolean => typeText(a) === typeText(b);

const needAlike = (id: number, held: TensorValue, value: TensorValue): void => {
  if (isAlike(held, value)) return;
  const [expected, actual] = [typeText(held), typeText(value)];
  throw badBuffer({ buffer: String(id), reason: `it holds ${expected}, not ${actual}`, expected, actual });
};

/** Bytes a fuel step pays for where memory is filled or copied. */
const BYTES_PER_STEP = 8;

const chargeBytes = ({ machine }: OpCall, bytes: number): void => machine.charge(Math.ceil(bytes / BYTES_PER_STEP));

const areTensors = (values: ReadonlyArray<RunValue>): boolean =>
  values.every((value) => value.k === "Tensor" && value.shape.length > 0);

/** Memory. */
export const memoryEvaluations: Evaluations<Own> = {
  alloc(call) {
    const { shape = [], dtype = "f32" } = call.attributes;
    const sizes = typeof shape === "number" ? [shape] : shape as ReadonlyArray<number>;
    if (sizes.some((size) => size < 0)) {
      throw badAttribute({ op: "alloc", attribute: "shape", reason: "a size is negative" });
    }
    const bytes = sizes.reduce((product, size) => product * size, DTYPES[dtype as Dtype].bytes);
    if (bytes > call.machine.freeBytes) throw outOfMemory({ what: "bytes held", limit: call.machine.options.maxBytes });
    chargeBytes(call, bytes);
    return { k: "Buffer", id: call.machine.allocate(tensorValue(dtype as Dtype, sizes, new Uint8Array(bytes))) };
  },
  free(call) {
    const [id] = heldBy(call, call.operands[0]);
    call.machine.release(id);
    return NIL;
  },
  load(call) {
    return asScalar(heldBy(call, call.operands[0])[1]);
  },
  store(call) {
    const [target, given] = call.operands;
    const [id, held] = heldBy(call, target);
    const value = scalarTensor(given!);
    if (value === undefined) throw badBuffer({ buffer: String(id), reason: `it cannot hold ${describeValue(given!)}` });
    needAlike(id, held, value);
    call.machine.buffers.set(id, value);
    return target!;
  },
  copy(call) {
    const [from, to] = call.operands;
    const [, source] = heldBy(call, from);
    chargeBytes(call, source.bytes.length);
    if (to === undefined) return { k: "Buffer", id: call.machine.allocate(source) };
    const [id, held] = heldBy(call, to);
    needAlike(id, held, source);
    call.machine.buffers.set(id, source);
    return to;
  },
  *slice(call) {
    const [x] = call.operands;
    if (x?.k !== "Tuple") return yield* runTensorOp(call);
    const { start = 0, end, step = 1 } = call.attributes;
    const [from, to] = sliceBounds(x.items.length, Number(start), end === undefined ? undefined : Number(end));
    call.machine.charge(to - from);
    return runTuple(x.items.slice(from, to).filter((_, i) => i % Number(step) === 0));
  },
  *concat(call) {
    const only = call.rest.length === 1 && call.rest[0].k === "Tuple" ? call.rest[0].items : call.rest;
    if (only.length > 0 && areTensors(only)) return yield* runTensorOp({ ...call, rest: only });
    const parts = call.rest.flatMap((value) => value.k === "Tuple" ? value.items : [value]);
    call.machine.charge(parts.length);
    return runTuple(parts);
  },
};
