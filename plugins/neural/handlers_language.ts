/**
 * Handlers of language models: texts opened, model trained, judged once on the test part, kept; a stored one writes.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import { CallContext } from "../../kernel/context.ts";
import { Budget } from "../../kernel/meter.ts";
import { costOf } from "../ir/library.ts";
import { attempting } from "./attempting.ts";
import { BATCH } from "./contract.ts";
import type { Corpus } from "./data/corpus.ts";
import { openSource } from "./data/opening.ts";
import { nameOf } from "./data/source.ts";
import { eventJson, type FitEvent, type Scores } from "./events.ts";
import { badData } from "./failures.ts";
import { artifacts, storeFailure, withEngine } from "./handlers_store.ts";
import { asText, generate } from "./language/generate.ts";
import {
  decodeLanguageModel,
  encodeLanguageModel,
  LANGUAGE_MEDIA,
  type LanguageModel,
  languageParameters,
} from "./language/model.ts";
import { NgramModel } from "./language/ngram.ts";
import { languageNetwork } from "./language/shape.ts";
import { LANGUAGE_SIZES, planLanguage, trainLanguage } from "./language/train.ts";
import { bitsPerByte, writerOf } from "./language/writer.ts";
import type { LearnText, WriteText } from "./operations_language.ts";
import { sizesOfStep, trainingStep } from "./step.ts";
import type { Engine } from "./stepper.ts";

type Learn = (typeof LearnText)["input"]["Type"];
type Write = (typeof WriteText)["input"]["Type"];

/** Context of the counts that a model is compared with. */
const PEER_ORDER = 3;

const USUAL_TOKENS = 200;

/** The texts of a corpus that are learned and those that are judged on. */
const partsOf = ({ documents, splits }: Corpus) => {
  const held = new Set(splits.test);
  const texts = documents.map(({ bytes }) => bytes);
  return { learned: texts.filter((_, i) => !held.has(i)), judged: texts.filter((_, i) => held.has(i)) };
};

const spent = (flops: number, times: number) =>
  Effect.flatMap(
    Budget,
    (account) => account.spend("fuel", Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(flops * times))),
  );

const judgedOn = (
  engine: Engine,
  model: LanguageModel,
  { learned, judged }: ReturnType<typeof partsOf>,
) =>
  Effect.scoped(Effect.gen(function* () {
    if (judged.length === 0) return undefined;
    const writer = yield* writerOf(engine, model);
    const { bytes, bitsPerByte: bits } = yield* bitsPerByte(writer, judged);
    const counted = new NgramModel(PEER_ORDER);
    for (const text of learned) counted.count(text);
    return { bytes, bitsPerByte: bits, ngram: counted.bitsPerByte(judged) };
  }));

const learnedFrom = (input: Learn, engine: Engine) =>
  Effect.gen(function* () {
    const call = yield* CallContext;
    const { corpus } = yield* openSource(input.data);
    if (corpus === undefined) {
      return yield* badData({
        what: nameOf(input.data),
        reason: "a language model learns from texts, and these are samples",
        path: "/data",
        expected: "texts, such as sample-text",
      });
    }
    const parts = partsOf(corpus);
    const texts = { name: nameOf(input.data), texts: parts.learned };
    const { shape: shapeOf, training: usual } = LANGUAGE_SIZES[input.size ?? "small"];
    const shape = shapeOf(parts.learned);
    const { epochs, batch, length, rate, seed } = input;
    const own = Object.fromEntries(
      Object.entries({ epochs, batch, length, rate, seed }).filter(([, value]) => value !== undefined),
    );
    const training = { ...usual, ...own };
    const plan = yield* attempting(() => planLanguage(shape, texts, training));
    const step = yield* attempting(() => trainingStep(plan));
    const steps = plan.epochs * plan.feed.length;
    yield* spent(Number(costOf(step.program, sizesOfStep(step, plan.feed.batch)).flops), steps);
    const model = yield* trainLanguage(engine, shape, texts, training, (event: FitEvent) =>
      Effect.andThen(
        call.emit(eventJson(event)),
        "step" in event
          ? call.progress({ label: "learning", done: event.step, total: steps, unit: "steps" })
          : Effect.void,
      ));
    const test = yield* judgedOn(engine, model, parts);
    const judged: Scores = test === undefined ? {} : { "test.bitsPerByte": test.bitsPerByte };
    const kept: LanguageModel = { ...model, metrics: { ...model.metrics, ...judged } };
    const store = yield* artifacts;
    const info = yield* store.put(encodeLanguageModel(kept), {
      kind: "model",
      media: LANGUAGE_MEDIA,
      description: `language model of ${texts.name}, ${model.lineage.steps} steps`,
      references: [],
      tags: ["language"],
      metrics: kept.metrics,
    }, input.name).pipe(Effect.mapError(storeFailure("language model", "/name")));
    return {
      digest: info.digest,
      names: info.names,
      parameters: languageParameters(shape),
      steps: model.lineage.steps,
      flops: model.lineage.flops,
      trainingBits: model.metrics.trainingBits,
      ...(test === undefined ? {} : { test }),
    };
  });

const written = (input: Write, engine: Engine) =>
  Effect.scoped(Effect.gen(function* () {
    const call = yield* CallContext;
    const store = yield* artifacts;
    const refused = Effect.mapError(storeFailure("language model", "/digest"));
    const info = yield* refused(store.find(input.digest, "/digest"));
    const bytes = yield* refused(store.read(info.digest));
    const model = yield* attempting(() => decodeLanguageModel(bytes));
    const { tokens = USUAL_TOKENS, prompt, digest: _, backend: _backend, threads: _threads, ...how } = input;
    const each = Number(costOf(languageNetwork(model.shape, 1).evaluation, { [BATCH]: 1 }).flops);
    const length = new TextEncoder().encode(prompt).length;
    yield* spent(each, length + tokens);
    const writer = yield* writerOf(engine, model);
    let count = 0;
    const counted = Stream.tap(generate(writer, prompt, { tokens, ...how }), () => Effect.sync(() => void count++));
    const pieces = yield* Stream.runCollect(
      Stream.tap(asText(counted), (text) => call.emit({ type: "piece", text })),
    );
    return { text: pieces.join(""), bytes: count };
  }));

/** The handlers. */
export const languageHandlers = {
  "neural.learnText": (input: Learn) => withEngine(input, (engine) => learnedFrom(input, engine)),
  "neural.writeText": (input: Write) => withEngine(input, (engine) => written(input, engine)),
} as const;
