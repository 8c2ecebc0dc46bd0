/**
 * Request: what a run of the main job was asked for, with what the caller left open filled in.
 *
 * Invariant: `specOf` holds everything that the model's bytes depend on and nothing else: not the number of workers, not
 * where files are written.
 *
 * @module
 */
import { digestJson } from "../../../kernel/digest.ts";
import type { Json, JsonObject } from "../../../kernel/json.ts";
import type { DetailedSource } from "../../neural/library.ts";
import type { Limits } from "../architectures/judge.ts";

/** What a run may use: operations by count, or time. */
export type CreateBudget =
  | { readonly kind: "flops"; readonly value: number }
  | { readonly kind: "time"; readonly value: number };

/** A run, as asked for. */
export interface CreateRequest {
  /** The data; a path below the user's folder is relative to it. */
  readonly source: DetailedSource;
  /** What it may use. */
  readonly budget: CreateBudget;
  /** Where draws start. */
  readonly seed: number;
  /** How exactly numbers are reproduced. */
  readonly numerics: "fast" | "strict";
  /** What no candidate may exceed. */
  readonly limits: Limits;
}

/** Operations of a run where no budget is given: about a minute on two cores. */
export const DEFAULT_FLOPS = 800_000_000_000;

/** What no candidate may exceed where nothing is said. */
export const DEFAULT_LIMITS: Limits = { parameters: 50_000, flops: 2_500_000, bytes: 200 };

/** Where draws start where nothing is said. */
export const DEFAULT_SEED = 1;

/** Everything that the results of a run depend on besides the data's content. */
export const specOf = ({ source, budget, seed, numerics, limits }: CreateRequest, data: string): JsonObject => ({
  source: source as unknown as Json,
  data,
  budget: { ...budget },
  seed,
  numerics,
  limits: { ...limits },
});

const SHOWN_HEX = 10;

/** The name of a run that was given none: what it learns from, and the beginning of its identity. */
export const nameOfRun = (data: string, spec: JsonObject): string => {
  const plain = data.toLowerCase().replace(/\.[a-z0-9]+$/u, "").replaceAll(/[^a-z0-9]+/gu, "-").slice(0, 40);
  return `create-${plain.replaceAll(/^-|-$/gu, "") || "data"}-${
    digestJson(spec).slice("sha256:".length).slice(0, SHOWN_HEX)
  }`;
};
