import assert from "node:assert/strict";
import { redactJson, redactText } from "../../effects/redact.ts";
import { MAX_VALUE_LENGTH } from "../../effects/redact/named.ts";
import { ISSUED_KEYS } from "../../effects/redact/keys.ts";
import { type Json, random } from "../../kernel/mod.ts";
import { canaries, hostileTexts, identities, sentences, sourceLines } from "./redact_corpus.ts";
import { CHINESE, ENGLISH } from "./redact_sentences.ts";

const SEED = 20_261;

const changed = (texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  texts.filter((text) => redactText(text) !== text);

const assertHidden = (text: string, secret: string, kind: string): void => {
  const redacted = redactText(text);
  assert(!redacted.includes(secret), `"${secret}" is left in ${redacted}`);
  assert(redacted.includes(`[redacted:${kind}]`), `${redacted} does not name ${kind}`);
};

const assertKept = (text: string): void => assert.equal(redactText(text), text);

Deno.test("of 200 canary secrets in varied contexts none survives", () => {
  const survivors = canaries(SEED, 200).filter(({ text, secret }) => redactText(text).includes(secret));
  assert.deepEqual(survivors, []);
});

Deno.test("a canary inside a longer report is hidden and the report around it stays", () => {
  for (const { text, secret, label } of canaries(SEED + 1, 200)) {
    const report = `Started at noon.\n${text}\nFinished after 12 ms.`;
    const redacted = redactText(report);
    assert(!redacted.includes(secret), `${label}: ${redacted}`);
    assert(redacted.startsWith("Started at noon.\n") && redacted.endsWith("\nFinished after 12 ms."), redacted);
  }
});

Deno.test("digests, UUIDs, commit ids, versions and times pass unchanged", () => {
  assert.deepEqual(changed(identities(SEED, 2000)), []);
});

Deno.test("generated source lines that name secrets pass unchanged", () => {
  assert.deepEqual(changed(sourceLines(SEED, 2000)), []);
});

Deno.test("this repository's own source lines pass unchanged", () => {
  const root = new URL("../../kernel/", import.meta.url);
  const lines = [...Deno.readDirSync(root)].filter((entry) => entry.name.endsWith(".ts"))
    .flatMap((entry) => Deno.readTextFileSync(new URL(entry.name, root)).split("\n"));
  assert(lines.length > 1500, `only ${lines.length} lines were read`);
  assert.deepEqual(changed(lines), []);
});

Deno.test("at most 0.5 % of ordinary sentences change, generated ones and those written by hand", () => {
  assert(ENGLISH.length >= 150 && CHINESE.length >= 150);
  for (const texts of [ENGLISH, CHINESE, sentences(SEED, 2000)]) {
    const wrong = changed(texts);
    assert(
      wrong.length <= texts.length * 0.005,
      `${wrong.length} of ${texts.length}: ${wrong.slice(0, 3).join(" | ")}`,
    );
  }
});

Deno.test("redacting twice changes nothing more", () => {
  const texts = [
    ...canaries(SEED, 200).map((canary) => canary.text),
    ...ENGLISH,
    ...CHINESE,
    ...hostileTexts(300).map(([, text]) => text),
  ];
  const chance = random(SEED).split("idempotence");
  // Fragments glued at random make contexts that nobody wrote down.
  const pieces = texts.flatMap((text) => text.split(/(?<=[=: "'@/])/u));
  for (let count = 0; count < 3000; count++) {
    texts.push(Array.from({ length: 6 }, () => chance.pick(pieces)).join(""));
  }
  for (const text of texts) {
    const once = redactText(text);
    assert.equal(redactText(once), once, `from ${JSON.stringify(text)}`);
  }
});

Deno.test("texts built to be slow finish: a megabyte each, far below what quadratic work would take", () => {
  // Quadratic work on a megabyte is 10^12 steps, an hour; the deadline only tells that from linear work.
  for (const [name, text] of hostileTexts(1_000_000)) {
    const started = performance.now();
    redactText(text);
    const seconds = (performance.now() - started) / 1000;
    assert(seconds < 60, `${name} took ${seconds} s`);
  }
});

Deno.test("the mark names the kind", () => {
  for (
    const [text, expected] of [
      ["password=hunter2", "password=[redacted:password]"],
      ["The password is swordfish.", "The password is [redacted:password]."],
      ["密码：hunter2。", "密码：[redacted:password]。"],
      ["口令是天王盖地虎。", "口令是[redacted:password]。"],
      ["write to ada@example.org, please", "write to [redacted:email], please"],
      ["card 4111 1111 1111 1111 12/27", "card [redacted:card] 12/27"],
      ["postgres://bob:s3cr3t@db.example.org/x", "postgres://[redacted:credentials]@db.example.org/x"],
      ["验证码是 482913，五分钟内有效", "验证码是 [redacted:code]，五分钟内有效"],
      ["<password>hunter2</password>", "<password>[redacted:password]</password>"],
      ["the passphrase is correct horse battery staple", "the passphrase is [redacted:password]"],
    ]
  ) assert.equal(redactText(text), expected);
});

Deno.test("a card number is told from other long numbers by check digit, issuer and grouping", () => {
  assertHidden("4111111111111111", "4111111111111111", "card");
  assertHidden("5555-5555-5555-4444", "5555-5555-5555-4444", "card");
  assertHidden("378282246310005", "378282246310005", "card");
  assertKept("4111111111111112"); // check digit
  assertKept("1111111111111117"); // no issuer begins with 1
  assertKept("1700000000000"); // a time in milliseconds
  assertKept("9007199254740992");
  assertKept("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"); // grouping
  assertKept("0.4111111111111111"); // a fraction
  assertKept("550e8400-e29b-41d4-a716-446655440000");
});

Deno.test("an address is told from versions, scaled images and remotes", () => {
  assertHidden("a.b+c@mail.example.co.uk", "a.b+c@mail.example.co.uk", "email");
  for (
    const text of ["effect@4.1.0", "npm:@noble/hashes@2.4.0/", "icon@2x.png", "git@github.com:a/b.git", "user@tty"]
  ) {
    assertKept(text);
  }
});

Deno.test("a whole secret goes, also with quotes, separators and escapes inside", () => {
  for (
    const [text, secret] of [
      ['{"password":"ab\\"cd-12"}', "cd-12"],
      ['"{\\"password\\":\\"hunter2 two\\"}"', "hunter2"],
      ["Server=x;Password=ab,c!d12;Encrypt=1", "c!d12"],
      ["password=ab&cd12&user=bob", "cd12"],
      ["postgres://u:p@ss@host/x", "ss@"],
      [`token=${"a1".repeat(1500)}`, "a1a1"],
      [`token=${"a1".repeat(MAX_VALUE_LENGTH / 2)}`, "a1"],
      [`token=${"a1".repeat(MAX_VALUE_LENGTH / 2)}a1a1`, "a1"],
      [`"token": "${"a1".repeat(MAX_VALUE_LENGTH)}"`, "a1"],
      ["password=!Passw0rd1", "Passw0rd1"],
      ["password: @dm1nPass", "dm1nPass"],
      ["密码：+Passw0rd1", "Passw0rd1"],
      ["AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "K7MDENG"],
    ]
  ) assert(!redactText(text).includes(secret), redactText(text));
  assert.match(redactText("Server=x;Password=ab,c!d12;Encrypt=1"), /;Encrypt=1$/u);
});

Deno.test("a name that begins like a keyword begins no line of code", () => {
  for (
    const [text, secret] of [
      [`privateKey = 0x${"4c0883a69102937d".repeat(4)}`, "4c0883a6"],
      ["private key = Zx81kQ77vB", "Zx81kQ77vB"],
      ["form_password = hunter2x", "hunter2x"],
      ["typed password: hunter2x", "hunter2x"],
      ["letters_token: a1b2c3d4e5f6", "a1b2c3d4e5f6"],
      [`const private_key = 0x${"4c0883a69102937d".repeat(4)};`, "4c0883a6"],
    ]
  ) assert(!redactText(text).includes(secret), redactText(text));
  for (
    const text of ["private key = derived;", "let token = next2", "this.password = value2", "const tokenKey = 0x1234"]
  ) {
    assertKept(text);
  }
});

Deno.test("two private keys, one cut off, lose their bodies and nothing between them", () => {
  const body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
  const text =
    `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\nbetween\n-----BEGIN EC PRIVATE KEY-----\n${body}`;
  assert.equal(redactText(text), "[redacted:private-key]\nbetween\n[redacted:private-key]");
  assertKept('const BEGIN = "-----BEGIN PRIVATE KEY-----";');
  assertKept("-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----");
});

Deno.test("the shortest key of every issuer is hidden, alone and inside a sentence", () => {
  // Each row is spelled out at its shortest: alternatives become the first one, counted classes that many characters.
  const digits = "1a2B3c4D5e6F7g8H9i0J".repeat(8);
  for (const { issuer, prefix, body } of ISSUED_KEYS) {
    const start = prefix.replace(/\(\?<=[^)]*\)/gu, "").replace(/\(\?:([^|)]*)[^)]*\)/gu, "$1")
      .replace(/\\d\{[^}]*\}/gu, "123456789").replace(
        /\[([A-Za-z])[^\]]*\](?:\{(\d+)[^}]*\})?/gu,
        (_, first, count) => count === undefined ? first : `${first}1`.repeat(Number(count)).slice(0, Number(count)),
      )
      .replaceAll("\\", "");
    const least = Number(/\{(\d+)/u.exec(body)?.[1]);
    const lead = /^[A-Za-z]+(?=\[)/u.exec(body)?.[0] ?? "";
    const made = /\[0-9a-f/u.test(body)
      ? "0a1b2c3d4e5f".repeat(8)
      : /\[A-Z0-9\]/u.test(body)
      ? digits.toUpperCase()
      : digits;
    const given = /Airtable/u.test(issuer)
      ? `${digits.slice(0, 14)}.${"0a1b2c3d4e5f".repeat(5)}`
      : made.slice(0, least);
    const before = issuer === "Terraform" ? "abcdefgh123456" : issuer === "Telegram" ? "123456789" : "";
    for (const text of [`${before}${start}${lead}${given}`, `use ${before}${start}${lead}${given} today`]) {
      assert(!redactText(text).includes(`${lead}${given}`), `${issuer}: ${text}`);
    }
  }
});

Deno.test("a mark followed by a secret does not shelter it", () => {
  assert(!redactText("password=[redacted:password]hunter2").includes("hunter2"));
});

Deno.test("a member named as a secret loses its whole value, whatever it looks like", () => {
  assert.deepEqual(
    redactJson({ api_key: "plain words here", Password: "open sesame", pin: 4821, clientSecret: ["a", "b"] }),
    {
      api_key: "[redacted:key]",
      Password: "[redacted:password]",
      pin: "[redacted:code]",
      clientSecret: ["[redacted:secret]", "[redacted:secret]"],
    },
  );
});

Deno.test("a name given as a value beside it counts: headers, arguments, pairs, pointers", () => {
  assert.deepEqual(redactJson({ name: "X-Api-Key", value: "plain" }), { name: "X-Api-Key", value: "[redacted:key]" });
  assert.deepEqual(redactJson(["login", "--password", "plain"]), ["login", "--password", "[redacted:password]"]);
  assert.deepEqual(redactJson([["password", "plain"]]), [["password", "[redacted:password]"]]);
  assert.deepEqual(redactJson({ op: "replace", path: "/login/api_key", value: "plain" }), {
    op: "replace",
    path: "/login/api_key",
    value: "[redacted:key]",
  });
  assert.deepEqual(redactJson({ path: "/password", actual: "plain", message: "no" }), {
    path: "/password",
    actual: "[redacted:password]",
    message: "no",
  });
});

Deno.test("schemas, counts, digests and a lexer's tokens under such names stay", () => {
  const kept: Json = {
    properties: { password: { type: "string", description: "the password" }, token: { type: "string" } },
    max_tokens: 4096,
    token: "relu",
    tokens: 12,
    secretDigest: `sha256:${"ab".repeat(32)}`,
    token_count: 3,
    nested: [null, true, 1.5, "sha256:", {}],
  };
  assert.deepEqual(redactJson(kept), kept);
});

Deno.test("keys that hold a secret are hidden without losing members", () => {
  assert.deepEqual(redactJson({ "a@b.org": 1, "c@b.org": 2 }), { "[redacted:email]": 1, "[redacted:email]#2": 2 });
});

Deno.test("JSON is redacted at any depth, and twice is once", () => {
  for (const { text, secret } of canaries(SEED, 200)) {
    const value: Json = { log: [{ message: text }, text], note: { deeper: { text } } };
    const once = redactJson(value);
    assert(!JSON.stringify(once).includes(JSON.stringify(secret).slice(1, -1)));
    assert.deepEqual(redactJson(once), once);
  }
});
