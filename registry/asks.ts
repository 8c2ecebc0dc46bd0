/**
 * Asks: what a plugin's process may have done for it while it serves a call, each under that call's own authority.
 *
 * Invariant: every answer goes through the call's context, grants and disk; there is no other way from a plugin to the
 * kernel, and what it calls, it calls as `plugin:<id>` (kernel/invoke.ts).
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import {
  type AnyOperation,
  AUTHORITIES,
  type Authority,
  CallContext,
  caps,
  denied,
  Disk,
  type DiskShape,
  type Failure,
  failureToJson,
  type Grant,
  isAbsolutePath,
  type Json,
  JsonValue,
  type KernelFailure,
  protocolViolation,
  resolvePath,
} from "../kernel/mod.ts";
import type { AskKind } from "./protocol.ts";

/** Failures that the kernel gave a plugin in this call, as JSON text: only these may come back in the kernel's name. */
export type Issued = Set<string>;

/** Most failures remembered a call. */
const MAX_ISSUED = 1_000;

const Progress = Schema.Struct({
  label: Schema.String.check(Schema.isMaxLength(200), Schema.isPattern(/^[^\p{Cc}\p{Cf}]*$/u)),
  done: Schema.Finite,
  total: Schema.optionalKey(Schema.Finite),
  unit: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(40), Schema.isPattern(/^[^\p{Cc}\p{Cf}]*$/u))),
});
const Invoke = Schema.Struct({ operation: Schema.String.check(Schema.isMaxLength(200)), input: JsonValue });
const Check = Schema.Struct({
  authority: Schema.Literals(AUTHORITIES),
  detail: Schema.String.check(Schema.isMaxLength(4_000)),
});
const DiskAsk = Schema.Struct({
  method: Schema.Literals(["read", "write", "remove", "makeFolder", "list", "stat"]),
  path: Schema.String.check(Schema.isMaxLength(4_000)),
  content: Schema.optionalKey(Schema.Uint8ArrayFromBase64),
});

type Answer = Effect.Effect<Json, Failure, CallContext>;

const decode = <T, E>(codec: Schema.Codec<T, E>, about: Json): Effect.Effect<T, KernelFailure> =>
  Schema.decodeUnknownEffect(codec, { onExcessProperty: "error" })(about).pipe(
    Effect.mapError(() => protocolViolation({ peer: "a plugin", reason: "its question is malformed" })),
  );

/** The call's grant of an authority, or a denial where the call has none. */
const grantOf = (declared: AnyOperation, authority: Authority, detail: string): Effect.Effect<Grant, KernelFailure> =>
  Effect.flatMap(
    Effect.serviceOption(caps[authority] as never),
    (grant) =>
      Option.isSome(grant) ? Effect.succeed(grant.value as Grant) : Effect.fail(
        denied({ operation: declared.id, authority, detail, rule: "the operation does not declare it" }),
      ),
  );

/** Files pass the call's own grants and the disk's resolution of links. */
const onDisk = (declared: AnyOperation, about: Json): Answer =>
  Effect.gen(function* () {
    const { method, path, content } = yield* decode(DiskAsk, about);
    const context = yield* CallContext;
    const absolute = isAbsolutePath(path) ? resolvePath("/", path) : resolvePath(context.workspace, path);
    const authority = method === "read" || method === "list" || method === "stat" ? "readLocal" : "writeLocal";
    const grant = yield* grantOf(declared, authority, absolute);
    const disk = Option.getOrUndefined(yield* Effect.serviceOption(Disk));
    if (disk === undefined) {
      return yield* denied({ operation: declared.id, authority, detail: absolute, rule: "this kernel has no disk" });
    }
    return yield* Effect.provideService(
      step(disk, method, absolute, content ?? new Uint8Array()),
      caps[authority] as never,
      grant as never,
    ) as Effect.Effect<Json, KernelFailure>;
  });

const step = (
  disk: DiskShape,
  method: typeof DiskAsk.Type["method"],
  path: string,
  content: Uint8Array,
): Effect.Effect<Json, KernelFailure, unknown> => {
  const done = Effect.map(() => null);
  if (method === "read") {
    return Effect.map(disk.read(path), (bytes) => Schema.encodeSync(Schema.Uint8ArrayFromBase64)(bytes));
  }
  if (method === "list") return disk.list(path);
  if (method === "stat") return Effect.map(disk.stat(path), (found) => found === undefined ? null : { ...found });
  if (method === "write") return done(disk.write(path, content));
  return done(method === "remove" ? disk.remove(path) : disk.makeFolder(path));
};

const ANSWERS: { readonly [K in AskKind]: (declared: AnyOperation, about: Json) => Answer } = {
  event: (declared, about) =>
    Effect.gen(function* () {
      const context = yield* CallContext;
      if (declared.event === undefined) {
        return yield* protocolViolation({ peer: "a plugin", reason: `${declared.id} has no events` });
      }
      yield* context.emit(yield* decode(declared.event, about));
      return null;
    }),
  progress: (_declared, about) =>
    Effect.gen(function* () {
      const context = yield* CallContext;
      yield* context.progress(yield* decode(Progress, about));
      return null;
    }),
  invoke: (_declared, about) =>
    Effect.gen(function* () {
      const { operation, input } = yield* decode(Invoke, about);
      return yield* (yield* CallContext).invoke(operation, input);
    }),
  check: (declared, about) =>
    Effect.gen(function* () {
      const { authority, detail } = yield* decode(Check, about);
      yield* (yield* grantOf(declared, authority, detail)).check(detail);
      return null;
    }),
  disk: onDisk,
};

/** Answers one question of the plugin that serves a call of `declared`; what is refused is remembered in `issued`. */
export const answerAsk = (declared: AnyOperation, what: AskKind, about: Json, issued: Issued): Answer =>
  ANSWERS[what](declared, about).pipe(
    Effect.tapError((failure) =>
      Effect.sync(() => {
        if (issued.size < MAX_ISSUED) issued.add(JSON.stringify(failureToJson(failure)));
      })
    ),
  );
