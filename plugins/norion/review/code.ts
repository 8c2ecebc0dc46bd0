/**
 * Code: whether code was asked for, which code an answer holds, and the module a sandbox runs to find out whether it works.
 *
 * Not a compiler: the sandbox's own reader says whether the code is code, and tests say whether it does what it should.
 * Invariant: only a claim of success needs a run; a question about code does not.
 *
 * @module
 */

const VERB =
  /\b(?:writ(?:e|ing)|implement|creat(?:e|ing)|generat(?:e|ing)|fix|refactor|build)\b|写|实现|编写|生成|修复|重构/iu;
const NOUN =
  /\b(?:functions?|class(?:es)?|modules?|programs?|scripts?|loops?|code|methods?|parsers?|algorithms?|tests?|regex(?:es)?|quer(?:y|ies)|components?)\b|函数|代码|程序|脚本|类|模块|算法|循环|测试/iu;

/** Whether a prompt asks to make code: a verb of making and a thing made of code, in one sentence. */
export const asksForCode = (prompt: string): boolean =>
  prompt.split(/[.!?\u3002\uff01\uff1f\n]/u).some((sentence) => VERB.test(sentence) && NOUN.test(sentence));

/** A piece of code in an answer. */
export interface FencedCode {
  /** Its language as the fence says it, in lower case; empty where it says none. */
  readonly language: string;
  /** The code. */
  readonly text: string;
}

const FENCED = /^[ \t]*```([^\n`]*)\n([\s\S]*?)^[ \t]*```[ \t]*$/gmu;

/** The fenced code of an answer, in order. */
export const codeOf = (answer: string): ReadonlyArray<FencedCode> =>
  [...answer.matchAll(FENCED)].map(([, language, text]) => ({
    language: language.trim().split(/\s/u)[0].toLowerCase(),
    text,
  }));

/** Languages that the sandbox runs. */
export const RUNNABLE: ReadonlySet<string> = new Set(["ts", "typescript", "js", "javascript", "mjs", ""]);

const TYPED: ReadonlySet<string> = new Set(["ts", "typescript"]);

const EXPORTED = /^[ \t]*export\s+(?:default\s+)?(?=(?:async\s+)?(?:function|class|const|let|var|enum)\b)/gmu;
const IMPORTS = /^[ \t]*import\b(?!\s*\()/mu;

/**
 * The module that runs an answer's code and then tests on it: statements that throw where something is wrong. Undefined
 * where no part can be run alone.
 */
export const trialOf = (answer: string, tests: string): string | undefined => {
  const parts = codeOf(answer).filter(({ language }) => RUNNABLE.has(language));
  const code = parts.map(({ text }) => text.replaceAll(EXPORTED, "")).join("\n");
  if (code.trim() === "" || IMPORTS.test(code)) return undefined;
  return `${code}\nexport default async () => {\n${tests}\nreturn true;\n};\n`;
};

/** The module whose types say whether an answer's code fits together. Undefined where no part has types, or can stand alone. */
export const typedOf = (answer: string): string | undefined => {
  const code = codeOf(answer).filter(({ language }) => TYPED.has(language)).map(({ text }) => text).join("\n");
  return code.trim() === "" || IMPORTS.test(code) ? undefined : `${code}\nexport {};\n`;
};
