/**
 * Calibration: the one number by which logits are divided so that confidence is as often right as it says.
 *
 * Not training: the order of the answers, and so the accuracy, stays as it is. Source: Guo et al. 2017.
 * Invariant: the temperature found has no larger negative log likelihood than 1 has, on the samples it was found on.
 *
 * @module
 */

/** Bounds of a temperature. */
export const COLDEST = 0.05;
/** Bounds of a temperature. */
export const HOTTEST = 20;

const ROUNDS = 60;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** Mean negative log likelihood of right classes under logits over a temperature. */
export const logLossAt = (
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  classes: number,
  temperature: number,
): number => {
  let total = 0;
  for (let row = 0; row < targets.length; row++) {
    const at = row * classes;
    let most = -Infinity;
    for (let i = 0; i < classes; i++) most = Math.max(most, logits[at + i]);
    let sum = 0;
    for (let i = 0; i < classes; i++) sum += Math.exp((logits[at + i] - most) / temperature);
    total += Math.log(sum) - (logits[at + targets[row]] - most) / temperature;
  }
  return total / targets.length;
};

/** The temperature of least negative log likelihood, which has one minimum; 1 where nothing is better. */
export const temperatureFor = (
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  classes: number,
): number => {
  if (targets.length === 0) return 1;
  const lossAt = (log: number): number => logLossAt(logits, targets, classes, Math.exp(log));
  let [low, high] = [Math.log(COLDEST), Math.log(HOTTEST)];
  let [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
  let [lossLeft, lossRight] = [lossAt(left), lossAt(right)];
  for (let round = 0; round < ROUNDS; round++) {
    if (lossLeft <= lossRight) {
      [high, right, lossRight] = [right, left, lossLeft];
      left = high - GOLDEN * (high - low);
      lossLeft = lossAt(left);
    } else {
      [low, left, lossLeft] = [left, right, lossRight];
      right = low + GOLDEN * (high - low);
      lossRight = lossAt(right);
    }
  }
  const found = Math.exp((low + high) / 2);
  return lossAt(Math.log(found)) < lossAt(0) ? found : 1;
};
