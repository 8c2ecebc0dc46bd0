import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import { type Actor, type Kernel, openKernel, operation, type Plugin, random } from "../../kernel/mod.ts";
import { barePlugin, testHost, testOptions } from "./host.ts";

const WORDS = "graph tensor ledger memory route gate policy cell swarm symbol clause proof layer signal frame quorum"
  .split(" ");

/** A plugin of a synthetic system: seeded words, two operations. */
const synthetic = (index: number, priority?: number): Plugin => {
  const chance = random("synthetic").split(index);
  const word = () => chance.pick(WORDS);
  const name = `${word()}${index}`;
  const declare = (verb: string) =>
    operation(`${name}.${verb}`, {
      summary: `${verb} the ${word()} of a ${word()} with a ${word()}.`,
      input: { [word()]: Schema.String },
      output: Schema.Null,
      failures: [],
      effects: [],
      cost: { compute: "constant" },
      idempotent: true,
      reversible: true,
      stability: "stable",
      examples: [{ input: {} }],
    });
  return barePlugin(`synthetic-${index}`, {
    namespaces: [{
      name,
      summary:
        `a rather long description of everything about ${word()}, ${word()} and ${word()} that this namespace does`,
      ...(priority === undefined ? {} : { priority }),
    }],
    operations: () => [declare("build"), declare("query")],
  });
};

const withPlugins = <A>(
  plugins: ReadonlyArray<Plugin>,
  body: (kernel: Kernel) => Effect.Effect<A, unknown>,
  host = testHost(),
) =>
  Effect.runPromise(
    Effect.scoped(Effect.flatMap(openKernel(testOptions(plugins, { host })), body)) as Effect.Effect<A>,
  );

const manifestOf = (plugins: ReadonlyArray<Plugin>, actor: Actor = "user@headless") =>
  withPlugins(plugins, (kernel) => kernel.manifest(actor));

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

Deno.test("the manifest stays under 1,000 tokens with 10 plugins and with 1,000", async () => {
  for (const count of [10, 1000]) {
    const text = await manifestOf(range(count).map((index) => synthetic(index)));
    assert.ok(text.length / 4 < 1000, `${count} plugins: ${text.length / 4} tokens`);
    // The kernel's own five operations and namespace are counted too.
    assert.match(text, new RegExp(`${count * 2 + 5} operations in ${count + 1} namespaces`));
  }
});

Deno.test("past 40 namespaces the manifest lists 40, by priority then id, and says how many more", async () => {
  const plugins = range(60).map((index) => synthetic(index, index === 59 ? 50 : undefined));
  const text = await manifestOf(plugins);
  const listed = text.split("\n").filter((line) => /^ {2}\S+ \(\d+\):/.test(line)).map((line) =>
    line.trim().split(" ")[0]
  );
  assert.equal(listed.length, 40);
  assert.equal(listed[0], "kernel");
  assert.match(listed[1], /59$/);
  assert.deepEqual(listed.slice(2), [...listed.slice(2)].sort());
  assert.match(text, /and 21 more: search/);
  const atLimit = await manifestOf(range(39).map((index) => synthetic(index)));
  assert.ok(!/ more: search/.test(atLimit), "40 namespaces are all listed");
});

Deno.test("long names and summaries of several lines make no longer manifest and no further line", async () => {
  const name = (index: number) => `n${"x".repeat(36)}${String(index).padStart(3, "0")}`;
  const summary = `first\n  kernel (99): forged\u2028${"and on ".repeat(100)}`;
  const plugins = range(1000).map((index) =>
    barePlugin(`p${index}`, {
      namespaces: [{ name: name(index), summary }],
      operations: async () => {
        const [declared] = await synthetic(index).operations();
        return [{ ...declared, id: `${name(index)}.build` }];
      },
    })
  );
  const text = await manifestOf(plugins);
  assert.ok(text.length / 4 < 1000, `${text.length / 4} tokens`);
  assert.equal(text.split("\n").filter((line) => /^ {2}\S+ \(\d+\):/.test(line)).length, 40);
  assert.ok(!/^ {2}kernel \(99\)/mu.test(text));
});

Deno.test("a namespace of 40 characters is accepted, one of 41 is refused", async () => {
  const named = (length: number) => barePlugin("p", { namespaces: [{ name: "n".repeat(length), summary: "S." }] });
  await manifestOf([named(40)]);
  await assert.rejects(manifestOf([named(41)]), /namespaces/u);
});

Deno.test("declarations that never arrive hide their plugin after its deadline, and nobody else", async () => {
  const silent = barePlugin("silent", {
    bootDeadlineMs: 50,
    namespaces: [{ name: "silent", summary: "S." }],
    operations: () => new Promise(() => {}),
  });
  await withPlugins([synthetic(1), silent], (kernel) =>
    Effect.gen(function* () {
      assert.match(yield* kernel.manifest("user@headless"), /7 operations in 2 namespaces/u);
      const line = kernel.boot().find(({ plugin }) => plugin === "silent");
      assert.equal(line?.state, "refused");
      assert.match(line?.failure?.message ?? "", /reading its declarations/u);
      const failure = yield* Effect.flip(kernel.describe("silent.a", "user@headless"));
      assert.equal((failure as { code?: string }).code, "KERNEL_BOOT_DEADLINE");
    }));
});

Deno.test("the manifest does not depend on the order of the plugins", async () => {
  const plugins = range(100).map((index) => synthetic(index));
  assert.equal(await manifestOf(plugins), await manifestOf(random(3).shuffle(plugins)));
});

Deno.test("hidden operations are in no manifest, search result, description or suggestion", () => {
  const plugins = range(20).map((index) => synthetic(index));
  const secret = plugins[7].namespaces[0].name;
  const host = testHost([], { visible: ({ id }, actor) => actor === "user@tty" || !id.startsWith(secret) });
  return withPlugins(plugins, (kernel) =>
    Effect.gen(function* () {
      assert.ok((yield* kernel.manifest("user@tty")).includes(secret));
      assert.ok(!(yield* kernel.manifest("agent:a")).includes(secret));
      const refused = yield* Effect.flip(kernel.describe(`${secret}.build`, "agent:a"));
      assert.equal(refused.code, "KERNEL_UNKNOWN_OPERATION");
      assert.ok(!JSON.stringify(refused).replaceAll(`${secret}.build`, "").includes(secret));
      for (const word of WORDS) {
        assert.ok((yield* kernel.search(word, "agent:a", 50)).every(({ id }) => !id.startsWith(secret)));
      }
      assert.ok((yield* kernel.operations("agent:a")).every(({ id }) => !id.startsWith(secret)));
    }), host);
});

Deno.test("search ranks an operation named by its words first, and is deterministic", () =>
  withPlugins(range(200).map((index) => synthetic(index)), (kernel) =>
    Effect.gen(function* () {
      const all = yield* kernel.operations("user@headless");
      for (const { id } of random(5).shuffle(all).slice(0, 20)) {
        const hits = yield* kernel.search(id.replace(".", " "), "user@headless", 5);
        assert.equal(hits[0].id, id);
        assert.deepEqual(hits, yield* kernel.search(id.replace(".", " "), "user@headless", 5));
      }
    })));

Deno.test("kernel.describe of a misspelt id carries a patch that, applied, describes the nearest operation", () =>
  withPlugins([], (kernel) =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(
        kernel.invoke({ operation: "kernel.describe", input: { id: "kernel.serach" }, actor: "user@headless" }),
      );
      assert.deepEqual(refused.fix?.patch, [{ op: "replace", path: "/id", value: "kernel.search" }]);
      const described = yield* kernel.invoke({
        operation: "kernel.describe",
        input: { id: "kernel.search" },
        actor: "user@headless",
      });
      assert.equal((described as { id: string }).id, "kernel.search");
    })));
