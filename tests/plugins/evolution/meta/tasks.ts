/**
 * A family of generated tasks, and a learner whose best settings differ from task to task: kernel ridge regression.
 *
 * Smoothness, number of columns and noise are drawn for each task; they decide which length, ridge and kernel are best.
 * The learner is small enough to be solved exactly, so that what a setting is worth is no estimate of chance.
 */
import { random } from "../../../../kernel/random.ts";
import type { Experience } from "../../../../plugins/evolution/meta/experience.ts";
import { type TaskFeatures, taskFeatures } from "../../../../plugins/evolution/meta/features.ts";
import type { Setting, Space } from "../../../../plugins/evolution/search/space.ts";
import { drawSetting, settingVariation } from "../../../../plugins/evolution/search/space.ts";
import type { Search } from "../../../../plugins/evolution/contract.ts";

/** A task: points to learn from, and points to be judged by. */
export interface Task {
  readonly name: string;
  readonly columns: ReadonlyArray<Float64Array>;
  readonly target: Float64Array;
  /** The first rows are learned from, the others judge. */
  readonly learned: number;
  readonly features: TaskFeatures;
}

/** What the learner can be set to. */
export const SPACE: Space = [
  { name: "length", kind: "float", low: 0.02, high: 50, log: true },
  { name: "ridge", kind: "float", low: 1e-6, high: 10, log: true },
  { name: "kernel", kind: "choice", options: ["gaussian", "laplace", "linear"] },
];

/** What the space is called in experiences. */
export const SPACE_NAME = "kernel ridge/1";

const LEARNED = 60;
const ROWS = 120;

/** A task of the family. */
export const taskOf = (name: string): Task => {
  const chance = random(`meta task ${name}`);
  const width = 1 + chance.below(6);
  const speed = 0.3 * 20 ** chance.float();
  const noise = 0.02 * 25 ** chance.float();
  const linear = chance.float() < 0.25;
  const directions = Array.from(
    { length: 3 },
    () => Array.from({ length: width }, () => chance.normal() / Math.sqrt(width)),
  );
  const columns = Array.from(
    { length: width },
    () => Float64Array.from({ length: ROWS }, () => 2 * chance.float() - 1),
  );
  const target = Float64Array.from({ length: ROWS }, (_, i) => {
    const sum = directions.reduce((total, direction) => {
      const along = direction.reduce((dot, weight, c) => dot + weight * columns[c][i], 0);
      return total + (linear ? along : Math.sin(speed * along));
    }, 0);
    return sum + noise * chance.normal();
  });
  const learnedPart = { columns: columns.map((column) => column.slice(0, LEARNED)), target: target.slice(0, LEARNED) };
  return { name, columns, target, learned: LEARNED, features: taskFeatures(learnedPart) };
};

const KERNELS: { readonly [name: string]: (square: number, dot: number, length: number) => number } = {
  gaussian: (square, _dot, length) => Math.exp(-square / (2 * length * length)),
  laplace: (square, _dot, length) => Math.exp(-Math.sqrt(square) / length),
  linear: (_square, dot, length) => 1 + dot / (length * length),
};

/** Solves (K + ridge·n) a = y by Cholesky. */
const solved = (matrix: Float64Array, n: number, right: Float64Array): Float64Array => {
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = matrix[i * n + j];
      for (let k = 0; k < j; k++) sum -= matrix[i * n + k] * matrix[j * n + k];
      matrix[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / matrix[j * n + j];
    }
  }
  const x = right.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= matrix[i * n + k] * x[k];
    x[i] /= matrix[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] -= matrix[k * n + i] * x[k];
    x[i] /= matrix[i * n + i];
  }
  return x;
};

/** What a setting is worth on a task: the root mean square on the points that judge, over the target's deviation. */
export const errorOf = ({ columns, target, learned }: Task, setting: Setting): number => {
  const { length, ridge, kernel } = setting as unknown as { length: number; ridge: number; kernel: string };
  const between = (i: number, j: number): number => {
    let [square, dot] = [0, 0];
    for (const column of columns) {
      square += (column[i] - column[j]) ** 2;
      dot += column[i] * column[j];
    }
    return KERNELS[kernel](square, dot, length);
  };
  const matrix = new Float64Array(learned * learned);
  for (let i = 0; i < learned; i++) {
    for (let j = 0; j <= i; j++) matrix[i * learned + j] = matrix[j * learned + i] = between(i, j);
    matrix[i * learned + i] += ridge;
  }
  const weights = solved(matrix, learned, target.slice(0, learned));
  let [left, all] = [0, 0];
  for (let i = learned; i < target.length; i++) {
    let answer = 0;
    for (let j = 0; j < learned; j++) answer += weights[j] * between(i, j);
    left += (target[i] - answer) ** 2;
    all += target[i] ** 2;
  }
  return Math.sqrt(left / all);
};

/** What a long search finds on a task. */
export const bestError = (task: Task): number => {
  const chance = random(`best of ${task.name}`);
  const { mutate } = settingVariation(SPACE);
  let best = drawSetting(SPACE, chance);
  let least = errorOf(task, best);
  for (let k = 0; k < 400; k++) {
    const setting = k < 200 ? drawSetting(SPACE, chance) : mutate(best, chance);
    const error = errorOf(task, setting);
    if (error < least) [best, least] = [setting, error];
  }
  return least;
};

/** An earlier run on a task: so many settings drawn, the better ones remembered. */
export const experienceOf = (task: Task, tried = 60): Experience => {
  const chance = random(`experience of ${task.name}`);
  const variation = settingVariation(SPACE);
  const settings = Array.from({ length: tried }, () => drawSetting(SPACE, chance));
  return {
    space: SPACE_NAME,
    features: task.features,
    tried: settings.map((setting) => ({ setting: variation.encode(setting), score: errorOf(task, setting) })),
  };
};

/** Evaluations that a search takes to come to an error; `most` where it does not. */
export const evaluationsTo = (search: Search<Setting>, task: Task, error: number, most: number): number => {
  let state = search.start;
  let count = 0;
  while (count < most) {
    const asked = search.ask(state);
    const errors = asked.map(({ genome }) => errorOf(task, genome));
    const at = errors.findIndex((found) => found <= error);
    if (at >= 0) return Math.min(most, count + at + 1);
    count += asked.length;
    state = search.tell(state, asked, errors.map((value) => ({ objectives: [value] })));
  }
  return most;
};
