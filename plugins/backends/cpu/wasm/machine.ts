/**
 * Machine: what is known of the processor that matters to a register tile.
 *
 * Not a list of models, and not needed for right results: a tile changes speed, never a bit of a result.
 * Invariant: where the processor is not known (browsers do not say), it is taken for one with sixteen vector registers,
 * whose tile fits in thirty-two.
 *
 * @module
 */

/** What Deno and Node say of the processor; browsers have nothing of the kind. */
interface Globals {
  readonly process?: { readonly arch?: string };
}

/** Vector registers of processors that have more than sixteen, by the names that Deno and Node give them. */
const VECTOR_REGISTERS: { readonly [architecture: string]: number } = { arm64: 32, riscv64: 32, ppc64: 64, s390x: 32 };

/** How many 128-bit registers the processor has for vectors. */
export const vectorRegisters = (architecture: string = (globalThis as Globals).process?.arch ?? ""): number =>
  VECTOR_REGISTERS[architecture] ?? 16;
