/**
 * onnxruntime as a judge: runs the bytes of a model on tensors of the IR.
 *
 * What it cannot do (a kernel it does not have for a type) is an answer, kept apart from a wrong or malformed model. Its
 * binding takes no half floats under this engine, so models are judged whose own inputs and results have other types.
 */
import * as ort from "onnxruntime-node";
import type { Dtype, Tensor, TensorData } from "../../../plugins/ir/library.ts";

const TYPES: { readonly [D in Dtype]?: ort.Tensor.Type } = {
  f64: "float64",
  f32: "float32",
  i64: "int64",
  i32: "int32",
  i16: "int16",
  i8: "int8",
  u64: "uint64",
  u32: "uint32",
  u16: "uint16",
  u8: "uint8",
  bool: "bool",
};

const DTYPES = new Map(Object.entries(TYPES).map(([dtype, type]) => [type, dtype as Dtype]));

/** What a run gave. */
export type Ran = { readonly results: ReadonlyArray<Tensor> } | { readonly unsupported: string };

const toOrt = ({ dtype, data, shape }: Tensor): ort.Tensor =>
  new ort.Tensor(TYPES[dtype] as "float32", data as unknown as Float32Array, shape);

const fromOrt = (x: ort.Tensor): Tensor => ({
  dtype: DTYPES.get(x.type)!,
  shape: x.dims,
  data: (x.data as Float32Array).slice() as TensorData,
});

const LACKING = /NOT_IMPLEMENTED|not implemented|Could not find an implementation/iu;

/** Runs a model; inputs by the names it declares. */
export const runOnnxRuntime = async (
  model: Uint8Array,
  inputs: ReadonlyMap<string, Tensor>,
  optimize = false,
): Promise<Ran> => {
  const foreign = [...inputs.values()].find(({ dtype }) => TYPES[dtype] === undefined);
  if (foreign !== undefined) return { unsupported: `${foreign.dtype} tensors do not cross its border` };
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(model, {
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
      graphOptimizationLevel: optimize ? "all" : "disabled",
    });
  } catch (thrown) {
    if (LACKING.test(String(thrown))) return { unsupported: String(thrown) };
    throw thrown;
  }
  const outside = session.outputMetadata.find((of) => of.isTensor && !DTYPES.has(of.type));
  if (outside !== undefined) return { unsupported: `${outside.name} does not cross its border` };
  try {
    const fetched = await session.run(Object.fromEntries([...inputs].map(([name, value]) => [name, toOrt(value)])));
    return { results: session.outputNames.map((name) => fromOrt(fetched[name])) };
  } catch (thrown) {
    if (LACKING.test(String(thrown))) return { unsupported: String(thrown) };
    throw thrown;
  } finally {
    await session.release();
  }
};
