/**
 * Program source: the one way in which operations are given a program, and the reading of it: text, bytes, or the digest
 * of a stored artifact.
 *
 * Invariant: a failure, and the patch that mends it, name the place of the input where the program stands; `kindsOf`
 * bounds what any run of the program may ask for, since a run only ever evaluates parts of its tree.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import {
  type Authorities,
  type CallContext,
  type CapsOf,
  Digest,
  facilityAbsent,
  Failure,
  failureToJson,
  fieldsOf,
  isFailure,
  type JsonPatch,
  type KernelFailure,
  type Kind,
} from "../../kernel/mod.ts";
import { Artifacts } from "../../registry/contract.ts";
import { attempting } from "./attempting.ts";
import { decodeAny } from "./codec/any.ts";
import type { Program } from "./codec/v1.ts";
import { opcodesOf } from "./expression.ts";
import { badText, notAllowed, notStored, type RmilFailure } from "./failures.ts";
import { opOf } from "./opcodes.ts";
import { OP_EFFECTS } from "./ops/row.ts";
import type { Symbols } from "./symbols.ts";
import { parse, type Parsed } from "./syntax/parser.ts";
import { readSource } from "./syntax/reading.ts";

/** A program as a caller gives it. */
export type GivenProgram =
  | string
  | { readonly source: string }
  | { readonly hex: string }
  | { readonly digest: Digest };

const Source = Schema.String.annotate({ description: "source text, such as linear(64) >> relu" });

/** A program as source text, bytes of either version, or the digest of a stored one. */
export const ProgramSource: Schema.Codec<GivenProgram> = Schema.Union([
  Source,
  Schema.Struct({ source: Source }),
  Schema.Struct({
    hex: Schema.String.annotate({ description: "a program's bytes in hexadecimal, of either version" }),
  }),
  Schema.Struct({ digest: Digest }),
]) as unknown as Schema.Codec<GivenProgram>;

const isStored = (given: GivenProgram | undefined): given is { readonly digest: Digest } =>
  typeof given === "object" && "digest" in given;

/** What reading programs needs: nothing, or the state folder where one of them is stored. */
export const toRead = (...given: ReadonlyArray<GivenProgram | undefined>): Authorities & {
  readonly effects: ReadonlyArray<"readLocal">;
} => ({ effects: given.some(isStored) ? ["readLocal"] : [] });

/** Where a program's source text stands in the input; `undefined` where it was not given as text. */
export const sourcePath = (given: GivenProgram, path = "/program"): string | undefined =>
  typeof given === "string" ? path : "source" in given ? `${path}/source` : undefined;

const movedPatch = (patch: JsonPatch, to: string): JsonPatch => patch.map((edit) => ({ ...edit, path: to }));

/** The same failure at a place of the input; where it named a byte, the message does. */
export const failureAt = (thrown: Failure, path: string): Failure => {
  const byte = /^\/(\d+)$/u.exec(thrown.path)?.[1];
  const says = byte === undefined || thrown.message.includes(`byte ${byte}`);
  const message = says ? thrown.message : `${thrown.message} (byte ${byte})`;
  const patch = thrown.fix?.patch === undefined ? {} : { patch: movedPatch(thrown.fix.patch, path) };
  const fix = thrown.fix === undefined ? {} : { fix: { ...thrown.fix, ...patch } };
  return new Failure({ ...fieldsOf(thrown), message, path, ...fix } as never);
};

const at = <A>(path: string, read: () => A): A => {
  try {
    return read();
  } catch (thrown) {
    throw isFailure(thrown) ? failureAt(thrown, path) : thrown;
  }
};

/** The program of a text at a path of the input, over a table of names where one is given. */
export const programAt = (source: string, path: string, symbols?: Symbols): Parsed =>
  readSource(source, path, symbols === undefined ? {} : { symbols });

/** Bytes from pairs of hexadecimal digits. */
export const bytesOfHex = (hex: string, path: string): Uint8Array => {
  if (hex.length % 2 === 0 && /^[0-9a-fA-F]*$/u.test(hex)) return Uint8Array.fromHex(hex);
  throw badText({ what: "bytes", reason: "pairs of hexadecimal digits are expected", path });
};

const programIn = (given: Exclude<GivenProgram, { readonly digest: Digest }>, path: string): Program => {
  if (typeof given === "string") return programAt(given, path);
  if ("source" in given) return programAt(given.source, `${path}/source`);
  const bytes = bytesOfHex(given.hex, `${path}/hex`);
  return at(`${path}/hex`, () => decodeAny(bytes));
};

/** What came out of the store, as a program: a stored text is source text. */
const programOfArtifact = (bytes: Uint8Array, media: string): Program => {
  if (!media.startsWith("text/")) return decodeAny(bytes);
  try {
    return parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (thrown) {
    if (isFailure(thrown)) throw thrown;
    throw badText({ what: "stored program", reason: "it is not UTF-8" });
  }
};

type Reading = Effect.Effect<Program, RmilFailure | KernelFailure, CallContext | CapsOf<"readLocal">>;

/** A failure of the store as one of ours; those of the kernel stay what they are. */
export const storeFailure = (digest: string, path: string) => (failure: Failure): RmilFailure | KernelFailure =>
  failure.code.startsWith("KERNEL_")
    ? failure as KernelFailure
    : notStored({ digest, reason: failure.message, path, actual: failureToJson(failure) });

/** The store of artifacts; a kernel may run without one. */
export const artifacts: Effect.Effect<Artifacts["Service"], KernelFailure> = Effect.flatMap(
  Effect.serviceOption(Artifacts),
  (found) =>
    Option.isSome(found)
      ? Effect.succeed(found.value)
      : Effect.fail(facilityAbsent({ facility: "stored programs", reason: "this kernel has no store of artifacts" })),
);

const stored = (digest: Digest, path: string): Reading =>
  Effect.gen(function* () {
    const store = yield* artifacts;
    const found = Effect.all({ info: store.find(digest, path), bytes: store.read(digest) });
    const { info, bytes } = yield* Effect.mapError(found, storeFailure(digest, path));
    return yield* attempting<Program, RmilFailure>(() => at(path, () => programOfArtifact(bytes, info.media)));
  });

/** Reads a program; the place of a failure is below `path`. */
export const programFrom = (given: GivenProgram, path = "/program"): Reading =>
  isStored(given) ? stored(given.digest, `${path}/digest`) : attempting(() => programIn(given, path));

const kindsIn = ({ root }: Program): ReadonlyArray<Kind> => [
  ...new Set(opcodesOf(root).flatMap((code): ReadonlyArray<Kind> => OP_EFFECTS[opOf(code)?.effect ?? "pure"].kinds)),
];

/** Kinds that a run of some program may need. */
export const PROGRAM_KINDS = ["agent"] as const;

/** A kind that a run of some program may need. */
export type ProgramKind = typeof PROGRAM_KINDS[number];

/** Schema of what a caller allows a program that is given by its digest, which the gate cannot see. */
export const Allowed = Schema.optionalKey(
  Schema.Array(Schema.Literals(PROGRAM_KINDS)).annotate({
    description: "kinds that a program given by its digest may need; what a text or bytes need is seen in them",
  }),
);

/** The kinds that a run of a given program may need: those of every op in its tree; of a stored one, those allowed. */
export const kindsOf = (given: GivenProgram, allow: ReadonlyArray<ProgramKind> = []): ReadonlyArray<Kind> => {
  if (isStored(given)) return allow;
  try {
    return kindsIn(programIn(given, ""));
  } catch (thrown) {
    // What cannot be read is refused by the handler, which needs nothing for that.
    if (isFailure(thrown)) return [];
    throw thrown;
  }
};

/** Reads a program that will be run: a stored one is refused where it needs what was not allowed. */
export const programToRun = (given: GivenProgram, allow: ReadonlyArray<ProgramKind> = []): Reading =>
  Effect.flatMap(programFrom(given), (program) => {
    const missing = isStored(given) ? kindsIn(program).find((kind) => !allow.includes(kind as ProgramKind)) : undefined;
    return missing === undefined
      ? Effect.succeed(program)
      : Effect.fail(notAllowed({ kind: missing, path: "/allow", expected: [...allow, missing] }));
  });
