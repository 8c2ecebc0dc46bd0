import assert from "node:assert/strict";
import { listened, NOTHING_HEARD, rateAt, type Schedule, SCHEDULE_NAMES } from "../../../../plugins/neural/library.ts";

const at = (schedule: Schedule, step: number, steps = 100, epochSteps = 10): number =>
  rateAt(schedule, 0.1, { step, steps, epochSteps });

const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);

Deno.test("the step schedule halves 0.1 after five epochs and again after ten", () => {
  const schedule: Schedule = { kind: "step", settings: { every: 5, gamma: 0.5 } };
  near(at(schedule, 49), 0.1);
  near(at(schedule, 50), 0.05);
  near(at(schedule, 100, 200), 0.025);
});

Deno.test("the cosine begins at the rate, has half of it in the middle and ends at its share", () => {
  near(at({ kind: "cosine" }, 0), 0.1);
  near(at({ kind: "cosine" }, 50), 0.05);
  near(at({ kind: "cosine" }, 100), 0);
  near(at({ kind: "cosine", settings: { to: 0.1 } }, 100), 0.01);
  near(at({ kind: "cosine" }, 1000), 0);
});

Deno.test("the straight line and the constant are what they say", () => {
  near(at({ kind: "linear" }, 25), 0.075);
  near(at({ kind: "linear", settings: { to: 0.5 } }, 100), 0.05);
  near(at({ kind: "constant" }, 77), 0.1);
});

Deno.test("the warm-up reaches the rate after its share of the steps, never begins at zero, and falls from there", () => {
  const schedule: Schedule = { kind: "warmup", settings: { share: 0.1 } };
  near(at(schedule, 0), 0.01);
  near(at(schedule, 9), 0.1);
  near(at(schedule, 10), 0.1);
  near(at(schedule, 55), 0.05);
  near(at(schedule, 100), 0);
});

Deno.test("one cycle rises to the rate at its share and falls far below where it began", () => {
  const schedule: Schedule = { kind: "oneCycle", settings: { share: 0.3, from: 0.04, to: 0.0001 } };
  near(at(schedule, 0), 0.004);
  near(at(schedule, 30), 0.1);
  near(at(schedule, 100), 0.00001);
  const rates = Array.from({ length: 101 }, (_, step) => at(schedule, step));
  assert.equal(rates.indexOf(Math.max(...rates)), 30);
});

Deno.test("restarts begin anew after one epoch, then after two more, then after four more", () => {
  const schedule: Schedule = { kind: "restarts", settings: { every: 1, growth: 2 } };
  for (const step of [0, 10, 30, 70]) near(at(schedule, step), 0.1);
  near(at(schedule, 5), 0.05);
  near(at(schedule, 20), 0.05);
  assert.ok(at(schedule, 9) < 0.01 && at(schedule, 29) < 0.01);
});

Deno.test("the plateau waits for its patience, then takes its factor once, and begins to wait again", () => {
  const schedule: Schedule = { kind: "plateau", settings: { gamma: 0.5, patience: 1, least: 0.2, threshold: 0 } };
  const factors: number[] = [];
  let heard = NOTHING_HEARD;
  for (const value of [3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1]) {
    heard = listened(schedule, heard, value);
    factors.push(heard.factor);
  }
  assert.deepEqual(factors, [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2]);
  near(rateAt(schedule, 0.1, { step: 3, steps: 9, epochSteps: 1 }, heard), 0.02);
});

Deno.test("every schedule gives a finite rate from zero to the rate, also for runs of no step", () => {
  for (const kind of SCHEDULE_NAMES) {
    for (const [step, steps, epochSteps] of [[0, 0, 0], [0, 1, 1], [5, 10, 2], [99, 10, 3]]) {
      const rate = rateAt({ kind }, 0.1, { step, steps, epochSteps });
      assert.ok(rate >= 0 && rate <= 0.1, `${kind} at ${step} of ${steps}: ${rate}`);
    }
  }
});

Deno.test("a schedule or a setting that does not exist is refused with the near one", () => {
  const refused = (schedule: Schedule, path: string): void =>
    assert.throws(() => at(schedule, 0), { code: "NEURAL_SETTING", path });
  refused({ kind: "cosin" as never }, "/schedule");
  refused({ kind: "cosine", settings: { from: 1 } }, "/schedule/from");
  refused({ kind: "step", settings: { every: 0 } }, "/schedule/every");
  refused({ kind: "warmup", settings: { share: 1.5 } }, "/schedule/share");
});
