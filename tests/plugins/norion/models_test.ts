import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import assert from "node:assert/strict";
import { random } from "../../../kernel/mod.ts";
import type {
  ModelAnswer,
  ModelBackend,
  ModelDescription,
  ModelEvent,
  ModelRequest,
  ModelTrouble,
} from "../../../plugins/norion/contract.ts";
import { answerWith, nobodyAnswered } from "../../../plugins/norion/models/answering.ts";
import { byteModel, tokensWithin } from "../../../plugins/norion/models/decoding.ts";
import { finished, inOnePiece, trouble } from "../../../plugins/norion/models/finished.ts";
import { heuristicModel, shownNumber } from "../../../plugins/norion/models/heuristic.ts";
import { readRecording, recordedModel, recordingOf, writeRecording } from "../../../plugins/norion/models/recording.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
import { estimateTokens } from "../../../plugins/norion/text.ts";
import { rational } from "../../../plugins/norion/review/rational.ts";

const ask = (prompt: string, more: Partial<ModelRequest> = {}): ModelRequest => ({
  prompt,
  maxTokens: 200,
  seed: 1,
  temperature: 0,
  ...more,
});

const either = <A, E>(body: Effect.Effect<A, E>): Effect.Effect<A | E> =>
  Effect.catch(body, (failed) => Effect.succeed(failed));

const answer = (model: ModelBackend, request: ModelRequest): Promise<ModelAnswer | ModelTrouble> =>
  Effect.runPromise(either(model.generate(request)));

const textOf = async (model: ModelBackend, prompt: string, more: Partial<ModelRequest> = {}): Promise<string> =>
  (await answer(model, ask(prompt, more)) as ModelAnswer).text;

const streamed = async (model: ModelBackend, request: ModelRequest) => {
  const events: ModelEvent[] = [];
  const end = await Effect.runPromise(either(
    Stream.runForEach(model.stream(request), (event) => Effect.sync(() => void events.push(event))),
  ));
  return { pieces: events.flatMap((event) => event.type === "piece" ? [event.text] : []), last: events.at(-1), end };
};

Deno.test("the embedded backend works out arithmetic exactly, and only arithmetic", async () => {
  assert.equal(await textOf(heuristicModel, "What is 12 * (3 + 4)?"), "12 * (3 + 4) = 84");
  assert.equal(await textOf(heuristicModel, "Please compute 1 / 8."), "1 / 8 = 0.125");
  assert.equal(await textOf(heuristicModel, "10 / 3 and 2^64"), "10 / 3 = 10/3 2^64 = 18446744073709551616");
  assert.doesNotMatch(await textOf(heuristicModel, "What happened on 2024-05-06?"), /=/u);
  assert.equal(shownNumber(rational(-7n, 4n)!), "-1.75");
  assert.equal(shownNumber(rational(-1n, 20n)!), "-0.05");
});

Deno.test("the embedded backend quotes what speaks of the question, in both languages, and else says it found nothing", async () => {
  const known = "Known:\n[1] The deploy window is Friday.\n[2] Ada owns the billing service.\n[3] 值班的人是小王。\n\n";
  assert.equal(await textOf(heuristicModel, `${known}Who owns the billing service?`), "Ada owns the billing service.");
  assert.equal(await textOf(heuristicModel, `${known}值班的人是谁？`), "值班的人是小王。");
  assert.match(await textOf(heuristicModel, `${known}How tall is Everest?`), /^Nothing given here answers this/u);
  assert.match(await textOf(heuristicModel, "珠穆朗玛峰有多高？"), /没有回答/u);
});

Deno.test("every answer of the embedded backend says what it is, and is the same every time", async () => {
  const made = await answer(heuristicModel, ask("What is 2 + 2?"));
  assert.deepEqual(made, {
    text: "2 + 2 = 4",
    model: "heuristic",
    kind: "heuristic",
    finish: "stop",
    usage: { input: 5, output: 5, counted: false },
  });
  assert.deepEqual(await answer(heuristicModel, ask("What is 2 + 2?", { seed: 9 })), made);
  assert.match(heuristicModel.describe().notes[0], /no language model/u);
});

Deno.test("the embedded backend keeps to the tokens and stops it is given, and to its window", async () => {
  const request = ask("Known:\nThe red fox jumps over the lazy dog.\n\nWhat does the fox do?", { maxTokens: 4 });
  const made = await answer(heuristicModel, request) as ModelAnswer;
  assert.equal(made.finish, "length");
  assert.equal(made.text, "The red fox jump");
  const stopped = await answer(heuristicModel, { ...request, maxTokens: 99, stop: [" over"] }) as ModelAnswer;
  assert.deepEqual([stopped.text, stopped.finish], ["The red fox jumps", "stop"]);
  assert.equal((await answer(heuristicModel, ask("abc ".repeat(32_769))) as ModelTrouble).fault, "too-long");
  assert.notEqual((await answer(heuristicModel, ask("abc ".repeat(32_768))) as ModelTrouble).fault, "too-long");
});

const DESCRIPTION: ModelDescription = {
  ...heuristicModel.describe(),
  id: "http:scripted",
  kind: "http",
  quality: 0.9,
  window: 64,
};

/** A model that follows a script: what it says or why it fails, one entry a call. */
const scripted = (script: ReadonlyArray<string | ModelTrouble>): ModelBackend => {
  let at = 0;
  return inOnePiece({
    describe: () => DESCRIPTION,
    generate: (request) =>
      Effect.suspend(() => {
        const entry = script[Math.min(at++, script.length - 1)];
        return typeof entry === "string" ? finished(DESCRIPTION, request, { text: entry }) : Effect.fail(entry);
      }),
  });
};

Deno.test("a recording plays back what was said, failures and repeated requests included", async () => {
  const { backend, recording } = recordingOf(scripted(["first", trouble("overloaded", "busy", 5), "second"]));
  const [a, b] = [ask("one"), ask("two")];
  const live = [
    await answer(backend, a),
    await answer(backend, b),
    (await streamed(backend, b)).last,
  ];
  const replay = recordedModel(readRecording(writeRecording(recording())));
  assert.deepEqual([await answer(replay, a), await answer(replay, b), (await streamed(replay, b)).last], live);
  assert.equal(replay.describe().id, DESCRIPTION.id);
  assert.equal(replay.describe().kind, "recording");
});

Deno.test("a request that was not recorded fails loudly with the nearest recording, and no other model is asked", async () => {
  const { backend, recording } = recordingOf(scripted(["yes"]));
  await answer(backend, ask("Where is the harbour of Bergen?"));
  await answer(backend, ask("Who painted the harbour of Bergen in blue?"));
  const replay = recordedModel(recording());
  const near = ask("Who painted the harbour of Bergen in green?", { seed: 2 });
  const missed = await answer(replay, near) as ModelTrouble;
  assert.equal(missed.fault, "refused");
  assert.match(missed.reason, /nearest is call 1 .*prompt is another from character 37 on, its seed is another/u);
  assert.ok(!missed.reason.includes("green") && !missed.reason.includes("blue"));
  await answer(replay, ask("Where is the harbour of Bergen?"));
  const again = await answer(replay, ask("Where is the harbour of Bergen?")) as ModelTrouble;
  assert.match(again.reason, /recorded 1 times, and is asked once more/u);
  const asked = await Effect.runPromise(answerWith([replay, heuristicModel], near, {
    demand: { tokens: 9, privacy: "machine", gain: 1 },
    breakers: new Map(),
    step: 0,
    policy: { ...DEFAULT_POLICY, "model.costWeight": 0, "model.delayWeight": 0 },
  }));
  assert.equal(asked.answer, undefined);
  assert.equal(nobodyAnswered(asked).code, "NORION_MODEL");
});

Deno.test("no secret of a prompt or an answer is kept in a recording, and the recording still plays", async () => {
  const secret = "sk-abcdefghijklmnopqrstuvwx";
  const { backend, recording } = recordingOf(scripted([`The key is api_key=${secret}`]));
  const request = ask(`Repeat api_key=${secret}`);
  await answer(backend, request);
  await streamed(backend, request);
  const text = writeRecording(recording());
  assert.ok(!text.includes(secret));
  const replay = recordedModel(readRecording(text));
  assert.match((await answer(replay, request) as ModelAnswer).text, /^The key is api_key=\[redacted/u);
});

Deno.test("a recording that was changed by hand, or is none, is refused with its place", async () => {
  const { backend, recording } = recordingOf(scripted(["yes"]));
  await answer(backend, ask("one"));
  const text = writeRecording(recording());
  const refused = (changed: string) => {
    try {
      readRecording(changed);
      return "read";
    } catch (cause) {
      return `${(cause as { code: string }).code} ${(cause as { path: string }).path}`;
    }
  };
  assert.equal(refused(text), "read");
  assert.equal(refused(text.replace('"prompt":"one"', '"prompt":"two"')), "NORION_MODELS /calls/0");
  assert.equal(refused(text.replace('"format":1', '"format":2')), "NORION_MODELS /format");
  assert.equal(refused("{"), "NORION_MODELS ");
  const both = JSON.parse(text);
  both.calls[0].trouble = { fault: "timeout", reason: "late" };
  assert.equal(refused(JSON.stringify(both)), "NORION_MODELS /calls/0");
});

/** Scores that make one byte follow another, by a table of texts. */
const following = (next: (so: ReadonlyArray<number>) => Float32Array, end?: number): ModelBackend =>
  byteModel({
    description: { ...DESCRIPTION, id: "onnx:table", kind: "onnx" },
    bytes: 64,
    ...(end === undefined ? {} : { end }),
    open: Effect.sync(() => {
      const read: number[] = [];
      return {
        next: (tokens: ReadonlyArray<number>) => {
          read.push(...tokens);
          return Effect.succeed(next(read));
        },
      };
    }),
  });

/** A model that goes on with one text, whatever it reads, and then marks the end. */
const saying = (text: string, promptBytes: number): ModelBackend => {
  const bytes = new TextEncoder().encode(text);
  return following((read) => {
    const scores = new Float32Array(257);
    scores[bytes[read.length - promptBytes] ?? 256] = 5;
    return scores;
  }, 256);
};

Deno.test("bytes become text only by whole characters, and an end mark ends the answer", async () => {
  const { pieces, last } = await streamed(saying("für 雨 🙂!", 2), ask("ab"));
  assert.deepEqual(pieces, [..."für 雨 🙂!"]);
  assert.deepEqual(last, {
    type: "answer",
    answer: {
      text: "für 雨 🙂!",
      model: "onnx:table",
      kind: "onnx",
      finish: "stop",
      usage: { input: 2, output: 15, counted: true },
    },
  });
});

Deno.test("an answer ends before a stop, and no piece holds a part of it", async () => {
  for (const [text, stop, said] of [["one\n\ntwo", "\n\n", "one"], ["aab", "ab", "a"], ["a\nb", "\n\n", "a\nb"]]) {
    const { pieces, last } = await streamed(saying(text, 1), ask("x", { stop: [stop, ""] }));
    assert.equal(pieces.join(""), said);
    assert.ok(last?.type === "answer" && last.answer.text === said && last.answer.finish === "stop");
  }
});

Deno.test("an answer ends at its limit of tokens and at the window, and a request as long as the window is refused", async () => {
  const endless = following((read) => {
    const scores = new Float32Array(256);
    scores[97 + read.length % 26] = 1;
    return scores;
  });
  const short = await answer(endless, ask("ab", { maxTokens: 3 })) as ModelAnswer;
  assert.deepEqual([short.text, short.finish], ["cde", "length"]);
  const long = await answer(endless, ask("ab", { maxTokens: 1000 })) as ModelAnswer;
  assert.deepEqual([long.usage.input + long.usage.output, long.finish], [65, "length"]);
  assert.equal((await answer(endless, ask("x".repeat(64))) as ModelTrouble).fault, "too-long");
  assert.equal((await answer(endless, ask("x".repeat(63))) as ModelAnswer).finish, "length");
});

Deno.test("a text of no more estimated tokens than surely fit does fit, in whatever script", () => {
  const draw = random("fit");
  let refused = 0;
  for (let n = 0; n < 500; n++) {
    const text = Array.from({ length: 1 + draw.below(60) }, () => draw.pick(["a", " ", "é", "雨", "🙂", "\n"])).join(
      "",
    );
    const bytes = new TextEncoder().encode(text).length;
    const held = 8 + draw.below(200);
    if (estimateTokens(text) <= tokensWithin(held)) assert.ok(bytes <= held, `${text} in ${held}`);
    else refused++;
  }
  assert.ok(refused > 50 && refused < 450, `${refused}`);
});

Deno.test("tokens are drawn by the softmax of their scores over the temperature, by seed, and no mark of the model's is drawn", async () => {
  const scores = new Float32Array(260).fill(-Infinity);
  [scores[97], scores[98], scores[99]] = [Math.log(1), Math.log(2), Math.log(5)];
  scores[258] = 50;
  const model = following(() => scores);
  const counts = new Map<string, number>();
  const draw = random(4);
  for (let n = 0; n < 200; n++) {
    const made = await answer(model, ask("x", { temperature: 1, seed: draw.uint32(), maxTokens: 50 })) as ModelAnswer;
    for (const letter of made.text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  const all = [...counts.values()].reduce((a, b) => a + b, 0);
  for (const [letter, share] of [["a", 1 / 8], ["b", 2 / 8], ["c", 5 / 8]] as const) {
    // Four standard deviations of a binomial.
    const spread = 4 * Math.sqrt(share * (1 - share) / all);
    assert.ok(Math.abs(counts.get(letter)! / all - share) < spread, letter);
  }
  const once = await answer(model, ask("x", { temperature: 1, seed: 7 }));
  assert.deepEqual(await answer(model, ask("x", { temperature: 1, seed: 7 })), once);
});
