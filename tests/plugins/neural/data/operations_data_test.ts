/**
 * Tests of data.list and data.describe through the kernel, and of reading in parts under a grant.
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import assert from "node:assert/strict";
import { applyPatch, caps, type Failure, type Json, type Kernel, outOfReach } from "../../../../kernel/mod.ts";
import { DATASETS } from "../../../../plugins/neural/data/builtin.ts";
import { fileParts, PART_BYTES } from "../../../../plugins/neural/platform/file_parts.ts";
import { callApproving, callAs, inWorkspace } from "../../../workspace.ts";

type Found = { readonly [member: string]: Json };

const describe = (data: Json) => inWorkspace((kernel) => callAs(kernel, "data.describe", { data })) as Promise<Found>;

const inFolder = async <A>(
  files: { readonly [name: string]: string },
  body: (folder: string) => Promise<A>,
): Promise<A> => {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "rmi-data-" }));
  try {
    for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(`${folder}/${name}`, text);
    return await body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
};

const CSV = `width,colour,kind\n${
  Array.from({ length: 20 }, (_, i) => `${i},${i % 2 ? "red" : ""},${i % 4 ? "a" : "b"}`).join("\n")
}\n`;

/** Describes a file of one's own, with the consent of a person where the folder asks for it. */
const describeFile = (name: string, more: { readonly [member: string]: Json }, call = callApproving) =>
  inFolder(
    { "own.csv": CSV, "own.txt": "a line of text\n".repeat(50) },
    (folder) =>
      inWorkspace((kernel: Kernel) =>
        Effect.match(call(kernel, "data.describe", { data: { path: `${folder}/${name}`, ...more } }), {
          onFailure: (failure): Found => ({
            code: (failure as Failure).code,
            patch: (failure as Failure).fix?.patch as Json ?? null,
          }),
          onSuccess: (answer) => answer as Found,
        })
      ),
  );

Deno.test("the list names every set with its licence, its split, and what brings it where it is not here", async () => {
  const { sets } = await inWorkspace((kernel) => callAs(kernel, "data.list", {})) as { sets: ReadonlyArray<Found> };
  assert.deepEqual(sets.map(({ name }) => name), DATASETS.map(({ name }) => name));
  for (const { name, present, licence, splits, command, reason } of sets) {
    assert.ok(licence !== "" && splits !== "", String(name));
    assert.equal(present === false, typeof command === "string" && typeof reason === "string", String(name));
  }
});

Deno.test("a description shows schema, split, classes, numbers of the training part, and a sample", async () => {
  const iris = await describe("iris");
  assert.deepEqual(iris.target, { name: "species", type: "i32[]", kind: "classification", classes: 3 });
  const [{ minimum, maximum, column }] = iris.numbers as unknown as ReadonlyArray<
    { minimum: number; maximum: number; column: string }
  >;
  assert.ok(column === "lengths" && Math.abs(minimum - 0.1) < 1e-6 && Math.abs(maximum - 7.9) < 1e-6);
  const { inputs } = iris.sample as unknown as {
    inputs: ReadonlyArray<{ type: string; values: ReadonlyArray<number> }>;
  };
  assert.deepEqual([inputs[0].type, inputs[0].values.length], ["f32[1,4]", 4]);
  assert.deepEqual(await describe("iris"), iris);
});

Deno.test("a text is described by its documents, its bytes and its beginning", async () => {
  const { text, inputs, numbers } = await describe({ name: "sample-text", window: 32, stride: 16 });
  assert.deepEqual(inputs, [{ name: "tokens", type: "i32[32]" }]);
  const { documents, bytes, begins } = text as unknown as {
    documents: number;
    bytes: { train: number };
    begins: string;
  };
  assert.ok(documents === 20 && bytes.train > 30_000 && begins.startsWith("Now it came to pass"));
  assert.equal(numbers, undefined);
});

Deno.test("a table of one's own is described by its columns, gaps and all, whether held or passing", async () => {
  const made = await describeFile("own.csv", {});
  assert.deepEqual(made.columns, [
    { name: "width", kind: "number", missing: 0, at: 0, size: 1 },
    { name: "colour", kind: "category", missing: 10, at: 1, size: 2, values: ["red", "(missing)"] },
  ]);
  assert.deepEqual([made.held, made.samples, made.splits], [true, 20, { train: 18, validation: 1, test: 1 }]);
  const passing = await describeFile("own.csv", { stream: true });
  assert.deepEqual([passing.held, passing.samples, passing.splits], [false, 20, undefined]);
  assert.deepEqual(passing.columns, made.columns);
  assert.equal((await describeFile("own.txt", { window: 8 }) as { target: Found }).target.kind, "tokens");
});

Deno.test("the fix of a misspelled column, applied blindly, makes the call valid", async () => {
  const data = { target: "knid" };
  const { code, patch } = await describeFile("own.csv", data);
  assert.equal(code, "NEURAL_DATA_COLUMN");
  const mended = applyPatch(patch as never, { data }) as unknown as { data: { target: string } };
  assert.equal((await describeFile("own.csv", mended.data)).code, undefined);
});

Deno.test("a file outside the workspace asks a person, read whole or in parts", async () => {
  for (const stream of [false, true]) {
    assert.equal((await describeFile("own.csv", { stream }, callAs)).code, "KERNEL_APPROVAL_NEEDED");
  }
});

const reading = (check: (path: string) => Effect.Effect<void, Failure>) => ({ authority: "readLocal", check }) as never;

Deno.test("a file is read in parts that make it up again, and every part asks the grant about the real path", () =>
  inFolder({ "big.txt": "x".repeat(2 * PART_BYTES + 7) }, async (folder) => {
    const asked: Array<string> = [];
    const parts = await Effect.runPromise(
      Effect.provideService(
        Stream.runCollect(fileParts(`${folder}/./big.txt`)),
        caps.readLocal,
        reading((path) => Effect.sync(() => void asked.push(path))),
      ) as never as Effect.Effect<ReadonlyArray<Uint8Array>>,
    );
    assert.deepEqual(parts.map(({ length }) => length), [PART_BYTES, PART_BYTES, 7]);
    assert.ok(asked.length >= 4 && asked.every((path) => path === `${folder}/big.txt`));
  }));

Deno.test("a grant that is withdrawn ends the reading, and a file that is not there is a failure", () =>
  inFolder({ "big.txt": "x".repeat(3 * PART_BYTES) }, async (folder) => {
    let left = 2;
    const withdrawn = reading(() =>
      left-- > 0 ? Effect.void : Effect.fail(outOfReach({ action: "read", file: "big.txt" }))
    );
    const codeOf = (path: string, grant: never) =>
      Effect.runPromise(
        Effect.provideService(Effect.flip(Stream.runDrain(fileParts(path))), caps.readLocal, grant) as Effect.Effect<
          Failure
        >,
      ).then(({ code }) => code);
    assert.equal(await codeOf(`${folder}/big.txt`, withdrawn), "KERNEL_OUT_OF_REACH");
    assert.equal(await codeOf(`${folder}/absent`, reading(() => Effect.void)), "KERNEL_DISK");
  }));
