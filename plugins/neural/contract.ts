/**
 * Contract: what a network is to whoever trains, serves, exports, evolves or federates it.
 *
 * Not a layer library: layers (`layers/`), programs of the language and ONNX models all become a `Network`.
 * Invariant: the two programs of a network have one signature,
 * `[…parameters, …state, seed, …inputs] → […outputs, …state]`, so every consumer places values by position alone.
 *
 * @module
 */
import type { ConcreteType, Program, TensorType } from "../ir/contract.ts";

/**
 * How a tensor starts. `fan` is the number of inputs that an output sums over, `fanOut` the outputs that an input
 * reaches; bounds and deviations are multiplied by `gain` (1 where absent). Sources: Glorot & Bengio 2010 (xavier),
 * He et al. 2015 (kaiming), Saxe et al. 2014 (orthogonal).
 */
export type Initializer =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "identity" }
  | { readonly kind: "constant"; readonly value: number }
  /** Uniform within ±bound. */
  | { readonly kind: "uniform"; readonly bound: number }
  | { readonly kind: "normal"; readonly deviation: number }
  /** Normal, drawn again beyond two deviations. */
  | { readonly kind: "truncatedNormal"; readonly deviation: number }
  /** Variance 2 / (fan + fanOut). */
  | {
    readonly kind: "xavierUniform" | "xavierNormal";
    readonly fan: number;
    readonly fanOut: number;
    readonly gain?: number;
  }
  /** Variance 1 / fan; a gain of √2 suits relu. */
  | { readonly kind: "kaimingUniform" | "kaimingNormal"; readonly fan: number; readonly gain?: number }
  /** Rows or columns (the fewer) orthonormal; later axes count as one. */
  | { readonly kind: "orthogonal"; readonly gain?: number }
  /** Normal, with a share of each column zero. */
  | { readonly kind: "sparse"; readonly sparsity: number; readonly deviation: number };

/** A learned tensor. */
export interface ParameterSpec {
  /** Where it belongs: parts joined by `/`; unique in its network. */
  readonly path: string;
  /** Its type; every size is known. */
  readonly type: ConcreteType;
  /** How it starts. */
  readonly initial: Initializer;
  /** Whether weight decay reaches it (matrices yes; shifts, scales and norms no). */
  readonly decays: boolean;
  /** Whether training changes it. */
  readonly trained: boolean;
}

/** A tensor that a network changes itself: running statistics, and scalars that training adds to the loss. */
export interface StateSpec {
  /** Where it belongs. */
  readonly path: string;
  /** Its type. */
  readonly type: ConcreteType;
  /** How it starts. */
  readonly initial: Initializer;
  /** Whether it is an f32 scalar that training adds to the loss: its new value in the training program, whatever it was. */
  readonly auxiliary?: boolean;
}

/** A tensor that is given or returned. */
export interface Port {
  /** Its name. */
  readonly name: string;
  /** Its type; the size of the batch is the symbol {@link BATCH}. */
  readonly type: TensorType;
}

/** The symbol for the number of samples in a batch, the first size of every input. */
export const BATCH = "B";

/** A network: its learned tensors, its state and its programs. */
export interface Network {
  /** What it takes. */
  readonly inputs: ReadonlyArray<Port>;
  /** What it gives. */
  readonly outputs: ReadonlyArray<Port>;
  /** What it learns, in the order of the programs' parameters. */
  readonly parameters: ReadonlyArray<ParameterSpec>;
  /** What it changes itself, in the order of the programs' parameters and last results. */
  readonly state: ReadonlyArray<StateSpec>;
  /** The program while training: dropout drops, norms use the batch's statistics. */
  readonly training: Program;
  /** The program otherwise. The seed is not read; state is returned as it came. */
  readonly evaluation: Program;
}
