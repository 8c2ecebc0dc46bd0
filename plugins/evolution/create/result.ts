/**
 * Result: everything that a run of the main job found, as plain data: what the report shows and what the call answers from.
 *
 * Not the run (its steps) and not the page (report/). Invariant: it is JSON; whatever is absent was not there to be
 * found, and where that has a reason, the reason stands in its place.
 *
 * @module
 */
import type { Digest } from "../../../kernel/digest.ts";
import type { Json } from "../../../kernel/json.ts";

/** Values by name. */
export type Values = { readonly [name: string]: number };

/** What a run was to learn from. */
export interface LearnedData {
  /** Its name. */
  readonly name: string;
  /** How the caller named it. */
  readonly source: Json;
  /** Samples by part. */
  readonly splits: { readonly train: number; readonly validation: number; readonly test: number };
  /** Type of a sample's inputs, by name. */
  readonly inputs: ReadonlyArray<{ readonly name: string; readonly type: string }>;
  /** What is learned. */
  readonly target: {
    readonly name: string;
    readonly kind: "classification" | "regression";
    /** Names of the classes, in order. */
    readonly labels?: ReadonlyArray<string>;
    /** Samples of each class by part, in the order of the labels. */
    readonly counts?: ReadonlyArray<{ readonly train: number; readonly validation: number; readonly test: number }>;
  };
  /** Of a table: what became of its columns. */
  readonly columns?: ReadonlyArray<{
    readonly name: string;
    /** What it holds: number, boolean, category, text, constant, identifier, empty. */
    readonly kind: string;
    /** What it became, in words. */
    readonly becomes: string;
    /** Gaps. */
    readonly missing: number;
  }>;
}

/** Work, predicted or done. */
export interface Work {
  /** Operations, by count. */
  readonly flops: number;
  /** Time, milliseconds; absent where nothing predicts it. */
  readonly wallMs?: number;
}

/** One step of a run. */
export interface StepRecord {
  /** Its name: plan, discover, generate, evolve, train, calibrate, quantise, export, register, rollback, report. */
  readonly name: string;
  /** What it did, in one line. */
  readonly did: string;
  /** What it was to take. */
  readonly predicted?: Work;
  /** What it took. */
  readonly spent: Work;
}

/** An objective of the search. */
export interface Objective {
  /** Its name. */
  readonly name: string;
  /** Its unit, where it has one. */
  readonly unit?: string;
  /** Whether an axis of it is better logarithmic. */
  readonly logarithmic?: boolean;
}

/** A candidate of the search. */
export interface CandidateRecord {
  /** Its name in the lineage. */
  readonly id: string;
  /** The generation it was asked for in. */
  readonly generation: number;
  /** Whom it descends from. */
  readonly parents: ReadonlyArray<string>;
  /** How it came about: drawn, crossed, mutated … */
  readonly edit: string;
  /** Its program as text. */
  readonly program: string;
  /** How it was trained, by name. */
  readonly settings: { readonly [name: string]: string | number };
  /** Values in the order of the objectives, smaller is better; absent where it failed. */
  readonly objectives?: ReadonlyArray<number>;
  /** Why it has none. */
  readonly failed?: string;
  /** Whether nothing is better in every objective. */
  readonly front: boolean;
}

/** An answer of the final model to a held-out sample that it got wrong. */
export interface Misread {
  /** Number of the sample in the data. */
  readonly sample: number;
  /** The right answer. */
  readonly truth: string;
  /** The model's. */
  readonly answer: string;
  /** How sure it was of its own, 0 to 1. */
  readonly probability: number;
  /** How likely it held the right one. */
  readonly truthProbability: number;
  /** The sample as a picture: one byte a pixel, dark where 0, base64. */
  readonly image?: { readonly width: number; readonly height: number; readonly pixels: string };
  /** The sample as a row of a table. */
  readonly row?: { readonly [column: string]: string };
}

/** A reliability diagram: bins of confidence. */
export interface ReliabilityBin {
  /** Mean confidence of the answers in it. */
  readonly confidence: number;
  /** Share of them that is right. */
  readonly accuracy: number;
  /** How many they are. */
  readonly count: number;
}

/** A file that was written, and who agreed with it. */
export interface ExportRecord {
  /** rmil, safetensors, onnx, model. */
  readonly format: string;
  /** Where it lies. */
  readonly file: string;
  /** Its size. */
  readonly bytes: number;
  /** Its identity. */
  readonly digest: Digest;
  /** Who ran it or read it back, and what was found; or why nobody did. */
  readonly verified:
    | {
      readonly by: string;
      /** Samples asked. */
      readonly samples: number;
      /** Samples answered by another class (or, for numbers, beyond the tolerance). */
      readonly otherAnswers: number;
      /** Largest distance of an output. */
      readonly distance: number;
    }
    | { readonly absent: string };
}

/** An event of the ledger that belongs to the run. */
export interface LedgerRow {
  /** Its position. */
  readonly seq: number;
  /** When, ISO 8601. */
  readonly at: string;
  /** Its type. */
  readonly type: string;
  /** Who caused it. */
  readonly actor: string;
  /** What it is about, in one line. */
  readonly about: string;
  /** Its hash, which covers the one before. */
  readonly hash: string;
}

/** A stand of the document that says which model serves. */
export interface ServingState {
  /** What was done to come here. */
  readonly did: string;
  /** The model in service, where there is one. */
  readonly model?: Digest;
  /** Identity of the document. */
  readonly document: Digest;
}

/** Everything that a run found. */
export interface CreateResult {
  /** The form of this data. */
  readonly format: 1;
  /** The run's name. */
  readonly run: string;
  /** The command that does the same again. */
  readonly command: string;
  /** Where draws started. */
  readonly seed: number;
  /** What the search was given. */
  readonly budget: { readonly kind: "flops" | "time"; readonly value: number; readonly reproducible: boolean };
  /** How numbers were computed, without which digests may differ: by name. Empty under strict numerics. */
  readonly profile: { readonly [name: string]: string };
  /** The machine and the runtime, by name. */
  readonly machine: { readonly [name: string]: string };
  /** When it was done, ISO 8601. */
  readonly at: string;
  /** What the run needed to be allowed, and what it was for. */
  readonly authority: ReadonlyArray<{ readonly authority: string; readonly why: string }>;
  /** Operations it found in the manifest and used, and what for. */
  readonly capabilities: ReadonlyArray<{ readonly operation: string; readonly query: string; readonly why: string }>;
  /** What it did, in order. */
  readonly steps: ReadonlyArray<StepRecord>;
  /** What it learned from. */
  readonly data: LearnedData;
  /** What the search sought. */
  readonly objectives: ReadonlyArray<Objective>;
  /** All candidates, in the order in which they were asked for. */
  readonly candidates: ReadonlyArray<CandidateRecord>;
  /** How many texts were made, and how many of them were refused before any was trained, by reason. */
  readonly refused: { readonly [reason: string]: number };
  /** The candidate that was chosen. */
  readonly chosen: string;
  /** The final training. */
  readonly training: {
    /** [step, mean loss]. */
    readonly loss: ReadonlyArray<readonly [step: number, loss: number]>;
    /** Per epoch. */
    readonly epochs: ReadonlyArray<
      { readonly epoch: number; readonly step: number; readonly loss: number; readonly scores?: Values }
    >;
  };
  /** The model. */
  readonly model: {
    readonly digest: Digest;
    readonly names: ReadonlyArray<string>;
    /** Trained numbers. */
    readonly parameters: number;
    /** Operations for one sample. */
    readonly flops: number;
    /** Size of the artifact. */
    readonly bytes: number;
    /** The program: its text, its version 2 bytes in base64, its identity. */
    readonly program: { readonly text: string; readonly base64: string; readonly digest: Digest };
  };
  /** How good it is: loss, accuracy, macroF1, calibrationError; or loss, mse, mae, r2. */
  readonly judged: { readonly validation: Values; readonly test: Values };
  /** Counts on the test part: rows are right classes, columns answers. */
  readonly confusion?: ReadonlyArray<ReadonlyArray<number>>;
  /** Wrong answers, the surest first. */
  readonly misread?: ReadonlyArray<Misread>;
  /** Regression: [right value, answer] on the test part, in the target's own unit. */
  readonly answers?: ReadonlyArray<readonly [truth: number, answer: number]>;
  /** Classes: what the temperature did, on the test part. */
  readonly calibration?: {
    readonly temperature: number;
    readonly before: { readonly calibrationError: number; readonly logLoss: number };
    readonly after: { readonly calibrationError: number; readonly logLoss: number };
    /** With the temperature. */
    readonly bins: ReadonlyArray<ReliabilityBin>;
  };
  /** The model in 8-bit integers. */
  readonly quantised?: {
    readonly digest: Digest;
    readonly bytes: number;
    /** Bytes of weights before and after. */
    readonly weights: { readonly before: number; readonly after: number };
    /** How good it is on the test part. */
    readonly test: Values;
    /** Test samples that it answers otherwise than the model in floats. */
    readonly otherAnswers: number;
  };
  /** Files. */
  readonly exports: ReadonlyArray<ExportRecord>;
  /** How the model was admitted. */
  readonly registration: {
    /** Absent where it was refused before anything was proposed: the summary says why. */
    readonly proposal?: Digest;
    readonly domain: string;
    readonly summary: string;
    readonly state: string;
    /** Who approved it: `policy:<rule>` or a person. */
    readonly by: string;
    /** The bounds of the rule, in words. */
    readonly within: string;
    /** What spoke for it. */
    readonly evidence: ReadonlyArray<
      { readonly source: string; readonly by: string; readonly result: string; readonly summary: string }
    >;
  };
  /** Promotion and its undoing: stands of the document in order. */
  readonly rollback: ReadonlyArray<ServingState>;
  /** The run's events. */
  readonly ledger: {
    readonly rows: ReadonlyArray<LedgerRow>;
    /** The chain's end when this was written. */
    readonly head: { readonly count: number; readonly hash: string };
    /** Whether the whole chain was verified. */
    readonly verified: boolean;
  };
}
