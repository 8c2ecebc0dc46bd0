/**
 * Texts: what experience keeps of a prompt and of an answer: the words the one was about, one sentence of the other.
 *
 * Not a summary by a model. Invariant: both are redacted first and shorter than the policy allows; the words of a prompt
 * are no sentence of it, so that no prompt can be read off its record.
 *
 * @module
 */
import { redactText } from "../../../effects/mod.ts";
import { centralSentence } from "../memory/gist.ts";
import type { Policy } from "../policy.ts";
import { contentTerms } from "../text.ts";

const HAN_RUN = /\p{Script=Han}+/gu;
/** Characters that stand between words and belong to none. */
const HAN_BETWEEN = /[的了是在我你他她它们吗呢请和也就都与或把被给对从到这那个为什么如何怎么怎样一下]+/u;
const LEAST_HAN = 2;
const MARK = /\[redacted:[^\]]*\]/gu;

/** The words that a prompt is about, each once. */
export const topicOf = (prompt: string, policy: Policy): string => {
  const clean = redactText(prompt).replace(MARK, " ").normalize("NFKC");
  const han = [...clean.matchAll(HAN_RUN)].flatMap(([run]) => run.split(HAN_BETWEEN))
    .filter((word) => [...word].length >= LEAST_HAN);
  const words = new Set([...contentTerms(clean.replaceAll(HAN_RUN, " ")), ...han]);
  let topic = "";
  for (const word of [...words].toSorted()) {
    const longer = topic === "" ? word : `${topic} ${word}`;
    if (longer.length <= policy["experience.topic"]) topic = longer;
  }
  return topic;
};

/** The lesson of an answer: its central sentence, without its code. */
export const lessonOf = (answer: string, policy: Policy): string =>
  centralSentence(redactText(answer.replace(/```[\s\S]*?(?:```|$)/gu, " ")), policy["experience.lesson"]);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * A text of a record as it is stored. It carries whose it is: equal bytes are one blob, and forgetting a memory of the
 * same words must not take it away, nor the other way round.
 */
export const packed = (request: string, kind: "topic" | "lesson", text: string): Uint8Array =>
  encoder.encode(JSON.stringify({ experience: request, kind, text }));

/** The text of what `packed` made. */
export const unpacked = (bytes: Uint8Array): string => String(JSON.parse(decoder.decode(bytes)).text);
