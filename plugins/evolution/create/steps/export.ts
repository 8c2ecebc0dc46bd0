/**
 * Export: the model as files for others, each read back or run by somebody else and compared.
 *
 * Invariant: a file that answers otherwise than the model ends the run; one that nobody could run says so.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../../../kernel/context.ts";
import { digestBytes } from "../../../../kernel/digest.ts";
import { Disk } from "../../../../kernel/disk.ts";
import { resolvePath } from "../../../../kernel/paths.ts";
import {
  attempting,
  type Engine,
  type ExportFormat,
  gather,
  importModel,
  makeAnswerer,
  type Model,
  presented,
} from "../../../neural/library.ts";
import { cannotCreate } from "../../failures.ts";
import { judgeOnnx, TOLERANCE } from "../onnx_judge.ts";
import type { ExportRecord } from "../result.ts";
import { stepping, type Work } from "../work.ts";
import type { Capabilities } from "./discover.ts";
import { engineOf } from "./engine.ts";
import type { Judgement } from "./judge.ts";
import type { KeptModel } from "./keep.ts";
import type { TrainedModel } from "./train.ts";

/** Samples of the test part that an exported model is asked. */
export const ASKED = 250;

/** Formats, and what their files are called. */
const FILES = {
  rmil: "model.rmil",
  safetensors: "model.safetensors",
  onnx: "model.onnx",
} as const satisfies { readonly [F in ExportFormat]?: string };

/** The samples, as the network takes them, and its answers to them. */
const askedOf = (work: Work, { fitted: { network } }: TrainedModel, { test }: Judgement) => {
  const { dataset, target, outputs } = work.learned;
  const samples = dataset.splits.test.subarray(0, ASKED);
  const input = presented(gather(dataset.inputs[0], samples), network.inputs[0]);
  return {
    input,
    outputs: test.outputs.subarray(0, samples.length * outputs),
    classes: target.kind === "classification",
  };
};

/** How far a model that was read back is from the one that was written. */
const readBack = (engine: Engine, model: Model, { input, outputs, classes }: ReturnType<typeof askedOf>, by: string) =>
  Effect.scoped(Effect.gen(function* () {
    const [count] = input.shape;
    const answerer = yield* makeAnswerer(engine, model.network, { batch: count });
    yield* answerer.write(model.values);
    const [given] = yield* answerer.answer([presented(input, model.network.inputs[0])]);
    const width = outputs.length / count;
    let distance = 0;
    const others = Array.from({ length: count }, (_, row) => {
      const largest = (values: ArrayLike<number>): number => {
        let best = 0;
        for (let i = 1; i < width; i++) if (values[row * width + i] > values[row * width + best]) best = i;
        return best;
      };
      let off = 0;
      for (let i = 0; i < width; i++) {
        off = Math.max(off, Math.abs(Number(given.data[row * width + i]) - outputs[row * width + i]));
      }
      distance = Math.max(distance, off);
      return classes ? largest(given.data as Float32Array) !== largest(outputs) : off > TOLERANCE;
    });
    return { by, samples: count, otherAnswers: others.filter(Boolean).length, distance };
  }));

const verified = (
  work: Work,
  format: keyof typeof FILES,
  bytes: Uint8Array,
  trained: TrainedModel,
  judgement: Judgement,
) =>
  Effect.gen(function* () {
    const asked = askedOf(work, trained, judgement);
    const { fitted: { network, program } } = trained;
    const { input: { data, shape }, outputs, classes } = asked;
    if (format === "onnx") {
      return yield* judgeOnnx({ bytes, samples: data as Float32Array, shape, outputs, classes });
    }
    const model = yield* attempting(() =>
      importModel(bytes, format, network.inputs, format === "safetensors" ? program : undefined)
    );
    const by = format === "rmil" ? "the language's decoder, lowered anew" : "the program with these tensors";
    return yield* readBack(yield* engineOf(work), model, asked, by);
  });

const written = (
  work: Work,
  format: keyof typeof FILES,
  folder: string,
  capabilities: Capabilities,
  kept: KeptModel,
  trained: TrainedModel,
  judgement: Judgement,
) =>
  Effect.gen(function* () {
    const { invoke } = yield* CallContext;
    const file = resolvePath(folder, FILES[format]);
    yield* invoke(capabilities.export, { digest: kept.info.digest, to: format, file });
    const bytes = yield* (yield* Disk).read(file);
    const found = yield* verified(work, format, bytes, trained, judgement);
    if ("by" in found && found.otherAnswers > 0) {
      const reason = `${found.by} answers ${found.otherAnswers} of ${found.samples} samples of ${
        FILES[format]
      } otherwise`;
      return yield* cannotCreate({ reason, path: "" });
    }
    return {
      format,
      file,
      bytes: bytes.length,
      digest: digestBytes(bytes),
      verified: found,
    } satisfies ExportRecord as ExportRecord;
  });

const shown = ({ format, bytes, verified: found }: ExportRecord): string =>
  `${format} ${bytes} bytes, ${"by" in found ? `agrees on ${found.samples} samples` : `not run: ${found.absent}`}`;

/** Writes the model for others and has it verified. */
export const exportAll = (
  work: Work,
  folder: string,
  capabilities: Capabilities,
  kept: KeptModel,
  trained: TrainedModel,
  judgement: Judgement,
) =>
  stepping(
    work.steps,
    { name: "export", does: `write ${Object.values(FILES).join(", ")} and have each verified` },
    Effect.gen(function* () {
      const value: Array<ExportRecord> = [];
      for (const format of Object.keys(FILES) as ReadonlyArray<keyof typeof FILES>) {
        value.push(yield* written(work, format, folder, capabilities, kept, trained, judgement));
      }
      return { value, did: value.map(shown).join("; ") };
    }),
  );
