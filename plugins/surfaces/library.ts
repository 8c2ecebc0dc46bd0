/**
 * Library: what other plugins import of the surfaces: the player of tours and what a tour is made of.
 *
 * @module
 */
export { playSteps, type Stopped, type Toured } from "./tour/player.ts";
export { type Happened, listAt, refusal, some, type Step, textAt } from "./tour/step.ts";
export { StepShown } from "./tour/operation.ts";
export { tourSurprised } from "./failures.ts";
