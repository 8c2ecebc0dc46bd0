/**
 * Search: discovery as epochs of islands, with a state that is JSON; what it found, from the shortest account to the most
 * exact one.
 *
 * Not the loop (handlers): a state gives jobs, their results give the next state, and where the jobs run changes nothing.
 * Island 0 is where the best of all islands meet; the others are left alone, and peopled anew after some epochs, so that
 * no mistake of the first generations is shared by all (Hornby 2006).
 * Invariant: the state after epoch e depends on the points, the settings and e alone.
 *
 * @module
 */
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import { badSetting, badState, overLimit } from "../failures.ts";
import { type Described, described, EXACT, simplified } from "./describe.ts";
import { MAX_NODES, Workbench } from "./evaluate.ts";
import { type Fitted, Target } from "./fit.ts";
import { decodeFormula, encodeFormula } from "./formula.ts";
import {
  advanced,
  decodeFitted,
  decodeIsland,
  emptyIsland,
  encodeFitted,
  encodeIsland,
  type Island,
  joined,
  type Task,
} from "./island.ts";
import { type Column, PRIMITIVE_NAMES, type PrimitiveName, USUAL_PRIMITIVES } from "./primitives.ts";

/** Most points that formulas are fitted to. */
export const MAX_POINTS = 20_000;

/** Most variables. */
export const MAX_VARIABLES = 64;

/** Fewest points: with fewer, anything fits. */
export const LEAST_POINTS = 8;

/** Most islands. */
export const MAX_DISCOVERY_ISLANDS = 16;

/** Settings of a discovery. */
export interface DiscoverySettings {
  /** The seed. */
  readonly seed: string | number;
  /** Operators; the usual ones where absent. */
  readonly operators?: ReadonlyArray<PrimitiveName>;
  /** Largest formula, in nodes, without scale and offset; 24 where absent. */
  readonly largest?: number;
  /** Islands; 4 where absent. */
  readonly islands?: number;
  /** Formulas kept of each size; 20 where absent. */
  readonly kept?: number;
  /** Work of one epoch of one island, in additions of numbers; 100 million where absent. */
  readonly epochWork?: number;
}

/** A discovery between two epochs. */
export interface DiscoveryState {
  /** Epochs so far. */
  readonly epoch: number;
  /** Formulas tried so far. */
  readonly tried: number;
  /** Epochs since the account last became shorter. */
  readonly still: number;
  /** The islands, as JSON. */
  readonly islands: ReadonlyArray<Json>;
  /** What was found, smallest formula first, as JSON. */
  readonly accounts: ReadonlyArray<Json>;
}

/** What one island is to do: its epoch, with those who join it before. */
export interface IslandJob {
  /** The points and settings. */
  readonly task: Task;
  /** The island, as JSON. */
  readonly island: Json;
  /** Who joins it, as JSON. */
  readonly comers: ReadonlyArray<Json>;
}

/** What became of it. */
export interface IslandResult {
  /** The island, as JSON. */
  readonly island: Json;
  /** Its best of each size, as JSON. */
  readonly best: ReadonlyArray<Json>;
  /** Formulas that it has tried in all. */
  readonly tried: number;
}

/** What the accounts are made of. */
export interface AccountJob {
  /** The points and settings. */
  readonly task: Task;
  /** Islands, as JSON. */
  readonly islands: ReadonlyArray<Json>;
  /** Accounts of earlier epochs, as JSON. */
  readonly accounts: ReadonlyArray<Json>;
  /** The epoch that ends. */
  readonly epoch: number;
}

/** Something found, and when. */
export interface Account extends Described {
  /** The epoch at whose end it was there first. */
  readonly since: number;
}

const within = (setting: string, found: number, least: number, most: number): number => {
  if (Number.isSafeInteger(found) && found >= least && found <= most) return found;
  throw badSetting({
    setting,
    wanted: `a whole number in ${least} … ${most}`,
    found: String(found),
    path: `/${setting}`,
  });
};

const checkedPoints = (columns: ReadonlyArray<Column>, target: Column): void => {
  if (target.length > MAX_POINTS) throw overLimit({ what: "points", limit: MAX_POINTS, found: target.length });
  if (columns.length > MAX_VARIABLES) {
    throw overLimit({ what: "variables", limit: MAX_VARIABLES, found: columns.length });
  }
  if (columns.length === 0 || columns.some(({ length }) => length !== target.length) || target.length < LEAST_POINTS) {
    throw badSetting({
      setting: "points",
      wanted: `at least ${LEAST_POINTS} points of one variable or more`,
      found: `${target.length} points of ${columns.length} variables`,
      path: "/data",
    });
  }
};

/** What epochs work on, from points and settings; throws EVOLUTION_SETTING and EVOLUTION_LIMIT. */
export const taskOf = (columns: ReadonlyArray<Column>, target: Column, settings: DiscoverySettings): Task => {
  checkedPoints(columns, target);
  const operators = settings.operators ?? USUAL_PRIMITIVES;
  const unknown = operators.find((name) => !PRIMITIVE_NAMES.includes(name));
  if (unknown !== undefined || operators.length === 0) {
    throw badSetting({
      setting: "operators",
      wanted: `some of ${PRIMITIVE_NAMES.join(", ")}`,
      found: unknown ?? "none",
      path: "/operators",
    });
  }
  return {
    columns,
    target,
    operators: PRIMITIVE_NAMES.filter((name) => operators.includes(name)),
    largest: within("largest", settings.largest ?? 24, 1, MAX_NODES / 2),
    seed: settings.seed,
    kept: within("kept", settings.kept ?? 20, 1, 1000),
    work: within("epochWork", settings.epochWork ?? 100_000_000, 1000, 10 ** 12),
  };
};

/** The state before the first epoch. */
export const beginning = (task: Task, islands = 4): DiscoveryState => ({
  epoch: 0,
  tried: 0,
  still: 0,
  islands: Array.from(
    { length: within("islands", islands, 1, MAX_DISCOVERY_ISLANDS) },
    (_, number) => encodeIsland(emptyIsland(number, task)),
  ),
  accounts: [],
});

/** Epochs after which an island is peopled anew. */
const LIFE = 9;

/** Whether an island, other than the first, is at the end of its life; they end one after another. */
const isOver = (number: number, epoch: number, islands: number): boolean =>
  number > 0 && epoch > 0 && (epoch + Math.floor(LIFE * number / Math.max(1, islands - 1))) % LIFE === 0 &&
  epoch >= Math.floor(LIFE / 2);

/** An island's next epoch. */
export const advanceIsland = ({ task, island: json, comers }: IslandJob): IslandResult => {
  const island = decodeIsland(json, task);
  const met = comers.length === 0
    ? island
    : joined(task, island, comers.map((comer) => decodeFitted(comer, task.columns.length)));
  const next = advanced(task, met);
  return {
    island: encodeIsland(next),
    best: next.sizes.flatMap(([best]) => best === undefined ? [] : [encodeFitted(best)]),
    tried: next.tried,
  };
};

const emptied = (json: Json, task: Task): Json => {
  const island = decodeIsland(json, task);
  return encodeIsland({ ...emptyIsland(island.number, task), epoch: island.epoch, tried: island.tried });
};

/** The jobs of the next epoch, one for each island; they may run in any order, anywhere. */
export const jobsOf = (task: Task, { epoch, islands }: DiscoveryState): ReadonlyArray<IslandJob> => {
  const bests = islands.map((json) =>
    decodeIsland(json, task).sizes.flatMap(([best]) => best === undefined ? [] : [encodeFitted(best)])
  );
  return islands.map((json, number) => ({
    task,
    island: isOver(number, epoch, islands.length) ? emptied(json, task) : json,
    comers: number === 0 ? bests.slice(1).flat() : [],
  }));
};

/** Formulas whose constants are made simple at the end of an epoch. */
const CLOSER_LOOKS = 20;

const encodeAccount = ({ formula, error, length, since }: Account): Json => [
  encodeFormula(formula),
  error,
  length,
  since,
];

/** Something found, of its JSON; throws EVOLUTION_STATE. */
export const decodeAccount = (json: Json, variables: number): Account => {
  if (!Array.isArray(json) || json.length !== 4 || !json.slice(1).every(Number.isFinite)) {
    throw badState({ reason: "an account is malformed" });
  }
  const [formula, error, length, since] = json as [Json, number, number, number];
  return { formula: decodeFormula(formula, variables), error, length, since };
};

/** Share by which an error has to be smaller to be better: fitting once more moves the last digits. */
const BETTER = 1e-6;

/** Those that no smaller or equally large one beats, smallest first; of equals the one that was there first. */
const undominated = (all: ReadonlyArray<Account>): ReadonlyArray<Account> => {
  const sorted = [...all].sort((x, y) =>
    x.formula.size - y.formula.size || x.since - y.since || x.error - y.error || x.length - y.length
  );
  let kept: Account[] = [];
  for (const one of sorted) {
    const isBetter = kept.every(({ error }) => one.error < error * (1 - BETTER));
    const isShorter = kept.every(({ length }) => one.length < length - BETTER);
    if (!isBetter && !isShorter) continue;
    // A later one of the same size that is better in both takes the place of the earlier one.
    const { size } = one.formula;
    kept = kept.filter((other) => other.formula.size < size || other.error < one.error || other.length < one.length);
    kept.push(one);
  }
  return kept;
};

/** The accounts of the data that islands give: the best of each size, and the shortest of all, constants made simple. */
export const accountsOf = ({ task, islands, accounts, epoch }: AccountJob): ReadonlyArray<Json> => {
  const { columns, target: values, operators } = task;
  const count = values.length;
  const symbols = operators.length + columns.length + 1;
  const all: ReadonlyArray<Fitted> = islands.flatMap((json) => decodeIsland(json, task).sizes.flat());
  const bySize = new Map<number, Fitted>();
  for (const fitted of all) {
    const best = bySize.get(fitted.formula.size);
    if (best === undefined || fitted.error < best.error) bySize.set(fitted.formula.size, fitted);
  }
  const short = all.map((fitted) => ({ fitted, length: described(fitted, symbols, count).length }))
    .sort((x, y) => x.length - y.length).slice(0, CLOSER_LOOKS).map(({ fitted }) => fitted);
  const bench = new Workbench(columns, count);
  const target = new Target(values);
  const found = [...new Set([...short, ...bySize.values()])].map((one): Account => ({
    ...simplified(one, symbols, bench, target),
    since: epoch,
  }));
  const before = accounts.map((json) => decodeAccount(json, columns.length));
  return undominated([...before, ...found].filter(({ formula }) => formula.op !== "constant")).map(encodeAccount);
};

/** Nats by which an account has to become shorter for the search to count as alive. */
const LEAST_GAIN = 0.1;

const shortest = (accounts: ReadonlyArray<Json>, variables: number): number =>
  Math.min(Infinity, ...accounts.map((json) => decodeAccount(json, variables).length));

/** The state after an epoch, of its islands in order and the accounts that they give. */
export const toldEpoch = (
  task: Task,
  state: DiscoveryState,
  results: ReadonlyArray<IslandResult>,
  accounts: ReadonlyArray<Json>,
): DiscoveryState => {
  const variables = task.columns.length;
  const gained = shortest(accounts, variables) < shortest(state.accounts, variables) - LEAST_GAIN;
  return {
    epoch: state.epoch + 1,
    tried: results.reduce((sum, { tried }) => sum + tried, 0),
    still: gained ? 0 : state.still + 1,
    islands: results.map(({ island }) => island),
    accounts,
  };
};

/** One epoch, here and now. */
export const nextEpoch = (task: Task, state: DiscoveryState): DiscoveryState => {
  const results = jobsOf(task, state).map(advanceIsland);
  const islands = results.map(({ island }) => island);
  return toldEpoch(
    task,
    state,
    results,
    accountsOf({ task, islands, accounts: state.accounts, epoch: state.epoch + 1 }),
  );
};

/** What was found, smallest first, and which of it gives the shortest account. */
export const foundIn = (
  { accounts }: DiscoveryState,
  variables: number,
): { readonly all: ReadonlyArray<Account>; readonly chosen: Account | undefined } => {
  const all = accounts.map((json) => decodeAccount(json, variables));
  const chosen = all.reduce<Account | undefined>(
    (best, one) => best === undefined || one.length < best.length ? one : best,
    undefined,
  );
  return { all, chosen };
};

/** As JSON. */
export const encodeDiscovery = ({ epoch, tried, still, islands, accounts }: DiscoveryState): Json => ({
  epoch,
  tried,
  still,
  islands,
  accounts,
});

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** A state of its JSON; throws EVOLUTION_STATE. */
export const decodeDiscovery = (json: Json, task: Task): DiscoveryState => {
  if (!isJsonObject(json)) throw badState({ reason: "the state is not an object" });
  const { epoch, tried, still, islands, accounts } = json;
  if (!isCount(epoch) || !isCount(tried) || !isCount(still) || !Array.isArray(islands) || !Array.isArray(accounts)) {
    throw badState({ reason: "its counts, islands or accounts are malformed" });
  }
  const known: ReadonlyArray<Island> = islands.map((island: Json) => decodeIsland(island, task));
  if (known.some(({ number }, at) => number !== at)) throw badState({ reason: "its islands are out of order" });
  accounts.forEach((account: Json) => decodeAccount(account, task.columns.length));
  return { epoch, tried, still, islands, accounts };
};

/** How far a discovery goes. */
export interface DiscoveryBudget {
  /** Epochs. */
  readonly epochs: number;
  /** Epochs without a shorter account after which it ends; none where absent. */
  readonly patience?: number;
  /** Islands; 4 where absent. */
  readonly islands?: number;
}

/** A discovery here and now, epoch by epoch: yields the state after each, and returns the last. */
export function* discover(
  task: Task,
  { epochs, patience = Infinity, islands }: DiscoveryBudget,
): Generator<DiscoveryState, DiscoveryState> {
  let state = beginning(task, islands);
  while (state.epoch < epochs && state.still < patience) {
    state = nextEpoch(task, state);
    yield state;
    if ((foundIn(state, task.columns.length).chosen?.error ?? 1) <= EXACT) break;
  }
  return state;
}
