/**
 * Relations: words of everyday matters that say the same thing in other words: whoever moved somewhere lives there.
 *
 * Not a dictionary and not meaning: a short table by hand, in English and Chinese; what is not in it is not known.
 * Invariant: pure; a word speaks of the matters of its row in every regular form.
 *
 * @module
 */

/** One matter a row: its words, with the irregular forms. Chinese words stand for every word that has them in it. */
const MATTERS: ReadonlyArray<string> = [
  // Where somebody lives.
  "live reside dwell settle relocate move home residence address house flat apartment 住 搬 迁 定居",
  // What somebody does for a living.
  "work job employ employer employee employment occupation profession career hire earn salary quit resign retire start " +
  "office colleague boss 工作 上班 职业 辞职 改行 任职 公司",
  // What is eaten and drunk.
  "eat ate eaten dine dinner lunch breakfast meal dish food drink drank drunk taste had have 吃 喝 饭 餐",
  // What is bought and sold.
  "buy bought purchase acquire pay paid shop store market 买 购",
  "sell sold sale 卖 售",
  // Couples.
  "marry wed wedding spouse wife husband partner engage fiance fiancee divorce 婚 妻 夫 嫁 娶",
  "child children son daughter kid baby parent mother father 孩 儿子 女儿 父 母",
  // What is learnt.
  "study student learn learnt course degree school university college major switch 学 读书 专业",
  "teach taught teacher tutor lecture 教书 教师 老师",
  // How one gets about.
  "drive drove driven car vehicle ride rode ridden truck 开车 驾 车",
  "travel trip journey visit went go gone fly flew flown 去 旅 游",
  // What is said from afar.
  "call phone telephone ring rang dial 电话 打给",
  "write wrote written letter mail email 信 邮",
  "meet met met encounter 见 遇",
  // What changes hands for a while.
  "lend lent borrow loan 借",
  "give gave given gift present donate 送 给",
  // What is kept.
  "keep kept own owner belong hold held 养 拥有",
  "like love enjoy prefer favourite favorite fond 喜欢 爱",
  "hate dislike 讨厌 恨",
  // How somebody is.
  "ill sick illness disease doctor hospital 病 医",
  "born birth birthday 生日 出生",
  "die died death dead 死 去世",
  "begin began begun start 开始",
  "end finish stop quit 结束 停",
  "repair fix mend 修",
  "build built construct 建",
];

const isHan = (word: string): boolean => /^\p{Script=Han}/u.test(word);

const VOWEL = /[aeiou]/u;

/** The regular forms of an English word. */
const formsOf = (word: string): ReadonlyArray<string> => {
  const stem = word.endsWith("e") ? word.slice(0, -1) : word;
  const last = word.at(-1)!;
  const doubled = word.length <= 4 && !VOWEL.test(last) && VOWEL.test(word.at(-2) ?? "") ? word + last : stem;
  const soft = word.endsWith("y") && !VOWEL.test(word.at(-2) ?? "a")
    ? [`${word.slice(0, -1)}ies`, `${word.slice(0, -1)}ied`]
    : [];
  return [word, `${word}s`, `${word}es`, `${stem}ed`, `${doubled}ed`, `${stem}ing`, `${doubled}ing`, ...soft];
};

const BY_WORD: ReadonlyMap<string, ReadonlySet<number>> = (() => {
  const found = new Map<string, Set<number>>();
  MATTERS.forEach((row, matter) => {
    for (const word of row.split(" ").filter((one) => !isHan(one))) {
      for (const form of formsOf(word)) found.set(form, (found.get(form) ?? new Set()).add(matter));
    }
  });
  return found;
})();

const HAN_WORDS: ReadonlyArray<readonly [word: string, matter: number]> = MATTERS.flatMap((row, matter) =>
  row.split(" ").filter(isHan).map((word) => [word, matter] as const)
);

const WORDS_OF: ReadonlyArray<ReadonlyArray<string>> = MATTERS.map((_, matter) =>
  [...BY_WORD].filter(([, matters]) => matters.has(matter)).map(([word]) => word)
);

/** English words of the same matters as some term, in their regular forms; none where it has no matter. */
export const relatedWords = (term: string): ReadonlyArray<string> =>
  [...new Set([...mattersOf([term])].flatMap((matter) => WORDS_OF[matter]))].filter((word) => word !== term);

/** The matters that some terms speak of. */
export const mattersOf = (terms: Iterable<string>): ReadonlySet<number> => {
  const found = new Set<number>();
  for (const term of terms) {
    for (const matter of BY_WORD.get(term) ?? []) found.add(matter);
    if (!isHan(term)) continue;
    for (const [word, matter] of HAN_WORDS) if (term.includes(word)) found.add(matter);
  }
  return found;
};
