/**
 * Library: parts of norion that are good by themselves, as functions: schedules for long input and their reader, a router
 * fitted to outcomes, judges of chains of reasoning, quantised caches, recordings of models.
 *
 * Not the service: plans, asking, memory and edits of genes are operations (`norion.*`).
 *
 * @example The first wrong step of a calculation; what follows from it is not blamed.
 * ```ts
 * import { judgeArithmetic } from "@rmi/rmi/norion";
 * import assert from "node:assert/strict";
 * const { steps, blame } = judgeArithmetic(["a = 6 * 7 = 42", "b = a + 1 = 44", "c = b + 1 = 45"]);
 * assert.deepEqual([steps, blame], [["right", "wrong", "right"], 1]);
 * ```
 *
 * @module
 */
export * from "./contract.ts";
export { type Chunk, type Merge, type Schedule, schedule, type ScheduleOptions } from "./recursion.ts";
export * from "./reader.ts";
export * from "./routing/learned.ts";
export type { Question } from "./routing/features.ts";
export { chainRewards } from "./review/reward.ts";
export * from "./review/trace.ts";
export * from "./models/cache_blocks.ts";
export * from "./models/quantise.ts";
export {
  keepingCalls,
  readRecording,
  type RecordedCall,
  recordedModel,
  type Recording,
  recordingOf,
  writeRecording,
} from "./models/recording.ts";
