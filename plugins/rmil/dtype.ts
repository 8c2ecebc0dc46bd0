/**
 * Dtypes of the language: thirteen element types with their wire codes and spellings.
 *
 * Not the evaluator's types (plugins/ir): the language keeps the original's list and codes for ever.
 * Invariant: code, name and display of a dtype come from one row here. Source: RMIL §2.1.
 *
 * @module
 */

/** What is known of a dtype. */
export interface DtypeRow {
  /** Wire code. */
  readonly code: number;
  /** The original's variant name, as printed inside tensor literals. */
  readonly name: string;
  /** Bytes an element takes. */
  readonly bytes: number;
  /** Whether it is floating point, hence differentiable. */
  readonly float: boolean;
}

/** Every dtype by its spelling, in code order. */
export const DTYPES = {
  b1: { code: 0, name: "Bool", bytes: 1, float: false },
  i8: { code: 1, name: "I8", bytes: 1, float: false },
  i16: { code: 2, name: "I16", bytes: 2, float: false },
  i32: { code: 3, name: "I32", bytes: 4, float: false },
  i64: { code: 4, name: "I64", bytes: 8, float: false },
  u8: { code: 5, name: "U8", bytes: 1, float: false },
  u16: { code: 6, name: "U16", bytes: 2, float: false },
  u32: { code: 7, name: "U32", bytes: 4, float: false },
  u64: { code: 8, name: "U64", bytes: 8, float: false },
  f16: { code: 9, name: "F16", bytes: 2, float: true },
  bf16: { code: 10, name: "BF16", bytes: 2, float: true },
  f32: { code: 11, name: "F32", bytes: 4, float: true },
  f64: { code: 12, name: "F64", bytes: 8, float: true },
} as const satisfies { readonly [spelling: string]: DtypeRow };

/** A dtype, by its spelling. */
export type Dtype = keyof typeof DTYPES;

/** Spellings in code order. */
export const DTYPE_NAMES: ReadonlyArray<Dtype> = Object.keys(DTYPES) as ReadonlyArray<Dtype>;

/** The dtype of a wire code, `undefined` for a code that is none. */
export const dtypeOf = (code: number): Dtype | undefined => DTYPE_NAMES[code];

/** Whether a text spells a dtype. */
export const isDtype = (text: string): text is Dtype => Object.hasOwn(DTYPES, text);
