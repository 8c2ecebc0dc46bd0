/** Programs as callers give them: text, bytes and digests, in every operation that takes one. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import {
  type AnyOperation,
  applyPatch,
  authoritiesOf,
  digestBytes,
  type Failure,
  type Json,
  type Kernel,
  openKernel,
} from "../../../kernel/mod.ts";
import { encodeProgram, programDigest } from "../../../plugins/rmil/codec/v2.ts";
import { rmilPlugin } from "../../../plugins/rmil/manifest.ts";
import { OP_EFFECTS } from "../../../plugins/rmil/ops/row.ts";
import { PROGRAM_KINDS } from "../../../plugins/rmil/program_source.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import { operations } from "../../../plugins/rmil/operations.ts";
import { testOptions } from "../../kernel/host.ts";
import { callApproving, callAs, inWorkspace } from "../../workspace.ts";

const SOURCE = "linear(4) >> relu >> relu";
const PROGRAM = parse(SOURCE);
const HEX = encodeProgram(PROGRAM).toHex();

const answered = (kernel: Kernel, operation: string, input: Json) =>
  Effect.match(callAs(kernel, operation, input), {
    onSuccess: (value): Json => value,
    onFailure: ({ code, path }): Json => `${code} ${path}`,
  });

const refusedIn = (kernel: Kernel, operation: string, input: Json): Effect.Effect<Failure, Json> =>
  Effect.flip(callAs(kernel, operation, input));

/** Calls of every operation that takes a program, each with one program put in. */
const CALLS: ReadonlyArray<readonly [string, (program: Json) => Json]> = [
  ["rmil.check", (program) => ({ program, inputs: { x: "f32[2,3]" } })],
  ["rmil.run", (program) => ({ program, inputs: { x: { type: "f32[1,2]", values: [1, 2] } } })],
  ["rmil.rewrite", (program) => ({ program })],
  ["rmil.quantize", (program) => ({ program, target: "i8" })],
  ["rmil.diff", (program) => ({ from: program, to: "linear(4) >> relu" })],
  ["rmil.diff", (program) => ({ from: "linear(4) >> relu", to: program })],
  [
    "rmil.modules",
    (source) => ({ modules: [{ name: "m", version: "1.0.0", source }], needs: { m: "*" }, program: source }),
  ],
  ["rmil.debug", (program) => ({ program, commands: ["in", "in"], inputs: { x: "tensor<f32, [1, 1]>[2.0]" } })],
  ["rmil.encode", (source) => ({ source, version: 2 })],
];

Deno.test("every operation answers the same to a program as text, as an object, as bytes of it, and by its digest", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const { digest } = (yield* callApproving(kernel, "rmil.store", { program: SOURCE })) as {
        readonly digest: string;
      };
      for (const [operation, input] of CALLS) {
        const expected = yield* answered(kernel, operation, input(SOURCE));
        assert.equal(typeof expected, "object", `${operation}: ${JSON.stringify(expected)}`);
        for (const form of [{ source: SOURCE }, { hex: HEX }, { digest }] as ReadonlyArray<Json>) {
          assert.deepEqual(yield* answered(kernel, operation, input(form)), expected, operation);
        }
      }
      const formatted = yield* answered(kernel, "rmil.format", { source: { digest } });
      assert.deepEqual(formatted, { source: `${SOURCE}\n`, diagnostics: [] });
    })
  ));

Deno.test("a patch applies to a program by digest", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const stored = yield* callApproving(kernel, "rmil.store", { program: { hex: HEX } });
      const program = { digest: (stored as { readonly digest: string }).digest };
      const { patch } = (yield* callAs(kernel, "rmil.diff", { from: program, to: "tanh" })) as { readonly patch: Json };
      const patched = (yield* callAs(kernel, "rmil.patch", { program, patch })) as { readonly source: string };
      assert.equal(patched.source, "tanh");
    })
  ));

Deno.test("a stored program's digest is its identity, whatever it was given as, and it is stored once", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const forms: ReadonlyArray<Json> = [SOURCE, { source: ` ${SOURCE} // again` }, { hex: HEX }];
      for (const [index, program] of forms.entries()) {
        const input = { program, name: "chain", description: `form ${index}` };
        const { digest, names } = (yield* callApproving(kernel, "rmil.store", input)) as {
          readonly digest: string;
          readonly names: ReadonlyArray<string>;
        };
        assert.equal(digest, programDigest(PROGRAM));
        assert.deepEqual(names, ["chain@1"]);
      }
      const { total } = (yield* callAs(kernel, "registry.artifacts", { kind: "program" })) as {
        readonly total: number;
      };
      assert.equal(total, 1);
    })
  ));

Deno.test("a stored text is read as source text", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const { digest } = (yield* callApproving(kernel, "artifacts.put", { kind: "program", text: "add(1, 2)" })) as {
        readonly digest: string;
      };
      const { value } = (yield* callAs(kernel, "rmil.run", { program: { digest } })) as { readonly value: Json };
      assert.deepEqual(value, { type: "i64", values: ["3"] });
    })
  ));

Deno.test("what is not stored, no program or damaged is refused at the digest", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const refused = (digest: string) => refusedIn(kernel, "rmil.check", { program: { digest } });
      const unknown = yield* refused(`sha256:${"0".repeat(64)}`);
      assert.deepEqual([unknown.code, unknown.path], ["KERNEL_UNKNOWN_ENTRY", "/program/digest"]);

      const data = (yield* callApproving(kernel, "artifacts.put", { kind: "dataset", base64: "AAECAw==" })) as {
        readonly digest: string;
      };
      const foreign = yield* refused(data.digest);
      assert.deepEqual([foreign.code, foreign.path], ["RMIL_MAGIC", "/program/digest"]);

      const text = (yield* callApproving(kernel, "artifacts.put", { kind: "program", text: "add(1" })) as {
        readonly digest: string;
      };
      assert.deepEqual((yield* refused(text.digest)).code, "RMIL_SYNTAX");
      const broken = new Uint8Array([0x61, 0xff]);
      const latin = (yield* callApproving(kernel, "artifacts.put", {
        kind: "program",
        base64: broken.toBase64(),
        media: "text/plain",
      })) as { readonly digest: string };
      assert.equal((yield* refused(latin.digest)).code, "RMIL_TEXT");

      const stored = (yield* callApproving(kernel, "rmil.store", { program: SOURCE })) as { readonly digest: string };
      const hex = stored.digest.slice("sha256:".length);
      Deno.writeTextFileSync(`${kernel.folders.state}/artifacts/${hex.slice(0, 2)}/${hex}`, "other bytes");
      const damaged = yield* refused(stored.digest);
      assert.deepEqual([damaged.code, damaged.path], ["RMIL_STORED", "/program/digest"]);
      assert.equal((damaged.actual as { readonly code: string }).code, "REGISTRY_ARTIFACT_DAMAGED");
    })
  ));

Deno.test("the place of a failure is the place of the program in the input", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const pathOf = (operation: string, input: Json) =>
        Effect.map(refusedIn(kernel, operation, input), ({ path }) => path);
      assert.equal(yield* pathOf("rmil.check", { program: "add(1" }), "/program");
      assert.equal(yield* pathOf("rmil.check", { program: { source: "add(1" } }), "/program/source");
      assert.equal(yield* pathOf("rmil.check", { program: { hex: "524d" } }), "/program/hex");
      assert.equal(yield* pathOf("rmil.diff", { from: "1", to: { hex: "zz" } }), "/to/hex");
      assert.equal(yield* pathOf("rmil.encode", { source: { source: "add(" } }), "/source/source");
      const module = { name: "m", version: "1.0.0", source: { hex: "00" } };
      assert.equal(yield* pathOf("rmil.modules", { modules: [module], needs: {} }), "/modules/0/source/hex");
    })
  ));

Deno.test("the patch of a slip in the text makes the call valid, in each form of text", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      for (const program of ["add(3 4)", { source: "add(3 4)" }] as ReadonlyArray<Json>) {
        const [edit] = (yield* refusedIn(kernel, "rmil.run", { program })).fix!.patch!;
        const { path, value } = edit as { readonly path: string; readonly value: string };
        assert.equal(path, typeof program === "string" ? "/program" : "/program/source");
        assert.ok(yield* callAs(kernel, "rmil.run", { program: value }));
      }
    })
  ));

const declaredNamed = (id: string): AnyOperation => operations.find((declared) => declared.id === id)!;

Deno.test("only a digest needs the state folder, and a stored program may need what any op needs", () => {
  const digest = digestBytes(new Uint8Array());
  for (const [id, input] of CALLS) {
    const declared = declaredNamed(id);
    assert.deepEqual(authoritiesOf(declared, input(SOURCE)).effects, [], id);
    assert.deepEqual(authoritiesOf(declared, input({ digest })).effects, ["readLocal"], id);
  }
  assert.deepEqual(authoritiesOf(declaredNamed("rmil.run"), { program: SOURCE }).kinds, []);
  assert.deepEqual(authoritiesOf(declaredNamed("rmil.run"), { program: "send(#a, 1)" }).kinds, ["agent"]);
  assert.deepEqual(authoritiesOf(declaredNamed("rmil.run"), { program: { digest } }).kinds, []);
  assert.deepEqual(authoritiesOf(declaredNamed("rmil.run"), { program: { digest }, allow: ["agent"] }).kinds, [
    "agent",
  ]);
});

Deno.test("every kind that an op may need can be allowed", () => {
  const needed = Object.values(OP_EFFECTS).flatMap(({ kinds }): ReadonlyArray<string> => kinds);
  assert.deepEqual([...PROGRAM_KINDS], [...new Set(needed)]);
});

Deno.test("a stored program that needs more than it was allowed is refused, and the patch asks for it", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const { digest } = (yield* callApproving(kernel, "rmil.store", { program: "subscribe(#news)" })) as {
        readonly digest: string;
      };
      const input: Json = { program: { digest } };
      const failure = yield* refusedIn(kernel, "rmil.run", input);
      assert.equal(failure.code, "RMIL_ALLOW");
      const { value } = (yield* callApproving(kernel, "rmil.run", applyPatch(failure.fix!.patch!, input))) as {
        readonly value: Json;
      };
      assert.equal(value, null);
    })
  ));

Deno.test("a kernel without a store of artifacts says so, and takes text as ever", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const kernel = yield* openKernel(testOptions([rmilPlugin]));
    const digest = digestBytes(new Uint8Array());
    assert.equal((yield* refusedIn(kernel, "rmil.check", { program: { digest } })).code, "KERNEL_FACILITY_ABSENT");
    assert.ok(yield* callAs(kernel, "rmil.check", { program: SOURCE, inputs: { x: "f32[1,1]" } }));
  }))));

Deno.test("a policy without reading denies digests and leaves text alone", () =>
  inWorkspace(
    (kernel) =>
      Effect.gen(function* () {
        const digest = digestBytes(new Uint8Array());
        assert.equal((yield* refusedIn(kernel, "rmil.check", { program: { digest } })).code, "KERNEL_DENIED");
        assert.ok(yield* callAs(kernel, "rmil.check", { program: SOURCE, inputs: { x: "f32[1,1]" } }));
      }),
    {
      format: 1,
      rules: [{ name: "blind", decision: "deny", authorities: ["readLocal"], reason: "This test reads nothing" }],
    },
  ));
