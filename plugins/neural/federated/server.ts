/**
 * Server: how far a server follows the step of a round: as it is, with momentum, or adaptively.
 *
 * Running state of networks is not learned, so it always follows as it is.
 * Invariant: the server's memory and the step determine the next weights.
 *
 * @module
 */
import { badSetting } from "../failures.ts";

/** A server optimiser, as data (Hsu et al. 2019; Reddi et al. 2021). */
export type ServerOptimiser =
  /** w + rate·step. */
  | { readonly kind: "plain"; readonly rate?: number }
  /** FedAvgM: v := momentum·v + step; w + rate·v. */
  | { readonly kind: "momentum"; readonly rate?: number; readonly momentum?: number }
  /** FedAdam: means of step and step² without bias correction; w + rate·m / (√v + epsilon). */
  | {
    readonly kind: "adam";
    readonly rate?: number;
    readonly beta1?: number;
    readonly beta2?: number;
    readonly epsilon?: number;
  };

/** Names of the server optimisers. */
export const SERVER_NAMES: ReadonlyArray<ServerOptimiser["kind"]> = ["plain", "momentum", "adam"];

/** What is used where nothing is said; those of adam are the paper's middle choices. */
const DEFAULTS = {
  plain: { rate: 1 },
  momentum: { rate: 1, momentum: 0.9 },
  adam: { rate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-3 },
} as const;

/** What a server remembers between rounds. */
export interface ServerMemory {
  /** Mean of steps; empty where the optimiser keeps none. */
  readonly first: Float32Array<ArrayBuffer>;
  /** Mean of squared steps; empty where the optimiser keeps none. */
  readonly second: Float32Array<ArrayBuffer>;
}

/** The memory before the first round, of a model with so many learned elements. */
export const serverMemory = ({ kind }: ServerOptimiser, learned: number): ServerMemory => ({
  first: new Float32Array(kind === "plain" ? 0 : learned),
  second: new Float32Array(kind === "adam" ? learned : 0),
});

/** The settings of a server optimiser with its defaults; throws `NEURAL_SETTING` where one has no meaning. */
export const serverSettings = (optimiser: ServerOptimiser): { readonly [name: string]: number } => {
  const { kind, ...given } = optimiser;
  const settings: Record<string, number> = { ...DEFAULTS[kind], ...given };
  for (const [name, value] of Object.entries(settings)) {
    if (!Object.hasOwn(DEFAULTS[kind], name)) {
      throw badSetting({
        what: `${name} of the server`,
        reason: `${kind} has none of that name`,
        path: `/server/${name}`,
      });
    }
    const isShare = name === "momentum" || name.startsWith("beta");
    if (value >= 0 && Number.isFinite(value) && (isShare ? value < 1 : value > 0)) continue;
    throw badSetting({
      what: `${name} of the server`,
      reason: `it is ${value}, and ${isShare ? "0 up to below 1" : "a number above 0"} is needed`,
      path: `/server/${name}`,
    });
  }
  return settings;
};

/** The weights after a round, and what the server remembers of it. The first `learned` elements follow the optimiser. */
export const follow = (
  optimiser: ServerOptimiser,
  memory: ServerMemory,
  weights: Float32Array,
  step: Float32Array,
  learned: number,
): { readonly weights: Float32Array<ArrayBuffer>; readonly memory: ServerMemory } => {
  const settings = serverSettings(optimiser);
  const next = new Float32Array(weights);
  const [first, second] = [new Float32Array(memory.first), new Float32Array(memory.second)];
  const { rate, momentum, beta1, beta2, epsilon } = settings;
  for (let i = 0; i < learned; i++) {
    let move: number = step[i];
    if (optimiser.kind === "momentum") move = first[i] = momentum * first[i] + step[i];
    if (optimiser.kind === "adam") {
      first[i] = beta1 * first[i] + (1 - beta1) * step[i];
      second[i] = beta2 * second[i] + (1 - beta2) * step[i] * step[i];
      move = first[i] / (Math.sqrt(second[i]) + epsilon);
    }
    next[i] += rate * move;
  }
  for (let i = learned; i < next.length; i++) next[i] += step[i];
  return { weights: next, memory: { first, second } };
};
