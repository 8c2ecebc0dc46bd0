/**
 * Code generation: programs in loop-level form, shared by all devices that are programmed by loops.
 *
 * @module
 */
export { type Affine, type Atom, type Axis, printIndex, rangeOf, stepOf, type Term } from "./affine.ts";
export { accumulatorOf, Expressions } from "./expression.ts";
export * from "./loops.ts";
export { type LayoutRules, type Lifetime, type MemoryPlan, planMemory } from "./memory.ts";
export { printLoops } from "./print.ts";
export { loopProgram, type ScheduleOptions } from "./schedule.ts";
