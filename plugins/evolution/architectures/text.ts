/**
 * Text: an architecture as source text of the language.
 *
 * Invariant: the same architecture on the same type of sample has the same text; what its sizes come to is asked of the
 * language's own check, never computed a second time here.
 *
 * @module
 */
import { check, parse, type Type } from "../../rmil/library.ts";
import type { Architecture, Layer, Stage } from "./grammar.ts";

/** The type of one sample that an architecture sees, without the axis of the batch. */
export type SampleShape = ReadonlyArray<number>;

const chain = (...parts: ReadonlyArray<string>): string => parts.filter((part) => part !== "").join(" >> ");

const when = (condition: boolean, part: string): string => condition ? part : "";

const STAGE_TEXT: { readonly [K in Stage["kind"]]: (stage: never) => string } = {
  conv: ({ width, kernel, stride, norm, activation, pool }: Extract<Stage, { kind: "conv" }>) =>
    chain(
      `conv2d(${width}, ${kernel}${stride === 1 ? "" : `, ${stride}`})`,
      when(norm, "batch_norm"),
      activation,
      when(pool !== "none", `${pool}_pool`),
    ),
  residual: ({ kernel, norm, activation }: Extract<Stage, { kind: "residual" }>) =>
    `res_add(identity, ${chain(`conv2d(kernel: ${kernel})`, when(norm, "batch_norm"), activation)})`,
};

const stageText = (stage: Stage): string => STAGE_TEXT[stage.kind](stage as never);

const layerText = ({ width, skip, norm, activation, drop }: Layer): string => {
  const body = chain(skip ? "linear" : `linear(${width})`, when(norm, "layer_norm"), activation);
  return chain(skip ? `res_add(identity, ${body})` : body, when(drop > 0, `drop(${drop})`));
};

/** A sample's type with a batch of one, as the language has it. */
export const typeOfSample = (shape: SampleShape): Type => ({ k: "Tensor", dtype: "f32", shape: [1, ...shape] });

/** Elements of one sample after some stages; throws the language's failure where they do not fit the sample. */
const elementsAfter = (stages: string, shape: SampleShape): number => {
  if (stages === "") return shape.reduce((all, size) => all * size, 1);
  const { root, symbols } = parse(stages);
  const { type } = check(root, symbols, { inputs: { x: typeOfSample(shape) } });
  return type.k === "Tensor" ? type.shape.slice(1).reduce<number>((all, size) => all * Number(size), 1) : 0;
};

/** The text of an architecture that sees samples of a shape and gives a number of outputs. */
export const textOf = (architecture: Architecture, shape: SampleShape, outputs: number): string => {
  const isImage = shape.length === 3;
  const stages = isImage ? chain(...architecture.stages.map(stageText)) : "";
  const isMean = architecture.bridge === "mean" && stages !== "";
  const bridge = shape.length === 1 ? "" : isMean ? "global_pool" : `reshape((-1, ${elementsAfter(stages, shape)}))`;
  // Dropping what was dropped a moment ago is dropping more of it, which the rate says already.
  const isDropped = (architecture.layers.at(-1)?.drop ?? 0) > 0;
  return chain(
    stages,
    bridge,
    ...architecture.layers.map(layerText),
    when(architecture.drop > 0 && !isDropped, `drop(${architecture.drop})`),
    `linear(${outputs})`,
  );
};
