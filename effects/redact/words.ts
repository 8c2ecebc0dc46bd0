/**
 * Words: the names under which people and programs give secrets, and the words that may follow such a name without
 * giving one, as data.
 *
 * Not a detector (named.ts reads these tables).
 * Invariant: a new way to name a secret is one row here.
 *
 * @module
 */

/** How strictly a value after a name is judged: a password may be any word, a token may not. */
export type Family = "password" | "key" | "secret" | "token" | "code";

/** One family of names: their spelling in text as a regular expression source. */
export interface SecretName {
  /** The family. */
  readonly family: Family;
  /** Latin spellings; a name may have any prefix (`DB_PASSWORD`), never a suffix (`passwordLength`). */
  readonly latin: string;
  /** Chinese spellings, simplified and traditional. */
  readonly chinese: string;
}

/** The names, in the order in which they are tried. */
export const SECRET_NAMES: ReadonlyArray<SecretName> = [
  {
    family: "code",
    latin:
      "(?:one[-_ ]?time|verification|security|sms|2fa|mfa)[-_ ]?(?:pass)?code|\\b(?:otp|pin(?:[-_ ]?code)?|cvv2?|cvc)",
    chinese: "验证码|驗證碼|安全码|动态码|取件码",
  },
  {
    family: "password",
    latin:
      "pass[-_ ]?(?:words?|phrase|code)|passw(?:d|ort)|requirepass|masterauth|identified by(?=\\s+['\"])|\\bpass|(?:\\b|_)pwd|(?<![a-z])pw(?=[\"']?\\s?[:=])|contraseña|" +
      "pgpassword|seed[-_ ]phrase|mnemonic",
    chinese: "密码|密碼|口令|通行码|通行碼|助记词|助記詞",
  },
  {
    family: "key",
    latin:
      "(?:api|app|access|secret|private|account|shared|encryption|signing|master|auth|service|subscription|license|" +
      "storage|deploy|client|admin|server|ssh|webhook|consumer|hmac|jwt|aes|rsa)[-_ ]?key",
    chinese: "密钥|密鑰|秘钥|秘鑰|金鑰|私钥|私鑰",
  },
  {
    family: "token",
    latin: "token|\\bjwt|bearer|session[-_ ]?id|\\bsid|(?:^|[^a-z])sig(?==)",
    chinese: "令牌|权杖|權杖|凭证|憑證|授权码|授權碼",
  },
  {
    family: "secret",
    latin: "secret(?:[-_ ]?access[-_ ]?key)?|credentials?",
    chinese: "机密信息|機密資訊",
  },
];

/** Values that stand for a secret without being one: masks, templates, type names, literals. */
export const NOT_A_VALUE: ReadonlyArray<RegExp> = [
  /^[*•·x#.…_?-]+$/iu,
  /^(?:\$\{|\{\{|\{%|<|%\w*%?$|\$[A-Za-z_(]|@@)/u,
  /^(?:your|my|the|some|any|example|sample|dummy|changeme|change[-_]me|replace|insert|enter|todo)(?:[-_].*)?$/iu,
  /^(?:null|undefined|true|false|none|nil|void|never|any|unknown|empty|string|number|boolean|object|array|bytes|buffer|text|str|int|integer|float|bool|optional|required|hidden|masked|redacted|removed|secret|hashed)\??(?:\[\])?[;,]?$/iu,
  /^(?:Readonly)?(?:Big)?(?:u?int|float|[fiu])(?:8|16|32|64|128)(?:clamped)?(?:array)?(?:<.*)?[;,]?$/iu,
  /^(?:sha|md|blake|crc|aes|rsa|hs|rs|es|ed|utf|ucs|base|argon|pbkdf|bcrypt|scrypt|x|rfc|iso|oauth|http|ipv|v|h|s|ec|mp|es|i|fido|webauthn|k|u|p|tls|pkcs|p-|ecdsa|hmac)[-_/ ]?\d+(?:[._/-]\d+)*[a-z]{0,6}(?:\[\])?$/iu,
  /^\d+(?:st|nd|rd|th|fa|x|d|k|m|g|s|h|ms|mb|kb|gb|px|bit|bits|byte|bytes|chars?)$/iu,
  /^\d+-[a-z]+(?:-[a-z]+)*$/iu,
  /^v?\d+(?:\.\d+)+(?:-[\w.]+)?$/iu,
  /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?$/u,
  /^(?:sha\d+|md5|blake\w*)[:-][0-9a-f]*$/iu,
];

/** Words that follow "the password is" in ordinary sentences. Participles and adjectives by ending are in named.ts. */
export const ORDINARY: ReadonlySet<string> = new Set(
  ("a about above absent accepted after again all alone already also always an and any as at back bad bcrypt because " +
    "been before behind being below best better between big blank both but by case checked clear close common complex " +
    "correct dead different done down easy either else empty enough even ever every exactly extra fake false fine for " +
    "free fresh from full given gone good great hard hers his how hidden if ignored in incorrect inside instead into " +
    "invalid it its just kept known last lost late left less like live local long longer made mandatory masked maybe " +
    "meant mine missing more most much my needed never new next nil no none nor not nothing now null of off ok okay old " +
    "on one only optional or our ours out outside over part perhaps plain possible present private quite random rather " +
    "read ready redacted required rejected right safe same saved secret secure sent set shared short shorter shown " +
    "simple simply since so some something soon still strong stronger such taken the their theirs them then there " +
    "these they this those though through to together too top true two undefined under unique unknown unsafe unset " +
    "until up used useful useless usually valid very visible weak weaker well what whatever when where whether which " +
    "while who whose why wise with within without worth written wrong yes yet you your yours zero string text number " +
    "boolean object value field type name key token password passphrase login user username secrets words word " +
    "letters digits characters plaintext cleartext base function variable parameter argument option header cookie " +
    "compare match matches mismatch error reset change update rotate default defaults disabled enabled per public " +
    "sensitive stale static stored strict sure thing three four five six seven eight nine ten temporary typed twice " +
    "insecure intact irrelevant kaput mandatory memory moot outdated overdue pending forbidden forgotten broken known " +
    "stolen hidden chosen proven leaked salted open wanted okay gibberish nonsense history crucial vital key").split(
      " ",
    ),
);

/** Endings of participles, adverbs and adjectives. */
export const ORDINARY_ENDING = /(?:[^s]ed|[a-z]{3}ing|ly|able|ible|ful|less|ous|[st]ent|ant|[nru]al|ive|ary|tic|wn)$/u;
