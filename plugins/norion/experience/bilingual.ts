/**
 * Bilingual: the words of a text with their counterparts in the other language, so that what was learned in English is
 * found from Chinese and the other way round.
 *
 * Not a translator: the phrases of the trade are in a table, anything else stands for itself.
 * Invariant: pure; a text without a phrase of the table keeps exactly its own words.
 *
 * @module
 */
import { sameWord } from "../memory/question.ts";
import { contentTerms } from "../text.ts";

/** Phrases of the trade, Chinese and English; of several that fit, longer ones come first. */
const PHRASES: ReadonlyArray<readonly [zh: string, en: string]> = ([
  ["编译错误", "compile error"],
  ["类型错误", "type error"],
  ["单元测试", "unit test"],
  ["基准测试", "benchmark"],
  ["正则表达式", "regex"],
  ["数据库", "database"],
  ["机器学习", "machine learning"],
  ["神经网络", "neural network"],
  ["命令行", "command line"],
  ["配置文件", "config file"],
  ["环境变量", "environment variable"],
  ["内存泄漏", "memory leak"],
  ["死锁", "deadlock"],
  ["并发", "concurrency"],
  ["线程", "thread"],
  ["异步", "async"],
  ["缓存", "cache"],
  ["索引", "index"],
  ["查询", "query"],
  ["排序", "sort"],
  ["搜索", "search"],
  ["循环", "loop"],
  ["递归", "recursion"],
  ["函数", "function"],
  ["变量", "variable"],
  ["参数", "parameter"],
  ["接口", "interface"],
  ["类型", "type"],
  ["模块", "module"],
  ["代码", "code"],
  ["程序", "program"],
  ["脚本", "script"],
  ["编译", "compile"],
  ["测试", "test"],
  ["错误", "error"],
  ["异常", "exception"],
  ["修复", "fix"],
  ["重构", "refactor"],
  ["实现", "implement"],
  ["解析器", "parser"],
  ["解析", "parse"],
  ["序列化", "serialize"],
  ["日志", "log"],
  ["性能", "performance"],
  ["延迟", "latency"],
  ["吞吐", "throughput"],
  ["内存", "memory"],
  ["文件", "file"],
  ["目录", "folder"],
  ["网络", "network"],
  ["请求", "request"],
  ["响应", "response"],
  ["服务器", "server"],
  ["客户端", "client"],
  ["部署", "deploy"],
  ["安全", "security"],
  ["密码", "password"],
  ["权限", "permission"],
  ["用户", "user"],
  ["文档", "document"],
  ["摘要", "summary"],
  ["总结", "summarize"],
  ["翻译", "translate"],
  ["邮件", "email"],
  ["报告", "report"],
  ["计划", "plan"],
  ["会议", "meeting"],
  ["预算", "budget"],
  ["合同", "contract"],
  ["模型", "model"],
  ["数据", "data"],
  ["图像", "image"],
  ["文本", "text"],
  ["向量", "vector"],
  ["矩阵", "matrix"],
] as ReadonlyArray<readonly [string, string]>).toSorted(([a], [b]) => b.length - a.length);

const HAN = /\p{Script=Han}/u;

/** A text with the English of every phrase of the table that it holds; an English text stays as it is. */
export const withEnglish = (text: string): string => {
  if (!HAN.test(text)) return text;
  let left = text;
  const found: string[] = [];
  for (const [zh, en] of PHRASES) {
    if (!left.includes(zh)) continue;
    found.push(en);
    left = left.replaceAll(zh, " ");
  }
  return found.length === 0 ? text : `${text} ${found.join(" ")}`;
};

/** What a text is about, in words that both languages share: English, and what the table leaves of the Chinese. */
export const sharedTerms = (text: string): ReadonlySet<string> => {
  let left = text.normalize("NFKC").toLowerCase();
  const found: string[] = [];
  for (const [zh, en] of PHRASES) {
    if (!left.includes(zh)) continue;
    found.push(...en.split(" "));
    left = left.replaceAll(zh, " ");
  }
  return new Set([...contentTerms(left), ...found]);
};

/** Share of some words that others have, forms of one word being the same. */
export const shareOf = (wanted: ReadonlySet<string>, given: ReadonlySet<string>): number => {
  if (wanted.size === 0) return 0;
  const found = [...wanted].filter((term) => given.has(term) || [...given].some((other) => sameWord(term, other)));
  return found.length / wanted.size;
};
