/** Ops described by id, through the whole system. */
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Failure, Json } from "../../../kernel/mod.ts";
import { inWorkspace as inFolder, LAUNCH, rmi } from "../surfaces/rmi.ts";
import { callAs, inWorkspace } from "../../workspace.ts";

const vectors: ReadonlyArray<{ readonly const: string; readonly code: number | string; readonly name: string }> =
  JSON.parse(Deno.readTextFileSync(new URL("../../vectors/rmil/ops.json", import.meta.url))).ops;

Deno.test("every op of the original is described by its constant, with its code and name", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      for (const op of vectors) {
        const id = `rmil.op.${op.const}`;
        const described = (yield* callAs(kernel, "kernel.describe", { id })) as {
          readonly plugin: string;
          readonly topic: { readonly code: string; readonly name: string };
        };
        assert.equal(described.plugin, "rmil");
        assert.equal(described.topic.name, op.name);
        assert.equal(Number(described.topic.code), Number(op.code), id);
      }
    })
  ));

Deno.test("describe of LINEAR shows what its row says", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const described = (yield* callAs(kernel, "kernel.describe", { id: "rmil.op.LINEAR" })) as {
        readonly summary: string;
        readonly topic: { readonly [field: string]: Json };
      };
      assert.match(described.summary, /affine|x·W|weight/iu);
      assert.deepEqual(
        (described.topic.parameters as ReadonlyArray<{ readonly name: string }>).map(({ name }) => name),
        ["weight", "bias"],
      );
      assert.equal(described.topic.differentiable, true);
    })
  ));

Deno.test("a misspelt op is answered with the near one and a patch that works", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      for (const id of ["rmil.op.LINAER", "rmil.op.linear"]) {
        const failure = yield* Effect.flip(callAs(kernel, "kernel.describe", { id })) as Effect.Effect<Failure>;
        assert.deepEqual(failure.fix?.patch, [{ op: "replace", path: "/id", value: "rmil.op.LINEAR" }], id);
      }
    })
  ));

Deno.test("the command line and a client of MCP describe an op", () =>
  inFolder(async (workspace) => {
    const told = await rmi(workspace, ["describe", "rmil.op.LINEAR", "--json"]);
    const [document] = told.documents() as ReadonlyArray<
      { readonly value: { readonly topic: { readonly name: string } } }
    >;
    assert.equal(document.value.topic.name, "linear");
    const client = new Client({ name: "judge", version: "1.0.0" });
    await client.connect(
      new StdioClientTransport({
        command: Deno.execPath(),
        args: [...LAUNCH, "surfaces", "mcp", "--tools", "kernel"],
        cwd: workspace,
        stderr: "inherit",
      }),
    );
    const called = await client.callTool({ name: "describe", arguments: { id: "rmil.op.LINEAR" } });
    const answer = called.structuredContent as { readonly value: { readonly topic: { readonly code: string } } };
    assert.equal(answer.value.topic.code, "0x0002");
    await client.close();
  }));
