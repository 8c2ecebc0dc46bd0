/**
 * Handlers of the operations that exchange programs: bytes and files in, bytes and files out.
 *
 * Invariant: emitters are loaded when one is first asked for.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Disk } from "../../kernel/disk.ts";
import { invalidInput } from "../../kernel/failures.ts";
import { attemptEffect, locate } from "./failures.ts";
import { programDigest } from "./hash.ts";
import { tensorFromJson, type TensorJson } from "./interchange.ts";
import type { Emit, Import } from "./operations_exchange.ts";
import { importOnnx } from "./onnx/import.ts";
import { parseProgram, printProgram } from "./text.ts";
import { printType } from "./types.ts";
import type { Tensor } from "./value.ts";

type InputOf<O extends { readonly input: unknown }> = O["input"] extends { readonly Type: infer T } ? T : never;

const fromBase64 = Schema.decodeSync(Schema.Uint8ArrayFromBase64);
const toBase64 = Schema.encodeSync(Schema.Uint8ArrayFromBase64);

const modelBytes = ({ file, base64 }: InputOf<typeof Import>) =>
  Effect.gen(function* () {
    if ((file === undefined) === (base64 === undefined)) {
      return yield* invalidInput({
        operation: "ir.import",
        problem: file === undefined ? "no model was given" : "two models were given",
        expected: "exactly one of file and base64",
      });
    }
    return file === undefined ? fromBase64(base64!) : yield* (yield* Disk).read(file);
  });

const tensorsOf = (given: { readonly [name: string]: TensorJson }, path: string): { readonly [name: string]: Tensor } =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      locate(`${path}/${name}`, () => tensorFromJson(value, `${path}/${name}`)),
    ]),
  );

const imported = (input: InputOf<typeof Import>) =>
  Effect.gen(function* () {
    const bytes = yield* modelBytes(input);
    return yield* attemptEffect(() => {
      const { program, inputs, outputs, weights, opset } = importOnnx(bytes, {
        ...(input.known === undefined ? {} : { known: tensorsOf(input.known, "/known") }),
        ...(input.sizes === undefined ? {} : { sizes: input.sizes }),
        ...(input.weights === undefined ? {} : { weights: input.weights }),
      });
      const literals = [...weights].map(([name, value]) => ({ name, type: printType(value) }));
      return {
        program: printProgram(program),
        digest: programDigest(program),
        inputs,
        outputs,
        weights: literals,
        opset,
      };
    });
  });

/** Options that only one kind of target has. */
const ONNX_ONLY = ["opset", "weights"] as const;

const emitted = (input: InputOf<typeof Emit>) =>
  Effect.gen(function* () {
    const { to, sizes, opset, weights, inputs } = input;
    const foreign = to === "onnx" ? (["inputs"] as const) : ONNX_ONLY;
    const extra = foreign.find((name) => input[name] !== undefined);
    if (extra !== undefined) {
      return yield* invalidInput({
        operation: "ir.emit",
        problem: `${to} takes no ${extra}`,
        path: `/${extra}`,
        fix: { summary: "Leave it out", patch: [{ op: "remove", path: `/${extra}` }] },
      });
    }
    const bound = sizes === undefined ? {} : { sizes };
    if (to === "onnx") {
      const { exportOnnx } = yield* Effect.promise(() => import("./onnx/export.ts"));
      return yield* attemptEffect(() =>
        exportOnnx(parseProgram(input.program), {
          ...bound,
          ...(opset === undefined ? {} : { opset }),
          ...(weights === undefined ? {} : { weights: tensorsOf(weights, "/weights") }),
        })
      );
    }
    const { emitText } = yield* Effect.promise(() => import("./emit/targets.ts"));
    return yield* attemptEffect(() =>
      emitText(parseProgram(input.program), to, {
        ...bound,
        ...(inputs === undefined ? {} : { inputs: inputs.map((value, i) => tensorFromJson(value, `/inputs/${i}`)) }),
      })
    );
  });

const delivered = (input: InputOf<typeof Emit>) =>
  Effect.gen(function* () {
    const { to, file } = input;
    const made = yield* emitted(input);
    const bytes = typeof made === "string" ? new TextEncoder().encode(made) : made;
    const answer = { to, bytes: bytes.length };
    if (file !== undefined) {
      yield* (yield* Disk).write(file, bytes);
      return { ...answer, file };
    }
    return typeof made === "string" ? { ...answer, text: made } : { ...answer, base64: toBase64(made) };
  });

/** The handlers. */
export const exchangeHandlers = {
  "ir.import": imported,
  "ir.emit": delivered,
};
