import assert from "node:assert/strict";
import {
  candidateOf,
  checkReadable,
  holesOf,
  spaceOf,
  USUAL_SPACE,
} from "../../../../plugins/evolution/search/candidate.ts";
import { checkedSpace, type Dimension, type Space } from "../../../../plugins/evolution/search/space.ts";

const PROGRAM = "linear(?width) >> ?shape >> linear(?width) >> relu >> linear(2)";

Deno.test("places of a program are found once, in their order", () => {
  assert.deepEqual(holesOf(PROGRAM), ["width", "shape"]);
  assert.deepEqual(holesOf("mlp(3)"), []);
});

Deno.test("a setting fills the places, sets the training and the optimiser, and leaves the rest", () => {
  const setting = { width: 12, shape: "tanh", rate: 0.01, optimizer: "sgd", momentum: 0.9, nesterov: true, clip: 2 };
  assert.deepEqual(candidateOf(PROGRAM, setting, { epochs: 3, seed: 7, batch: 8 }), {
    program: "linear(12) >> tanh >> linear(12) >> relu >> linear(2)",
    training: {
      epochs: 3,
      seed: 7,
      batch: 8,
      rate: 0.01,
      clip: { norm: 2 },
      optimizer: { kind: "sgd", settings: { momentum: 0.9, nesterov: true } },
    },
  });
});

Deno.test("a place that has the name of a training setting is a place", () => {
  const { program, training } = candidateOf("linear(?batch) >> linear(2)", { batch: 5 }, {});
  assert.equal(program, "linear(5) >> linear(2)");
  assert.deepEqual(training, {});
});

Deno.test("settings of an optimiser that nobody chose are those of adam", () => {
  const { training } = candidateOf("mlp(2)", { beta1: 0.8 }, {});
  assert.deepEqual(training.optimizer, { kind: "adam", settings: { beta1: 0.8 } });
});

Deno.test("where no space is said, the usual one and every place of the program are searched", () => {
  const space = spaceOf(PROGRAM.replace("?shape", "relu"), undefined);
  assert.deepEqual(space.map(({ name }) => name), [...USUAL_SPACE.map(({ name }) => name), "width"]);
  checkedSpace(space);
  const own: Space = [{ kind: "int", name: "width", low: 2, high: 3 }];
  assert.deepEqual(spaceOf("linear(?width)", own), own);
});

const READABLE: ReadonlyArray<Dimension> = [
  { kind: "int", name: "width", low: 1, high: 9 },
  { kind: "float", name: "rate", low: 0.1, high: 1 },
  { kind: "int", name: "batch", low: 1, high: 64 },
  { kind: "choice", name: "batch", options: [16, 32] },
  { kind: "choice", name: "schedule", options: ["oneCycle", "constant"] },
  { kind: "float", name: "decay", low: 0, high: 0.1 },
  { kind: "choice", name: "amsgrad", options: [true, false] },
];

const UNREADABLE: ReadonlyArray<readonly [dimension: Dimension, path: string]> = [
  [{ kind: "float", name: "hight", low: 0, high: 1 }, "/space/0/name"],
  [{ kind: "float", name: "rate", low: 0, high: 1 }, "/space/0"],
  [{ kind: "float", name: "batch", low: 1, high: 8 }, "/space/0"],
  [{ kind: "choice", name: "batch", options: [16, "many"] }, "/space/0"],
  [{ kind: "choice", name: "optimizer", options: ["adam", "lamb"] }, "/space/0"],
  [{ kind: "float", name: "average", low: 0, high: 2 }, "/space/0"],
  [{ kind: "int", name: "toString", low: 0, high: 2 }, "/space/0/name"],
];

for (const dimension of READABLE) {
  Deno.test(`a dimension is read: ${JSON.stringify(dimension)}`, () => checkReadable("linear(?width)", [dimension]));
}

for (const [dimension, path] of UNREADABLE) {
  Deno.test(`a dimension that nothing reads is refused: ${JSON.stringify(dimension)}`, () => {
    assert.throws(() => checkReadable("linear(?width)", [dimension]), { code: "EVOLUTION_SETTING", path });
  });
}
