/**
 * The command line as people and programs meet it: real processes, started through the launcher.
 */
import assert from "node:assert/strict";
import { HAS_TERMINAL, inWorkspace, rmi, rmiAtTerminal, start } from "./rmi.ts";

const test = (name: string, body: (workspace: string) => Promise<void>): void =>
  Deno.test(name, () => inWorkspace(body));

const atTerminal = (name: string, body: (workspace: string) => Promise<void>): void =>
  Deno.test({ name, ignore: !HAS_TERMINAL, fn: () => inWorkspace(body) });

/** The first message of an MCP client, so that the server is known to run. */
const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } },
};

test("a call through the door answers one document, exit 0, and writes no word more", async (workspace) => {
  const ran = await rmi(workspace, ["call", "kernel.search", '{"query":"describe an operation","limit":1}']);
  assert.equal(ran.code, 0, ran.err);
  const [document, ...more] = ran.documents();
  assert.deepEqual(more, []);
  assert.equal(document.ok, true);
  assert.equal(ran.err, "");
});

test("a batch answers a line a line with its index; the highest exit code counts", async (workspace) => {
  const calls = [
    '{"operation":"kernel.describe","input":{"id":"kernel.search"}}',
    "nonsense",
    '{"operation":"kernel.describe","input":{"id":"kernel.serch"}}',
    '{"operation":"kernel.manifest"}',
  ];
  const ran = await rmi(workspace, ["call", "-"], calls.join("\n"));
  assert.equal(ran.code, 2, ran.err);
  assert.deepEqual(ran.documents().map(({ index, ok }) => [index, ok]), [[0, true], [1, false], [2, false], [3, true]]);
});

test("a batch of two thousand inputs goes through one process", async (workspace) => {
  const count = 2_000;
  const ran = await rmi(workspace, ["call", "kernel.search", "-"], '{"query":"ledger","limit":1}\n'.repeat(count));
  assert.equal(ran.code, 0, ran.err);
  assert.equal(ran.documents().length, count);
  assert.equal(ran.documents().at(-1)!.index, count - 1);
});

test("a person's command line draws the answer", async (workspace) => {
  const ran = await rmi(workspace, ["kernel", "search", "--query", "verify the ledger", "--limit", "2"]);
  assert.equal(ran.code, 0, ran.err);
  assert.match(ran.out, /id +summary +score/u);
  assert.match(ran.out, /ledger\.verify/u);
  // deno-lint-ignore no-control-regex -- colours are escape sequences
  assert.doesNotMatch(ran.out, /\u001b/u);
});

test("the short name, the id in one word and the single field without its flag mean the same", async (workspace) => {
  const forms = [
    ["kernel", "describe", "--id", "kernel.search"],
    ["describe", "kernel.search"],
    ["kernel.describe", "kernel.search"],
    ["kernel", "describe", "kernel.search"],
  ];
  const [first, ...rest] = await Promise.all(forms.map((form) => rmi(workspace, form)));
  assert.equal(first.code, 0, first.err);
  for (const ran of rest) assert.equal(ran.out, first.out);
});

test("--json prints what the door prints", async (workspace) => {
  const human = await rmi(workspace, ["describe", "kernel.search", "--json"]);
  const door = await rmi(workspace, ["call", "kernel.describe", '{"id":"kernel.search"}']);
  assert.equal(human.out, door.out);
  assert.equal(human.code, 0);
});

test("an unknown flag is exit 2, with help and the nearest flag on standard error", async (workspace) => {
  const ran = await rmi(workspace, ["kernel", "describe", "--idd", "x"]);
  assert.equal(ran.code, 2);
  assert.equal(ran.out, "");
  assert.match(ran.err, /USAGE[^]*--idd[^]*--id/u);
});

test("an unknown word is exit 2, with the nearest word on standard error", async (workspace) => {
  for (const [words, near] of [[["kernle", "describe"], /kernel/u], [["kernel", "descirbe"], /describe/u]] as const) {
    const ran = await rmi(workspace, words);
    assert.equal(ran.code, 2);
    assert.equal(ran.out, "");
    assert.match(ran.err, near);
  }
});

test("an input the kernel refuses is exit 2, with help, the path, and the fix as a command", async (workspace) => {
  const ran = await rmi(workspace, ["kernel", "search", "ledger", "--limit", "1000"]);
  assert.equal(ran.code, 2);
  assert.equal(ran.out, "");
  assert.match(ran.err, /USAGE/u);
  assert.match(ran.err, /at +\/limit/u);
  const command = /run +rmi (.+)/u.exec(ran.err)?.[1];
  assert.ok(command !== undefined, ran.err);
  const flagsFirst = await rmi(workspace, ["--seed", "s", "kernel", "search", "ledger", "--limit", "1000"]);
  assert.equal(flagsFirst.code, 2);
  assert.ok(flagsFirst.err.includes(command), flagsFirst.err);
  const mended = await rmi(workspace, command.split(" ").map((word) => word.replaceAll("'", "")));
  assert.equal(mended.code, 0, mended.err);
});

test("an operation that policy asks about is exit 3, with the command that would allow it", async (workspace) => {
  const ran = await rmi(workspace, ["call", "ledger.rollback", '{"mark":"start"}']);
  assert.equal(ran.code, 3, ran.out + ran.err);
  const { failure } = ran.documents()[0] as { failure: { code: string; fix: { command: string } } };
  assert.equal(failure.code, "KERNEL_APPROVAL_NEEDED");
  assert.match(failure.fix.command, /^rmi approve /u);
  const human = await rmi(workspace, ["ledger", "rollback", "start"]);
  assert.equal(human.code, 3);
  assert.ok(human.err.includes(failure.fix.command), "the same open request is named again");
});

test("a file outside the workspace that policy allows and the command line names is written", async (workspace) => {
  await Deno.mkdir(`${workspace}/inside`);
  const policy = { format: 1, rules: [{ name: "take-out", operation: "artifacts.get", decision: "allow" }] };
  await Deno.writeTextFile(`${workspace}/inside/rmi.policy.json`, JSON.stringify(policy));
  await rmi(`${workspace}/inside`, ["artifacts", "put", "dataset", "--text", "kept", "--name", "kept"]);
  const ran = await rmi(`${workspace}/inside`, ["artifacts", "get", "kept", "--file", "../taken.txt"]);
  assert.equal(ran.code, 0, ran.err);
  assert.equal(await Deno.readTextFile(`${workspace}/taken.txt`), "kept");
});

test("a path the process was started without is exit 3, and says how to name it", async (workspace) => {
  const call = { operation: "artifacts.put", input: { kind: "dataset", file: Deno.execPath() } };
  const ran = await rmi(workspace, ["call", "-"], JSON.stringify(call));
  assert.equal(ran.code, 3, ran.out + ran.err);
  const { failure } = ran.documents()[0] as { failure: { code: string; message: string; fix: { summary: string } } };
  assert.equal(failure.code, "KERNEL_OUT_OF_REACH");
  assert.doesNotMatch(failure.message, /--allow/u);
  assert.match(failure.fix.summary, /rmi\.policy\.json/u);
});

test("an operation that policy denies is refused, and no near miss leads to it", async (workspace) => {
  const policy = { format: 1, rules: [{ name: "no-marks", operation: "ledger.mark", decision: "deny" }] };
  await Deno.writeTextFile(`${workspace}/rmi.policy.json`, JSON.stringify(policy));
  const ran = await rmi(workspace, ["call", "ledger.mark", '{"name":"x"}']);
  assert.ok(ran.code === 2 || ran.code === 3, ran.out);
  assert.equal((await rmi(workspace, ["ledger", "mark", "x"])).code, 2);
  assert.doesNotMatch((await rmi(workspace, ["ledger", "mrk"])).err, /\bmark\b/u);
});

atTerminal("a person at a terminal who agrees lets the call happen at once", async (workspace) => {
  await rmi(workspace, ["call", "ledger.mark", '{"name":"start"}']);
  const refused = await rmiAtTerminal(workspace, ["ledger", "rollback", "start"], "n\n");
  assert.equal(refused.code, 3, refused.out);
  assert.match(refused.out, /Run "rmi approve [0-9a-f]+" and go on\? \[y\/N\]/u);
  assert.equal((await rmiAtTerminal(workspace, ["ledger", "rollback", "start"], "\n")).code, 3, "return alone is no");
  const agreed = await rmiAtTerminal(workspace, ["ledger", "rollback", "start"], "y\n");
  assert.equal(agreed.code, 0, agreed.out);
  const approvals = await rmi(workspace, ["call", "approvals.list", "{}"]);
  const { value } = approvals.documents()[0] as { value: { approved: unknown; requests: { state: string }[] } };
  assert.deepEqual(value.approved, { person: 1, key: 0, policy: 0 });
  assert.equal(value.requests.at(-1)!.state, "used");
});

test("help, version and completions answer on standard output, exit 0", async (workspace) => {
  for (
    const words of [[], ["--help"], ["help"], ["help", "kernel", "describe"], ["kernel", "--help"], [
      "kernel",
      "describe",
      "--help",
    ], ["--version"]]
  ) {
    const ran = await rmi(workspace, words);
    assert.equal(ran.code, 0, `${words.join(" ")}: ${ran.err}`);
    assert.equal(ran.err, "");
    assert.notEqual(ran.out, "");
  }
  for (const shell of ["bash", "zsh", "fish"]) {
    const ran = await rmi(workspace, ["completions", shell]);
    assert.equal(ran.code, 0);
    for (const word of ["kernel", "describe", "--"]) assert.ok(ran.out.includes(word), `${shell} ${word}`);
  }
  assert.equal((await rmi(workspace, ["completions", "tcsh"])).code, 2);
});

test("an interrupt ends the process with 130, and a batch in hand is answered", async (workspace) => {
  const child = start(workspace, ["call", "-"]);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode('{"operation":"kernel.manifest"}\n'));
  const reader = child.stdout.getReader();
  const first = await reader.read();
  assert.match(new TextDecoder().decode(first.value), /"index":0,"ok":true/u);
  child.kill("SIGINT");
  const { code } = await child.status;
  assert.equal(code, 130);
  await writer.close().catch(() => {});
  reader.releaseLock();
  await Promise.all([child.stdout.cancel(), child.stderr.cancel()]);
});

for (const [signal, expected] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  test(`${signal} to a running operation ends it with ${expected}, and leaves the ledger whole`, async (workspace) => {
    const child = start(workspace, ["surfaces", "mcp"]);
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${JSON.stringify(INITIALIZE)}\n`));
    const reader = child.stdout.getReader();
    await reader.read();
    child.kill(signal);
    const { code } = await child.status;
    assert.equal(code, expected);
    await writer.close().catch(() => {});
    reader.releaseLock();
    await Promise.all([child.stdout.cancel(), child.stderr.cancel()]);
    const verified = await rmi(workspace, ["call", "ledger.verify", "{}"]);
    assert.equal((verified.documents()[0].value as { ok: boolean }).ok, true);
  });
}

test("a reader that leaves early is no error message", async (workspace) => {
  const child = start(workspace, ["call", "kernel.manifest", "-"]);
  const reader = child.stdout.getReader();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("{}\n"));
  await reader.read();
  await reader.cancel();
  await writer.write(new TextEncoder().encode("{}\n".repeat(1_000))).catch(() => {});
  await writer.close().catch(() => {});
  const stderr = await new Response(child.stderr).text();
  await child.status;
  assert.equal(stderr, "");
});

atTerminal("a terminal gets colour, and NO_COLOR none", async (workspace) => {
  const colourful = await rmiAtTerminal(workspace, ["kernel", "search", "ledger"]);
  const plain = await rmiAtTerminal(workspace, ["kernel", "search", "ledger"], "", { NO_COLOR: "1" });
  assert.ok(colourful.out.includes("\u001b[1m"), colourful.out);
  assert.ok(!plain.out.includes("\u001b["), plain.out);
});

atTerminal("an operation that reports progress draws a bar on a terminal and takes it away", async (workspace) => {
  const ran = await rmiAtTerminal(workspace, ["tour"]);
  assert.equal(ran.code, 0, ran.out);
  assert.ok(ran.out.includes("█") && ran.out.includes("/10 steps"), ran.out);
  assert.ok(
    ran.out.lastIndexOf("\r\u001b[2K") > ran.out.lastIndexOf("/10 steps"),
    "the line is cleared after it is drawn",
  );
});
