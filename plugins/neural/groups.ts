/**
 * Groups: rules that give some parameters of a network another rate, another decay, or rest.
 *
 * Not the optimiser. Invariant: the first rule that fits a path counts; without one a parameter has the usual settings.
 *
 * @module
 */
import type { ParameterSpec } from "./contract.ts";

/** What holds for parameters whose path fits. */
export interface GroupRule {
  /** A path, in which `*` stands for anything within a part and `**` for any parts. */
  readonly match: string;
  /** Factor of the rate; 1 where absent. */
  readonly rate?: number;
  /** Weight decay; the optimiser's, for parameters that decay, where absent. */
  readonly decay?: number;
  /** Whether they are trained; true where absent. */
  readonly trained?: boolean;
}

/** Whether a path fits a pattern. */
export const fitsPath = (pattern: string, path: string): boolean => {
  const source = pattern.split("**").map((between) =>
    between.split("*").map((text) => text.replace(/[.+?^${}()|[\]\\]/gu, "\\$&")).join("[^/]*")
  ).join(".*");
  return new RegExp(`^${source}$`, "u").test(path);
};

/** What holds for a parameter. */
export const groupOf = (
  rules: ReadonlyArray<GroupRule>,
  { path }: Pick<ParameterSpec, "path">,
): { readonly rate: number; readonly decay: number | undefined; readonly trained: boolean } => {
  const rule = rules.find(({ match }) => fitsPath(match, path));
  return { rate: rule?.rate ?? 1, decay: rule?.decay, trained: rule?.trained ?? true };
};
