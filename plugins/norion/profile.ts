/**
 * Profile: what kind of work a request is. The profile is chosen by the user, the mode is read off the text.
 *
 * Invariant: an unknown profile is refused with its nearest name; every mode of the table can be reached by some text.
 *
 * @module
 */
import { nearest } from "../../kernel/mod.ts";
import { unknownProfile } from "./failures.ts";
import { type Script, scriptOf } from "./text.ts";

/** Coarse kind of work. */
export type Profile = "general" | "coding" | "writing" | "long-context" | "local-tool";

/** Words that name a profile. */
const PROFILE_NAMES: { readonly [P in Profile]: ReadonlyArray<string> } = {
  general: ["general", "chat", "default", "通用", "聊天"],
  coding: ["coding", "code", "programming", "编程", "代码"],
  writing: ["writing", "write", "essay", "写作", "文案"],
  "long-context": ["long-context", "long-document", "long", "document", "长文", "长文档"],
  "local-tool": ["local-tool", "tool", "shell", "工具", "命令"],
};

/** All profiles. */
export const PROFILES: ReadonlyArray<Profile> = Object.keys(PROFILE_NAMES) as ReadonlyArray<Profile>;

const BY_NAME: ReadonlyMap<string, Profile> = new Map(
  PROFILES.flatMap((profile) => PROFILE_NAMES[profile].map((name) => [name, profile] as const)),
);

/** The profile of a name in English or Chinese; throws `NORION_PROFILE`. */
export const profileOf = (name: string): Profile => {
  const found = BY_NAME.get(name.trim().toLowerCase());
  if (found === undefined) throw unknownProfile({ profile: name, suggestions: nearest(name, [...BY_NAME.keys()], 3) });
  return found;
};

/** Finer kind of work. */
export type Mode =
  | "low-budget"
  | "compiler-fix"
  | "benchmark-analysis"
  | "code-review"
  | "coding"
  | "research"
  | "chinese-chat"
  | "english-chat";

/** Answers up to this many tokens are asked to be short, whatever the words say. */
export const LOW_BUDGET_TOKENS = 96;

const MODE_WORDS: ReadonlyArray<readonly [Mode, RegExp]> = [
  ["low-budget", /\b(?:briefly|in one (?:line|sentence|word)|tl;?dr|in short)\b|简短|一句话|简要/iu],
  [
    "compiler-fix",
    /\berror\s?\[?[a-z]*\d+|\b(?:compil\w* (?:error|fail\w*)|type error|does not compile)\b|编译错误|编译失败|报错/iu,
  ],
  ["benchmark-analysis", /\b(?:benchmark\w*|throughput|latency|p9\d)\b|基准测试|性能测试|吞吐/iu],
  ["code-review", /\b(?:review|audit)\b.*\b(?:code|diff|patch|pull request|function)\b|代码审查|评审代码/iu],
  [
    "coding",
    /```|\b(?:function|class|refactor|implement|unit test|typescript|javascript|python|rust)\b|代码|函数|实现|重构/iu,
  ],
  ["research", /\b(?:research|compare|survey|cite|sources?|evidence)\b|研究|对比|调研|文献/iu],
];

/** What is known of a request before anything is planned. */
export interface Reading {
  /** Finer kind of work. */
  readonly mode: Mode;
  /** Script of the prompt. */
  readonly script: Script;
}

/** Reads mode and script off a prompt; earlier rows of the table win. */
export const readPrompt = (prompt: string, profile: Profile, maxTokens: number | undefined): Reading => {
  const script = scriptOf(prompt);
  if (maxTokens !== undefined && maxTokens <= LOW_BUDGET_TOKENS) return { mode: "low-budget", script };
  const found = MODE_WORDS.find(([, words]) => words.test(prompt));
  if (found !== undefined) return { mode: found[0], script };
  if (profile === "coding") return { mode: "coding", script };
  return { mode: script === "zh" || script === "mixed" ? "chinese-chat" : "english-chat", script };
};
