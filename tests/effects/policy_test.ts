/** Policy: ordered rules, the built-in ones, what guards the policy itself, and files that cannot be understood. */
import * as Result from "effect/Result";
import assert from "node:assert/strict";
import { compilePolicy, type Query } from "../../effects/policy.ts";
import {
  DEFAULT_RULES,
  EMPTY_POLICY,
  MAX_POLICY_BYTES,
  MAX_RULES,
  type PolicyFile,
  readPolicy,
  type Rule,
} from "../../effects/policy_file.ts";
import { folderPattern, glob, hostPattern, pathKey } from "../../effects/patterns.ts";
import { SEALED } from "../../effects/ledger.ts";
import { randomFor } from "./seeded.ts";

const folders = { workspace: "/home/ada/work", state: "/home/ada/work/.rmi", output: "/home/ada/work/out" };

const policyOf = (...rules: ReadonlyArray<Rule>) => compilePolicy({ ...EMPTY_POLICY, rules }, folders);

const ask = (
  policy: ReturnType<typeof policyOf>,
  authority: Query["authority"],
  detail?: string,
  more: Partial<Query> = {},
) =>
  policy.decide({
    actor: "agent:a",
    operation: "demo.op",
    authority,
    ...(detail === undefined ? {} : { detail }),
    ...more,
  });

Deno.test("the built-in rules allow pure, reading in the workspace and writing in state and output; the rest asks", () => {
  const policy = policyOf();
  const table: ReadonlyArray<readonly [Query["authority"], string | undefined, string, string]> = [
    ["pure", undefined, "allow", "default.pure"],
    ["readLocal", "/home/ada/work/a/b.txt", "allow", "default.read"],
    ["readLocal", "/home/ada/work", "allow", "default.read"],
    ["readLocal", "/etc/passwd", "ask", "default.ask"],
    ["readLocal", "/home/ada/workshop/x", "ask", "default.ask"],
    ["writeLocal", "/home/ada/work/.rmi/x", "allow", "default.write"],
    ["writeLocal", "/home/ada/work/out/x", "allow", "default.write"],
    ["writeLocal", "/home/ada/work/src/x", "ask", "default.ask"],
    ["network", "example.org", "ask", "default.ask"],
    ["network", undefined, "ask", "default.ask"],
    ["exec", undefined, "ask", "default.ask"],
    ["ffi", undefined, "ask", "default.ask"],
    ["llm", undefined, "ask", "default.ask"],
    ["selfModify", undefined, "ask", "default.ask"],
    ["random", undefined, "allow", "default.compute"],
  ];
  for (const [authority, detail, decision, rule] of table) {
    const verdict = ask(policy, authority, detail);
    assert.deepEqual([verdict.decision, verdict.rule], [decision, rule], `${authority} ${detail}`);
  }
});

Deno.test("the first rule that matches decides and is named", () => {
  const policy = policyOf(
    { name: "no-evil", authorities: ["network"], hosts: ["*.evil.example"], decision: "deny" },
    { name: "web", actor: "agent:*", authorities: ["network"], decision: "allow" },
    { name: "late", authorities: ["network"], decision: "deny" },
  );
  assert.equal(ask(policy, "network", "www.evil.example").rule, "no-evil");
  assert.equal(ask(policy, "network", "evil.example").rule, "web");
  assert.equal(ask(policy, "network", "good.example").rule, "web");
  assert.equal(ask(policy, "network", "good.example", { actor: "mcp:x" }).rule, "late");
});

Deno.test("before the detail is known only an allowing rule about details answers; its use is checked again", () => {
  const policy = policyOf({ name: "a-only", hosts: ["a.example"], decision: "allow" });
  assert.equal(ask(policy, "network").decision, "allow");
  assert.equal(ask(policy, "network", "a.example").decision, "allow");
  assert.equal(ask(policy, "network", "b.example").decision, "ask");
  const denying = policyOf({ name: "not-b", hosts: ["b.example"], decision: "deny" });
  assert.equal(ask(denying, "network").decision, "ask");
  assert.equal(ask(denying, "network", "b.example").decision, "deny");
});

Deno.test("a rule without authorities is about pure calls too", () => {
  const policy = policyOf({ name: "hide", operation: "secret.*", decision: "deny" });
  assert.equal(ask(policy, "pure", undefined, { operation: "secret.thing" }).decision, "deny");
  assert.equal(ask(policy, "pure", undefined, { operation: "secretive.thing" }).decision, "allow");
});

Deno.test("no rule of the file can allow writing the policy, the ledger, or touching keys", () => {
  const policy = policyOf({ name: "everything", decision: "allow" });
  const write = (path: string) => ask(policy, "writeLocal", path).rule;
  assert.equal(write("/home/ada/work/rmi.policy.json"), "guard.policy");
  assert.equal(write("/home/ada/work/RMI.Policy.JSON"), "guard.policy");
  assert.equal(write("/home/ada/work/rmi.policy.json."), "guard.policy");
  assert.equal(write("/home/ada/work"), "guard.policy");
  assert.equal(write("/home"), "guard.policy");
  assert.equal(write("/"), "guard.policy");
  assert.equal(write("/home/ada/work/.rmi"), "guard.ledger");
  for (const file of ["ledger.sqlite", "ledger.sqlite-wal", "ledger.head", "ledger.lock", "blobs", "blobs/ab/cd"]) {
    assert.equal(write(`/home/ada/work/.rmi/${file}`), "guard.ledger", file);
  }
  for (const file of SEALED) assert.equal(write(`/home/ada/work/.rmi/${file}`).startsWith("guard."), true, file);
  assert.equal(write("/home/ada/work/.rmi/signing.key"), "guard.keys");
  assert.equal(ask(policy, "readLocal", "/home/ada/work/.rmi/signing.key").rule, "guard.keys");
  assert.equal(ask(policy, "readLocal", "/home/ada/work/.rmi/blobs/ab/cd").rule, "guard.blobs");
  assert.equal(ask(policy, "readLocal", "/home/ada/work/.rmi/artifacts/x").rule, "everything");
  assert.equal(write("/home/ada/work/.rmi/artifacts/x"), "everything");
  assert.equal(write("/home/ada/work/notes/rmi.policy.json"), "everything");
  assert.equal(write("relative/path"), "guard.path");
  assert.equal(write("/home/ada/work/out/../rmi.policy.json"), "guard.path");
  assert.equal(ask(policy, "readLocal", "/home/ada/work/a/../b").rule, "guard.path");
});

Deno.test("folders contain by whole segments, on POSIX and on Windows", () => {
  const posix = folderPattern("/a/b");
  assert.deepEqual(
    ["/a/b", "/a/b/", "/a/b/c", "/a/bc", "/a", "/a/b/../c", "/a/b/./c", "/a/b//c", "b/c", "", "/a/b\\c", "/a/b/c\0d"]
      .map(posix),
    [true, true, true, false, false, false, false, false, false, false, false, false],
  );
  const windows = folderPattern("C:\\Work\\rmi");
  assert.deepEqual(
    [
      "C:\\Work\\rmi\\x",
      "c:/work/RMI/x",
      "C:\\Work\\rmi2",
      "C:\\Work\\rmi\\..\\x",
      "D:\\Work\\rmi\\x",
      "\\\\?\\C:\\Work\\rmi\\x",
      "C:\\Work\\rmi\\x:stream",
      "/Work/rmi/x",
    ].map(windows),
    [true, true, false, false, false, true, false, false],
  );
  assert.equal(folderPattern("/")("/anything"), true);
  assert.equal(pathKey("C:\\"), "c:\\");
});

Deno.test("host patterns: subdomains, ports, and what is no host matches no allowing rule", () => {
  const exact = hostPattern("example.org", false);
  const below = hostPattern("*.example.org", false);
  const ported = hostPattern("example.org:443", false);
  assert.deepEqual(["example.org", "EXAMPLE.org.", "example.org:80", "a.example.org", "notexample.org"].map(exact), [
    true,
    true,
    true,
    false,
    false,
  ]);
  assert.deepEqual(["a.example.org", "a.b.example.org:1", "example.org", "xexample.org"].map(below), [
    true,
    true,
    false,
    false,
  ]);
  assert.deepEqual(["example.org:443", "example.org:80", "example.org"].map(ported), [true, false, false]);
  for (const strange of ["example.org@evil.example", "evil.example#example.org", "exa mple.org", "*.example.org", ""]) {
    assert.equal(exact(strange), false, strange);
    assert.equal(below(strange), false, strange);
    assert.equal(hostPattern("example.org", true)(strange), true, strange);
  }
  assert.equal(hostPattern("127.0.0.1", false)("127.0.0.1:8080"), true);
  assert.equal(hostPattern("[::1]", false)("[::1]:8080"), true);
});

Deno.test("patterns agree with the regular expression they stand for, on 20,000 seeded pairs", () => {
  const { below } = randomFor("glob");
  const text = (alphabet: string, length: number) =>
    Array.from({ length: below(length) }, () => alphabet[below(alphabet.length)]).join("");
  let matched = 0;
  for (let round = 0; round < 20_000; round++) {
    const pattern = text("ab.*", 8);
    const subject = text("ab.", 8);
    const regex = new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`, "u");
    assert.equal(glob(pattern)(subject), regex.test(subject), `${pattern} on ${subject}`);
    if (regex.test(subject)) matched++;
  }
  assert.ok(matched > 500 && matched < 19_500, `${matched} matches: the sample judges both answers`);
});

const base = { format: 1, rules: [] };

const failureOf = (json: unknown) => {
  const result = readPolicy(typeof json === "string" ? json : JSON.stringify(json));
  assert.ok(Result.isFailure(result), JSON.stringify(json));
  return result.failure;
};

Deno.test("a malformed policy is a failure with the path in the file and a fix, never a permission", () => {
  const rule = { name: "r", decision: "allow" };
  const cases: ReadonlyArray<readonly [unknown, string]> = [
    ["{", ""],
    ["[]", ""],
    [{}, "/format"],
    [{ rules: [] }, "/format"],
    [{ ...base, format: 0 }, "/format"],
    [{ ...base, rule: [] }, "/rule"],
    [{ ...base, rules: [{ ...rule, decision: "Allow" }] }, "/rules/0/decision"],
    [{ ...base, rules: [{ ...rule, opertion: "x" }] }, "/rules/0/opertion"],
    [{ ...base, rules: [{ ...rule, authorities: ["net"] }] }, "/rules/0/authorities/0"],
    [{ ...base, rules: [{ ...rule, authorities: [] }] }, "/rules/0/authorities"],
    [{ ...base, rules: [{ ...rule, hosts: ["http://x/"] }] }, "/rules/0/hosts/0"],
    [{ ...base, rules: [{ ...rule, paths: ["data"] }] }, "/rules/0/paths/0"],
    [{ ...base, rules: [{ ...rule, paths: ["./../x"] }] }, "/rules/0/paths/0"],
    [{ ...base, rules: [{ ...rule, paths: ["/a"], hosts: ["a.example"] }] }, "/rules/0/hosts"],
    [{ ...base, rules: [{ ...rule, paths: ["/a"], authorities: ["network"] }] }, "/rules/0/authorities"],
    [{ ...base, rules: [{ ...rule, hosts: ["a.example"], authorities: ["exec"] }] }, "/rules/0/authorities"],
    [{ ...base, rules: [rule, rule] }, "/rules/1/name"],
    [{ ...base, rules: [{ ...rule, name: "default.ask" }] }, "/rules/0/name"],
    [{ ...base, rules: Array.from({ length: MAX_RULES + 1 }, (_, n) => ({ ...rule, name: `r${n}` })) }, "/rules"],
    [{ ...base, keys: [{ id: "k", publicKey: "short" }] }, "/keys/0/publicKey"],
    [{ ...base, approvalLifetimeMs: 10 }, "/approvalLifetimeMs"],
    [{ ...base, budgets: [{ actor: "*", limits: { fuel: -1 } }] }, "/budgets/0/limits/fuel"],
  ];
  for (const [json, path] of cases) {
    const failed = failureOf(json);
    assert.deepEqual([failed.code, failed.path], ["EFFECTS_POLICY", path], JSON.stringify(json).slice(0, 200));
    assert.ok(failed.fix?.summary);
  }
  const whole = { ...base, rules: Array.from({ length: MAX_RULES }, (_, n) => ({ ...rule, name: `r${n}` })) };
  assert.ok(Result.isSuccess(readPolicy(JSON.stringify(whole))));
});

Deno.test("a policy file has so many bytes and no more", () => {
  const bare = JSON.stringify({ ...base, rules: [{ name: "r", decision: "ask", reason: "" }] });
  const sized = (bytes: number) => bare.replace('"reason":""', `"reason":"é${"x".repeat(bytes - bare.length - 2)}"`);
  assert.ok(Result.isSuccess(readPolicy(sized(MAX_POLICY_BYTES))));
  assert.match(failureOf(sized(MAX_POLICY_BYTES + 1)).message, /larger than 1048576 bytes/u);
});

Deno.test("a newer policy format is refused with the version needed", () => {
  const failed = failureOf({ format: 2, rules: [], future: true });
  assert.equal(failed.code, "KERNEL_NEWER_FORMAT");
  assert.match(failed.message, /format 2/u);
});

/** The slow, obvious meaning of a rule list, for rules about folders and hosts without wildcards. */
const naive = (rules: ReadonlyArray<Rule>, query: Required<Query>): string => {
  for (const rule of rules) {
    const subjects = rule.authorities ??
      (rule.paths ? ["readLocal", "writeLocal"] : rule.hosts ? ["network"] : undefined);
    if (subjects && !(subjects as ReadonlyArray<string>).includes(query.authority)) continue;
    if (rule.actor && rule.actor !== query.actor) continue;
    if (rule.operation && rule.operation !== query.operation) continue;
    const under = (folder: string) => folder.split("/").every((part, index) => part === query.detail.split("/")[index]);
    if (rule.paths && !rule.paths.some(under)) continue;
    if (rule.hosts && !rule.hosts.includes(query.detail)) continue;
    return rule.name;
  }
  return "?";
};

Deno.test("compiled rules answer as the obvious reading of the list does, on 20,000 seeded questions", () => {
  const { below, pick } = randomFor("rules");
  const actors = ["agent:a", "agent:b", "mcp:c"];
  const operations = ["a.x", "a.y", "b.x"];
  const paths = ["/p", "/p/q", "/p/qr", "/p/q/s", "/t"];
  const hosts = ["a.example", "b.example"];
  const defaults: Rule = { name: "default.ask", decision: "ask" };
  for (let round = 0; round < 400; round++) {
    const rules = Array.from({ length: below(8) }, (_, n): Rule => {
      const kind = below(3);
      return {
        name: `r${n}`,
        decision: pick(["allow", "ask", "deny"] as const),
        ...(below(2) ? { actor: pick(actors) } : {}),
        ...(below(2) ? { operation: pick(operations) } : {}),
        ...(kind === 0 ? { paths: [pick(paths)] } : kind === 1 ? { hosts: [pick(hosts)] } : {}),
      };
    });
    const policy = compilePolicy({ ...EMPTY_POLICY, rules } as PolicyFile, folders);
    for (let n = 0; n < 50; n++) {
      const authority = pick(["network", "writeLocal", "exec"] as const);
      const query = {
        actor: pick(actors),
        operation: pick(operations),
        authority,
        detail: authority === "network" ? pick(hosts) : pick(paths),
      };
      assert.equal(policy.decide(query).rule, naive([...rules, defaults], query), JSON.stringify({ rules, query }));
    }
  }
});

Deno.test("what a policy remembers is bounded: 20,000 different actors do not grow it without end", () => {
  const policy = policyOf({ name: "web", actor: "agent:7*", authorities: ["network"], decision: "allow" });
  for (let n = 0; n < 20_000; n++) {
    const wanted = `${n}`.startsWith("7") ? "allow" : "ask";
    assert.equal(ask(policy, "network", "a.example", { actor: `agent:${n}` }).decision, wanted);
  }
});

Deno.test("every built-in rule says why", () => {
  for (const rule of DEFAULT_RULES) assert.ok(rule.reason, rule.name);
});
