/**
 * Training ops: losses and optimiser steps, rows of the neural family.
 *
 * @module
 */
import { attribute, operand, type OpSpec } from "./row.ts";

const named = { named: true } as const;

const reduction = attribute("reduction", "choice", "How the losses of the elements become one.", {
  choices: ["mean", "sum", "none"],
  default: "mean",
  ...named,
});
const loss = (code: number, doc: string, more: Partial<OpSpec> = {}): OpSpec => ({
  code,
  doc,
  operands: [operand("x", "float"), operand("target", "number")],
  attributes: [reduction],
  result: "float",
  differentiable: true,
  ...more,
});

const updated = [operand("parameter", "float"), operand("gradient", "float")];
const learningRate = (value: number) => attribute("rate", "float", "Learning rate.", { default: value });
const decay = attribute("decay", "float", "Weight decay.", { default: 0, ...named });
const smoothing = (value: number) => attribute("epsilon", "float", "Added to the root.", { default: value, ...named });

const adam = (code: number, doc: string, decayed: number): OpSpec => ({
  code,
  doc: `${doc} Gives (parameter, first moment, second moment, step).`,
  operands: [
    ...updated,
    operand("first", "float", { optional: true }),
    operand("second", "float", { optional: true }),
    operand("step", "index", { optional: true }),
  ],
  attributes: [
    learningRate(0.001),
    attribute("beta1", "rate", "Decay of the first moment.", { default: 0.9, ...named }),
    attribute("beta2", "rate", "Decay of the second moment.", { default: 0.999, ...named }),
    smoothing(1e-8),
    attribute("decay", "float", "Weight decay.", { default: decayed, ...named }),
  ],
  result: "tuple",
});

/** Losses. */
export const losses = {
  mse_loss: loss(0x0040, "Squared difference of prediction and target."),
  cross_entropy: loss(
    0x0041,
    "Negative log likelihood of the target under softmax of x; the target is class indices or probabilities.",
    {
      operands: [operand("x", "float", { shape: "[..., n]" }), operand("target", "number")],
      attributes: [
        attribute("smoothing", "rate", "Share of the target spread over all classes.", { default: 0, ...named }),
        reduction,
      ],
    },
  ),
  bce_loss: loss(0x0042, "Binary cross-entropy of probabilities and targets between 0 and 1.", {
    attributes: [
      attribute("logits", "flag", "Whether x is before the logistic.", { default: false, ...named }),
      reduction,
    ],
  }),
  nll_loss: loss(0x0043, "Negative log likelihood: minus the log probability of the target class.", {
    operands: [operand("x", "float", { shape: "[..., n]" }), operand("target", "index", { shape: "[...]" })],
  }),
  huber_loss: loss(0x0044, "Half the squared difference where it is below delta, linear beyond.", {
    attributes: [attribute("delta", "float", "Where the line begins.", { default: 1 }), reduction],
    source: "Huber 1964",
  }),
  kl_div: loss(0x0045, "Kullback–Leibler divergence of a target distribution from log probabilities: t·(log t − x).", {
    operands: [operand("x", "float"), operand("target", "float")],
    attributes: [
      attribute("log_target", "flag", "Whether the target is log probabilities too.", { default: false, ...named }),
      reduction,
    ],
  }),
} as const satisfies { readonly [name: string]: OpSpec };

/** Optimiser steps. */
export const steps = {
  sgd_step: {
    code: 0x0050,
    doc: "One step of gradient descent. Gives the parameter; with momentum, (parameter, velocity).",
    operands: [...updated, operand("velocity", "float", { optional: true })],
    attributes: [
      learningRate(0.01),
      attribute("momentum", "float", "Share of the old velocity kept.", { default: 0 }),
      decay,
      attribute("nesterov", "flag", "Whether it looks ahead.", { default: false, ...named }),
    ],
    result: "any",
  },
  adam_step: { ...adam(0x0051, "One step of Adam.", 0), source: "Kingma & Ba 2015" },
  adamw_step: {
    ...adam(0x0052, "One step of Adam with weight decay apart from the gradient.", 0.01),
    source: "Loshchilov & Hutter 2019",
  },
  rmsprop_step: {
    code: 0x0053,
    doc: "One step of RMSprop. Gives (parameter, running square).",
    operands: [...updated, operand("square", "float", { optional: true })],
    attributes: [
      learningRate(0.01),
      attribute("alpha", "rate", "Decay of the running square.", { default: 0.99, ...named }),
      smoothing(1e-8),
      decay,
    ],
    result: "tuple",
  },
} as const satisfies { readonly [name: string]: OpSpec };
