import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Failure } from "../../../kernel/failure.ts";
import { applyPatch, type Json } from "../../../kernel/json.ts";
import type { Kernel } from "../../../kernel/mod.ts";
import { MAX_SHOWN_NODES } from "../../../plugins/rmil/handlers_language.ts";
import { callAs, inWorkspace } from "../../workspace.ts";

type Answer = { readonly [member: string]: Json };

const vectors = (name: string) =>
  JSON.parse(Deno.readTextFileSync(new URL(`../../vectors/rmil/${name}.json`, import.meta.url))).vectors;

const call = (kernel: Kernel, operation: string, input: Json): Effect.Effect<Answer, Failure> =>
  callAs(kernel, operation, input) as Effect.Effect<Answer, Failure>;

const refused = (kernel: Kernel, operation: string, input: Json): Effect.Effect<Failure> =>
  Effect.flip(call(kernel, operation, input)) as Effect.Effect<Failure>;

Deno.test("encode and decode agree with the golden programs, through the kernel", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      let judged = 0;
      for (const { src, ok, ast, symbols, content_hash } of vectors("syntax")) {
        if (!ok) continue;
        const encoded = yield* call(kernel, "rmil.encode", { source: src });
        assert.equal(encoded.hash, content_hash, src);
        for (const version of [1, 2]) {
          const { hex } = yield* call(kernel, "rmil.encode", { source: src, version });
          const decoded = yield* call(kernel, "rmil.decode", { hex });
          assert.deepEqual([decoded.ast, decoded.symbols, decoded.version], [ast, symbols, version], src);
          assert.equal(decoded.hash, content_hash);
          const again = yield* call(kernel, "rmil.encode", { source: decoded.source, version });
          assert.equal((yield* call(kernel, "rmil.decode", { hex: again.hex })).hash, content_hash);
        }
        judged++;
      }
      assert.ok(judged > 40, `${judged}`);
      for (const { name, expr_hex, ast, content_hash } of vectors("codec")) {
        if (ast === null || name === "lit_tensor_len_mismatch" || name === "lit_tensor_dyn_dim_lossy") continue;
        const decoded = yield* call(kernel, "rmil.decode", { hex: expr_hex, form: "expression", anyOpcode: true });
        assert.deepEqual([decoded.ast, decoded.hash], [ast, content_hash], name);
        const encoded = yield* call(kernel, "rmil.encode", { source: decoded.source, form: "expression" });
        // Names of symbols are not in the bytes of a tree alone, so its text has their indices.
        assert.equal(encoded.hex, expr_hex, name);
      }
    })
  ));

Deno.test("opcodes outside the table are refused, and accepted where the caller says so", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      for (const [hex, version] of [["02efbe0000", 1], ["b800efbe0000", 2]] as const) {
        const asked = { hex, version, form: "expression" };
        const failure = yield* refused(kernel, "rmil.decode", asked);
        assert.deepEqual([failure.code, failure.path], ["RMIL_OPCODE", "/hex"]);
        assert.ok(yield* call(kernel, "rmil.decode", { ...asked, anyOpcode: true }));
      }
    })
  ));

Deno.test("failures name the field, and their fixes make the call valid", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const slips: ReadonlyArray<readonly [string, Json, string, string]> = [
        ["rmil.encode", { source: "add(3 4)" }, "RMIL_SYNTAX", "/source"],
        ["rmil.encode", { source: "1." }, "RMIL_LITERAL", "/source"],
        ["rmil.patterns", { name: "resnet" }, "RMIL_UNKNOWN_PATTERN", "/name"],
        ["rmil.ops", { names: ["relu", "LayerNorm"] }, "RMIL_UNKNOWN_OP", "/names/1"],
      ];
      for (const [operation, input, code, path] of slips) {
        const failure = yield* refused(kernel, operation, input);
        assert.deepEqual([failure.code, failure.path], [code, path]);
        yield* call(kernel, operation, applyPatch(failure.fix!.patch!, input));
      }
      const wrong: ReadonlyArray<readonly [Json, string]> = [
        [{ hex: "0" }, "RMIL_TEXT"],
        [{ hex: "zz" }, "RMIL_TEXT"],
        [{ hex: "" }, "RMIL_TRUNCATED"],
        [{ hex: "0a", form: "expression" }, "RMIL_TAG"],
        [{ hex: "0000dead", form: "expression" }, "RMIL_TRAILING"],
        [{ hex: "09ffffffff", form: "expression" }, "RMIL_TRUNCATED"],
        [{ hex: "524d494c0300" }, "RMIL_VERSION"],
      ];
      for (const [input, code] of wrong) {
        const failure = yield* refused(kernel, "rmil.decode", input);
        assert.deepEqual([failure.code, failure.path], [code, "/hex"], JSON.stringify(input));
      }
      const { hex } = yield* call(kernel, "rmil.encode", { source: "relu" });
      assert.equal((yield* refused(kernel, "rmil.decode", { hex, version: 2 })).code, "RMIL_VERSION");
    })
  ));

Deno.test("a small file that stands for a huge tree is refused where it would be written out", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      let bomb = "ec02d0d0";
      for (let nodes = 3; nodes <= MAX_SHOWN_NODES; nodes = 2 * nodes + 1) bomb = `ec02${bomb}ed00`;
      const failure = yield* refused(kernel, "rmil.decode", { hex: bomb, version: 2, form: "expression" });
      assert.equal(failure.code, "RMIL_SIZE");
    })
  ));

Deno.test("a pipeline of 512 stages passes through as JSON", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const source = new Array(512).fill("relu").join(" >> ");
      const { hex } = yield* call(kernel, "rmil.encode", { source });
      assert.equal((yield* call(kernel, "rmil.decode", { hex })).source, source);
    })
  ));

Deno.test("every pattern is listed with its golden size, and every op with its row", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const { patterns } = yield* call(kernel, "rmil.patterns", {});
      const sizes = (patterns as ReadonlyArray<{ name: string; bytes: { v1: number } }>).map(({ name, bytes }) =>
        [name, bytes.v1] as const
      );
      // The table of RMIL §21.
      assert.deepEqual(Object.fromEntries(sizes), {
        transformer_block: 67,
        mlp: 29,
        resnet_block: 45,
        rnn_model: 23,
        classifier_head: 29,
        conv_backbone: 38,
        image_classifier: 68,
        neurosymbolic_hybrid: 41,
      });
      const { ops } = yield* call(kernel, "rmil.ops", {});
      assert.equal((ops as ReadonlyArray<Json>).length, 107);
      const agents = yield* call(kernel, "rmil.ops", { family: "Agent" });
      assert.equal((agents.ops as ReadonlyArray<Json>).length, 8);
      const { ops: [tanh] } = (yield* call(kernel, "rmil.ops", { names: ["TANH_ACT"] })) as {
        ops: ReadonlyArray<{ name: string }>;
      };
      assert.equal(tanh.name, "tanh");
    })
  ));
