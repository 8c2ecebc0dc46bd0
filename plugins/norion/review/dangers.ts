/**
 * Dangers: what in a text holds every durable write of its request.
 *
 * Not the redactor, which hides secrets, and not a guard of the model: a text with a danger is answered like any other,
 * and leaves nothing behind.
 * Invariant: pure; a danger is named, its words are not repeated.
 *
 * @module
 */
import { redactText } from "../../../effects/mod.ts";
import type { KNOBS } from "../genome.ts";

/** Name of a danger. */
export type Danger = typeof KNOBS["safety.hold"]["names"][number];

const INJECTION =
  /\b(?:ignore|disregard|forget|override)\b[^.!?\n]{0,40}\b(?:previous|prior|above|earlier|all|your|system)\b[^.!?\n]{0,40}\b(?:instructions?|rules?|prompts?|policy|policies|guidelines?)\b|\byou are now\b[^.!?\n]{0,40}\b(?:unrestricted|jailbroken|developer mode|dan)\b|(?:忽略|无视|忘记)[^。！？\n]{0,16}(?:之前|以上|所有|系统)[^。！？\n]{0,8}(?:指令|规则|提示)/iu;
const DESTRUCTIVE =
  /\brm\s+(?:-\w+\s+)*-\w*[rf]\w*|\bmkfs(?:\.\w+)?\b|\bdd\s+if=|\bdrop\s+(?:table|database|schema)\b|\btruncate\s+table\b|\bgit\s+push\s+(?:\S+\s+)*(?:--force|-f)\b|\bgit\s+reset\s+--hard\b|\bdel\s+\/[sq]\b|\bformat\s+[a-z]:|\bremove-item\b[^\n]*-recurse\b|>\s*\/dev\/sd[a-z]/iu;
const FOREIGN_SCOPE =
  /\b(?:another|other|different)\s+(?:tenant|workspace|customer|user)(?:'s|s')?\b[^.!?\n]{0,40}\b(?:memor(?:y|ies)|data|conversations?|records?|notes?)\b|(?:其他|别的|另一个)(?:租户|用户|客户)的(?:记忆|数据|对话|记录)/iu;

/** What each danger is seen by. */
const SIGNS: { readonly [D in Danger]: (text: string) => boolean } = {
  secret: (text) => redactText(text) !== text,
  injection: (text) => INJECTION.test(text),
  "cross-scope": (text) => FOREIGN_SCOPE.test(text),
  "destructive-command": (text) => DESTRUCTIVE.test(text),
};

/** The dangers in a text that are looked for, in the order of the table. */
export const dangersIn = (text: string, looked: ReadonlyArray<string>): ReadonlyArray<Danger> =>
  (Object.keys(SIGNS) as ReadonlyArray<Danger>).filter((danger) => looked.includes(danger) && SIGNS[danger](text));
