/**
 * Seeded corpora for redaction: canary secrets in varied contexts, texts that must not change, ordinary sentences, and
 * texts built to make a careless search slow.
 *
 * Everything follows from a seed: the same seed gives the same texts, and acceptance adds seeds that no test uses.
 */
import { type Random, random } from "../../kernel/mod.ts";

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const DIGITS = "0123456789";
const HEX = "0123456789abcdef";
const ALNUM = LOWER + UPPER + DIGITS;

/** Text of a length over an alphabet. */
export const textOf = (chance: Random, alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[chance.below(alphabet.length)]).join("");

/** Letters and digits, surely both. */
const mixed = (chance: Random, length: number): string =>
  `${textOf(chance, LOWER, 1)}${textOf(chance, DIGITS, 1)}${textOf(chance, ALNUM, length - 3)}${
    textOf(chance, UPPER, 1)
  }`;

const luhnDigit = (digits: string): string => {
  let sum = 0;
  [...digits].reverse().forEach((digit, index) => {
    const doubled = Number(digit) * (index % 2 === 0 ? 2 : 1);
    sum += doubled > 9 ? doubled - 9 : doubled;
  });
  return String((10 - (sum % 10)) % 10);
};

const card = (chance: Random): string => {
  const [prefix, length] = chance.pick([["4", 16], ["51", 16], ["37", 15], ["6011", 16], ["62", 19]] as const);
  const body = prefix + textOf(chance, DIGITS, length - prefix.length - 1);
  return body + luhnDigit(body);
};

const base64Url = (text: string): string => btoa(text).replace(/\+/gu, "-").replace(/\//gu, "_").replace(/=/gu, "");

const WORDS = ["swordfish", "butterfly", "rosebud", "thunder", "marmalade", "kingfisher", "gooseberry", "dragonfly"];

/** One planted secret: the text that holds it, and what must not remain of it. */
export interface Canary {
  /** What kind of secret and context this is, for a failing test's message. */
  readonly label: string;
  /** The text around it. */
  readonly text: string;
  /** What must be gone. */
  readonly secret: string;
}

type Maker = (chance: Random) => string;

const PASSWORDS: ReadonlyArray<Maker> = [
  (r) => mixed(r, 12),
  (r) => `${r.pick(WORDS)}${textOf(r, DIGITS, 3)}`,
  (r) => `${mixed(r, 6)}!${mixed(r, 4)}`,
  (r) => `${r.pick(WORDS)}#${textOf(r, DIGITS, 2)}$`,
  (r) => textOf(r, DIGITS, 8),
  (r) => `Tr0ub4dor&${textOf(r, DIGITS, 4)}`,
];

const PASSWORD_CONTEXTS: ReadonlyArray<(secret: string) => string> = [
  (s) => `password=${s}`,
  (s) => `DB_PASSWORD=${s}\nDB_HOST=localhost`,
  (s) => `export PGPASSWORD='${s}'`,
  (s) => `password: ${s}`,
  (s) => `  root_password: "${s}"`,
  (s) => `{"user":"ada","password":"${s}","role":"admin"}`,
  (s) => JSON.stringify({ body: JSON.stringify({ user: "ada", password: s }) }),
  (s) => `The password is ${s}.`,
  (s) => `the password for the staging database is ${s}, please do not share it`,
  (s) => `My new password was set to ${s} yesterday`,
  (s) => `log in with password ${s} and press enter`,
  (s) => `use ${s} as the password`,
  (s) => `mysql --user=root --password=${s} shop`,
  (s) => `deploy --password ${s} --force`,
  (s) => `curl -u admin:${s} https://example.org/`,
  (s) => `Server=db;User Id=sa;Password=${s};Encrypt=true`,
  (s) => `https://example.org/login?user=ada&password=${s}&next=home`,
  (s) => `密码：${s}`,
  (s) => `我的密码是${s}，请不要告诉别人`,
  (s) => `登录密码为 ${s}。`,
  (s) => `密码已经改成了${s}`,
  (s) => `数据库口令是：${s}`,
  (s) => `用户名 admin 密码 ${s}`,
  (s) => `管理员密碼: ${s}`,
  (s) => `**Password:** ${s}`,
  (s) => `const password = "${s}";`,
  (s) => `passwd: '${s}'`,
  (s) => `Passwort: ${s}`,
];

const KEYS: ReadonlyArray<Maker> = [
  (r) => `sk-${textOf(r, ALNUM, 20)}T3Blb${textOf(r, ALNUM, 20)}`,
  (r) => `sk-proj-${mixed(r, 48)}`,
  (r) => `sk-ant-api03-${mixed(r, 90)}`,
  (r) => `AKIA${textOf(r, UPPER + DIGITS, 16)}`,
  (r) => `ghp_${textOf(r, ALNUM, 36)}`,
  (r) => `github_pat_${textOf(r, ALNUM, 22)}_${textOf(r, ALNUM, 59)}`,
  (r) => `glpat-${textOf(r, ALNUM, 20)}`,
  (r) => `xoxb-${textOf(r, DIGITS, 12)}-${textOf(r, DIGITS, 12)}-${textOf(r, ALNUM, 24)}`,
  (r) => `AIza${textOf(r, ALNUM, 35)}`,
  (r) => `sk_live_${textOf(r, ALNUM, 24)}`,
  (r) => `npm_${textOf(r, ALNUM, 36)}`,
  (r) => `hf_${textOf(r, ALNUM, 34)}`,
  (r) => `dop_v1_${textOf(r, HEX, 64)}`,
  (r) => `LTAI5t${mixed(r, 18)}`,
  (r) => `SG.${mixed(r, 22)}.${mixed(r, 43)}`,
];

const KEY_CONTEXTS: ReadonlyArray<(secret: string) => string> = [
  (s) => s,
  (s) => `call it with ${s} and it works`,
  (s) => `(${s})`,
  (s) => `client = Client("${s}")`,
  (s) => `接口密钥${s}已经失效`,
  (s) => `请使用 ${s} 调用接口`,
  (s) => `https://example.org/?k=${s}&x=1`,
  (s) => `error: invalid key ${s}: 401`,
];

const TOKENS: ReadonlyArray<Maker> = [
  (r) => mixed(r, 32),
  (r) => textOf(r, HEX, 40),
  (r) => `${mixed(r, 10)}-${mixed(r, 10)}_${mixed(r, 10)}`,
];

const TOKEN_CONTEXTS: ReadonlyArray<(secret: string) => string> = [
  (s) => `api_key=${s}`,
  (s) => `"apiKey": "${s}"`,
  (s) => `x-api-key: ${s}`,
  (s) => `ACCESS_TOKEN="${s}"`,
  (s) => `client_secret: ${s}`,
  (s) => `AWS_SECRET_ACCESS_KEY=${s}`,
  (s) => `Authorization: Bearer ${s}`,
  (s) => `curl -H 'Authorization: Token ${s}' https://example.org`,
  (s) => `the api key is ${s}`,
  (s) => `my access token for the registry is "${s}"`,
  (s) => `访问令牌：${s}`,
  (s) => `密钥是 ${s}，明天失效`,
  (s) => `Cookie: theme=dark; session=${s}`,
  (s) => `redirect?access_token=${s}#top`,
  (s) => `login --token ${s}`,
];

const OTHERS: ReadonlyArray<readonly [string, (chance: Random) => { readonly text: string; readonly secret: string }]> =
  [
    ["jwt", (r) => {
      const secret = `${base64Url('{"alg":"HS256","typ":"JWT"}')}.${base64Url(`{"sub":"${mixed(r, 12)}"}`)}.${
        mixed(r, 43)
      }`;
      return { text: r.pick([`got ${secret} back`, `?jwt=${secret}`, `令牌 ${secret}。`]), secret };
    }],
    ["pem", (r) => {
      const lines = Array.from({ length: 6 }, () => textOf(r, `${ALNUM}+/`, 64));
      const kind = r.pick(["RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED "]);
      const pem = `-----BEGIN ${kind}PRIVATE KEY-----\n${lines.join("\n")}\n-----END ${kind}PRIVATE KEY-----`;
      return { text: r.pick([pem, JSON.stringify({ k: pem }), `here:\n${pem}\nbye`]), secret: lines[r.below(6)] };
    }],
    ["pem cut off", (r) => {
      const lines = Array.from({ length: 3 }, () => textOf(r, `${ALNUM}+/`, 64));
      return { text: `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}`, secret: lines[2] };
    }],
    ["url", (r) => {
      const secret = r.pick(PASSWORDS)(r).replace(/[#&$]/gu, "x");
      const scheme = r.pick(["postgres", "mysql", "mongodb+srv", "redis", "amqp", "https", "ftp"]);
      return { text: `DATABASE_URL=${scheme}://ada:${secret}@db.example.org:5432/shop?ssl=1`, secret };
    }],
    ["url with @ in the password", (r) => {
      const secret = `${mixed(r, 6)}@${mixed(r, 6)}`;
      return { text: `postgres://ada:${secret}@db.example.org/shop`, secret };
    }],
    ["email", (r) => {
      const secret = `${textOf(r, LOWER, 6)}.${textOf(r, LOWER, 5)}${r.pick(["", "+news"])}@${textOf(r, LOWER, 7)}.${
        r.pick(["org", "com", "co.uk", "cn"])
      }`;
      return {
        text: r.pick([`write to ${secret}.`, `<${secret}>`, `邮箱是${secret}，谢谢`, `mailto:${secret}`]),
        secret,
      };
    }],
    ["card", (r) => {
      const digits = card(r);
      const secret = digits.length === 16
        ? r.pick([digits, digits.replace(/(\d{4})(?=\d)/gu, "$1 "), digits.replace(/(\d{4})(?=\d)/gu, "$1-")])
        : digits;
      return {
        text: r.pick([`card ${secret} exp 12/29`, `卡号：${secret}，有效期`, `${secret}`, `"pan":"${secret}"`]),
        secret,
      };
    }],
    ["basic", (r) => {
      const secret = btoa(`ada:${mixed(r, 12)}`);
      return { text: `Authorization: Basic ${secret}`, secret };
    }],
    ["code", (r) => {
      const secret = textOf(r, "123456789", 6);
      return {
        text: r.pick([`Your verification code is ${secret}.`, `验证码：${secret}`, `验证码是 ${secret}，五分钟内有效`]),
        secret,
      };
    }],
    ["aws pair", (r) => {
      const secret = `${mixed(r, 20)}/${mixed(r, 19)}`;
      return { text: `AKIA${textOf(r, UPPER + DIGITS, 16)} ${secret}`, secret };
    }],
  ];

const canaryOf = (chance: Random, index: number): Canary => {
  const group = index % 4;
  if (group === 3) {
    const [label, make] = OTHERS[Math.floor(index / 4) % OTHERS.length];
    return { label, ...make(chance) };
  }
  const [name, makers, contexts] = ([
    ["password", PASSWORDS, PASSWORD_CONTEXTS],
    ["key", KEYS, KEY_CONTEXTS],
    ["token", TOKENS, TOKEN_CONTEXTS],
  ] as const)[group];
  const context = Math.floor(index / 4) % contexts.length;
  const secret = chance.pick(makers)(chance);
  return { label: `${name} in context ${context}`, text: contexts[context](secret), secret };
};

/** Canary secrets, every kind and context in turn. */
export const canaries = (seed: string | number, count: number): ReadonlyArray<Canary> => {
  const chance = random(seed).split("canaries");
  return Array.from({ length: count }, (_, index) => canaryOf(chance, index));
};

const uuid = (r: Random): string =>
  `${textOf(r, HEX, 8)}-${textOf(r, HEX, 4)}-4${textOf(r, HEX, 3)}-${textOf(r, "89ab", 1)}${textOf(r, HEX, 3)}-${
    textOf(r, HEX, 12)
  }`;

/** Ways identities are written: digests, UUIDs, commit ids, versions, times, packages, integrity strings. */
const IDENTITIES: ReadonlyArray<Maker> = [
  (r) => `sha256:${textOf(r, HEX, 64)}`,
  (r) => `program sha256:${textOf(r, HEX, 64)} was admitted`,
  (r) => textOf(r, HEX, 32),
  (r) => textOf(r, HEX, 40),
  (r) => textOf(r, HEX, 64),
  (r) => uuid(r),
  (r) => `call ${uuid(r)} finished`,
  (r) => uuid(r).toUpperCase(),
  (r) => `commit ${textOf(r, HEX, 40)}\nAuthor: nobody`,
  (r) => `${textOf(r, HEX, 7)} Mend the scheduler`,
  (r) => `v${r.below(20)}.${r.below(40)}.${r.below(100)}-rc.${r.below(9)}`,
  (r) =>
    `2026-0${1 + r.below(9)}-1${r.below(10)}T0${r.below(10)}:3${r.below(10)}:1${r.below(10)}.${textOf(r, DIGITS, 3)}Z`,
  (r) => `"integrity": "sha512-${textOf(r, `${ALNUM}+/`, 86)}=="`,
  (r) => `data:image/png;base64,${textOf(r, `${ALNUM}+/`, 120)}`,
  (r) => `npm:@scope/package-name@${r.below(9)}.${r.below(9)}.${r.below(9)}`,
  (r) => `git@github.com:owner/repository.git#${textOf(r, HEX, 7)}`,
  (r) => `17${textOf(r, DIGITS, 11)}`,
  (r) => `0x${textOf(r, HEX, 16)}`,
  (r) => `摘要 sha256:${textOf(r, HEX, 64)}，编号 ${uuid(r)}`,
];

/** Digests, UUIDs and their like: must pass unchanged. */
export const identities = (seed: string | number, count: number): ReadonlyArray<string> => {
  const chance = random(seed).split("identities");
  return Array.from({ length: count }, (_, index) => IDENTITIES[index % IDENTITIES.length](chance));
};

const NAMES = ["password", "token", "apiKey", "secret", "credentials", "accessToken", "passphrase", "authToken", "pin"];
const TYPES = [
  "string",
  "Token",
  "Uint8Array",
  "ReadonlyArray<Token>",
  "Promise<string>",
  "Schema.String",
  "string | undefined",
];
const CALLS = [
  "readLine()",
  "await prompt()",
  "tokens[i + 1]",
  "options.value",
  "this.#current",
  "next",
  "process.env.VALUE",
  "new Token(kind)",
];

/** Lines of source code that name secrets without giving one. */
const SOURCE_LINES: ReadonlyArray<Maker> = [
  (r) => `const ${r.pick(NAMES)} = ${r.pick(CALLS)};`,
  (r) => `  readonly ${r.pick(NAMES)}: ${r.pick(TYPES)};`,
  (r) => `  ${r.pick(NAMES)}: ${r.pick(CALLS)},`,
  (r) => `if (${r.pick(NAMES)} === "${r.pick(["eof", "none", "comma", "line1"])}") return ${r.pick(NAMES)};`,
  (r) => `function check(${r.pick(NAMES)}: ${r.pick(TYPES)}, count = ${r.below(100)}): boolean {`,
  (r) => `assert.equal(${r.pick(NAMES)}.length, ${r.below(512)});`,
  (r) => `throw new Error(\`Cannot read \${${r.pick(NAMES)}}: \${cause.message}\`);`,
  (r) => `export const MAX_${r.pick(["TOKENS", "PASSWORD_LENGTH", "SECRET_BYTES"])} = ${1 + r.below(9000)};`,
  (r) => `import { ${r.pick(NAMES)} } from "./${r.pick(["auth", "lexer", "vault"])}.ts";`,
  (r) => `  max_tokens: ${1 + r.below(9000)},`,
  (r) => `def login(user, ${r.pick(["password", "token"])}=None):`,
  (r) => `    return connect(user=user, ${r.pick(["password=password", "token=self.token", "secret=secret"])})`,
  (r) => `let ${r.pick(NAMES)}: ${r.pick(TYPES)} | null = null;`,
  (r) => `${r.pick(NAMES)}: Schema.String.annotate({ description: "the ${r.pick(NAMES)} of the call" }),`,
  (r) => `case "${r.pick(NAMES)}": return parse${r.below(9)}(${r.pick(NAMES)});`,
  (r) => `for (const token of tokens.slice(${r.below(9)})) emit(token);`,
  (r) => `// the ${r.pick(NAMES)} is read once and never written back`,
  (r) => `expect(${r.pick(NAMES)}).toBe(${r.pick(["undefined", "null", "expected"])});`,
  (r) => `headers.set("authorization", \`Bearer \${${r.pick(NAMES)}}\`);`,
  (r) => `url = \`https://\${user}:\${${r.pick(NAMES)}}@\${host}:${1024 + r.below(9000)}/\`;`,
  (r) => `const x${r.below(99)} = a[${r.below(9)}] * 0x${textOf(r, HEX, 8)} + ${textOf(r, "123456789", 9)};`,
  (r) => `<input type="password" name="password" placeholder="${r.pick(["Your password", "Password"])}">`,
  (r) => `type ${r.pick(["Token", "Secret"])} = { kind: "${r.pick(["word", "sign"])}"; text: string; at: number };`,
  (r) => `password := os.Getenv("${r.pick(["DB_PASSWORD", "TOKEN"])}")`,
];

/** Generated source lines: must pass unchanged. */
export const sourceLines = (seed: string | number, count: number): ReadonlyArray<string> => {
  const chance = random(seed).split("source");
  return Array.from({ length: count }, (_, index) => SOURCE_LINES[index % SOURCE_LINES.length](chance));
};

const SUBJECTS = [
  "The model",
  "Our server",
  "The password",
  "The token",
  "A new key",
  "The report",
  "The gardener",
  "My login",
  "The API key",
  "The queue",
  "The secret",
  "The session",
  "The old bridge",
  "The passphrase",
];
const VERBS = [
  "is ready",
  "was updated",
  "is missing",
  "is not valid",
  "is too long",
  "will be replaced",
  "is kept elsewhere",
  "was rejected twice",
  "is stored safely",
  "needs attention",
  "is shown below",
  "has expired",
  "is what we expected",
  "was sent by post",
];
const TAILS = [
  "before noon.",
  "after the third attempt.",
  "because the disk was full.",
  "on 2026-03-14.",
  "in version 2.3.1.",
  "for 30 users.",
  "as agreed with the team.",
  "without any warning.",
  "since the last release.",
  "and nobody noticed.",
  "although it rained.",
  "within 250 ms.",
];
const SUBJECTS_ZH = [
  "模型",
  "服务器",
  "密码",
  "令牌",
  "密钥",
  "报告",
  "园丁",
  "登录口令",
  "队列",
  "会话",
  "旧桥",
  "验证码",
  "接口密钥",
  "用户的密码",
];
const VERBS_ZH = [
  "已经准备好了",
  "是系统自动生成的",
  "不符合要求",
  "是无效的",
  "太长了",
  "将被替换",
  "保存在别处",
  "被拒绝了两次",
  "需要检查",
  "显示在下面",
  "已过期",
  "为空",
  "是由管理员设置的",
  "为随机字符",
];
const TAILS_ZH = [
  "。",
  "，请稍后再试。",
  "，因为磁盘满了。",
  "，时间是2026年3月14日。",
  "，版本为2.3.1。",
  "，共有30个用户。",
  "，没有任何提示。",
  "，没有人注意到。",
  "，耗时250毫秒。",
];

/** Generated ordinary sentences, English and Chinese in turn. */
export const sentences = (seed: string | number, count: number): ReadonlyArray<string> => {
  const chance = random(seed).split("sentences");
  return Array.from(
    { length: count },
    (_, index) =>
      index % 2 === 0
        ? `${chance.pick(SUBJECTS)} ${chance.pick(VERBS)} ${chance.pick(TAILS)}`
        : `${chance.pick(SUBJECTS_ZH)}${chance.pick(VERBS_ZH)}${chance.pick(TAILS_ZH)}`,
  );
};

/** Texts that make a search with nested or overlapping repetition take quadratic time or worse. */
export const hostileTexts = (size: number): ReadonlyArray<readonly [string, string]> =>
  ([
    ["letters", "a"],
    ["address characters without a sign", "a.b-c+"],
    ["at signs", "@"],
    ["addresses that never end", "a@a."],
    ["digits", "4"],
    ["digit groups", "4 "],
    ["dashed digits", "4-"],
    ["name after name", "password"],
    ["name and separator", "password="],
    ["name, separator, open quote", 'password="'],
    ["escaped quotes", 'password="\\"'],
    ["told without a value", "the password for the "],
    ["Chinese names", "密码"],
    ["Chinese names and verbs", "密码是"],
    ["web token starts", "eyJ"],
    ["web token parts", "eyJabcdefgh."],
    ["key prefixes", "sk-"],
    ["long key prefixes", "ghp_abc"],
    ["scheme after scheme", "://"],
    ["credentials that never end", "://a:b"],
    ["begin after begin", "-----BEGIN PRIVATE KEY-----\n"],
    ["begin and body", "-----BEGIN PRIVATE KEY-----\nabcdefghijklmnopqrstuvwxyz0123456789\n"],
    ["bearer", "bearer "],
    ["headers", "authorization: "],
    ["cookies", "cookie: a=b"],
    ["flags", "-u a:"],
    ["mysql", "mysql -"],
    ["blanks", " "],
    ["stars", "*"],
    ["backslashes", "\\"],
    ["as the password", "as the password "],
    ["marks", "[redacted:password]"],
    ["begins of marks", "[redacted:"],
  ] as const).map(([name, unit]) => [name, unit.repeat(Math.ceil(size / unit.length)).slice(0, size)] as const);
