/**
 * Interchange: tensors as JSON, for operations and files that people read.
 *
 * Not for bulk data (`toBytes` is).
 * Invariant: what JSON has no number for is written as text: 64-bit integers in decimal, and nan, inf, −inf, −0.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { badValue } from "./failures.ts";
import { isFloat, parseType, printType } from "./types.ts";
import { type Element, elements, type Tensor, tensor } from "./value.ts";

/** A tensor as JSON: its type, and its elements in row-major order. */
export interface TensorJson {
  /** Type text, such as `f32[2,3]`. */
  readonly type: string;
  /** Elements. */
  readonly values: ReadonlyArray<number | string | boolean>;
}

/** Schema of {@link TensorJson}. */
export const TensorJson: Schema.Codec<TensorJson> = Schema.Struct({
  type: Schema.String.annotate({ description: "type such as f32[2,3]" }),
  values: Schema.Array(Schema.Union([Schema.Finite, Schema.String, Schema.Boolean])).annotate({
    description: "elements in row-major order; i64 as decimal text; nan, inf, -inf and -0 as text",
  }),
}) as unknown as Schema.Codec<TensorJson>;

const SPECIAL: { readonly [text: string]: number } = { nan: NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 };

const elementToJson = (element: Element): number | string | boolean => {
  if (typeof element === "bigint") return String(element);
  if (typeof element === "boolean" || (Number.isFinite(element) && !Object.is(element, -0))) return element;
  return Object.keys(SPECIAL).find((text) => Object.is(SPECIAL[text], element))!;
};

/** A tensor as JSON. */
export const tensorToJson = (value: Tensor): TensorJson => ({
  type: printType(value),
  values: elements(value).map(elementToJson),
});

const elementFromJson = (element: number | string | boolean, path: string, type: string, float: boolean): Element => {
  if (typeof element !== "string") return element;
  if (float && Object.hasOwn(SPECIAL, element)) return SPECIAL[element];
  if (/^-?[0-9]{1,20}$/u.test(element)) return float ? Number(element) : BigInt(element);
  throw badValue({ type, reason: `"${element}" is not an element`, path, actual: element });
};

/** A tensor from JSON; throws `IR_TYPE` or `IR_VALUE` with the path of what does not fit. */
export const tensorFromJson = (json: TensorJson, path = ""): Tensor => {
  const type = parseType(json.type);
  const shape = type.shape.map((size) => {
    if (typeof size === "number") return size;
    throw badValue({ type: json.type, reason: `size ${size} is not known`, path: `${path}/type` });
  });
  const float = isFloat(type.dtype);
  const values = json.values.map((element, i) => elementFromJson(element, `${path}/values/${i}`, json.type, float));
  return tensor(type.dtype, shape, values);
};
