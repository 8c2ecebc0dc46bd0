/**
 * Invoke: one call, from encoded input to encoded output: decode → gate → reserve → journal → run → encode → journal.
 *
 * Not a shortcut for plugins: a call made from a call passes the same way, with less authority, never more.
 * Invariant: nothing happens before the decision; a call that may change something has an intent before it runs and an
 * outcome after it, whatever way it ends; authority ends with the call.
 *
 * @module
 */
import * as Cause from "effect/Cause";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Schema from "effect/Schema";
import * as SchemaIssue from "effect/SchemaIssue";
import { type Authority, caps, type Grant } from "./authority.ts";
import { type Boot, isolated } from "./boot.ts";
import { type Catalogue, type Declared, describeCause } from "./catalogue.ts";
import { CallContext, type CallContextShape } from "./context.ts";
import { decodeInput, inputFailure } from "./correction.ts";
import { digestText } from "./digest.ts";
import { type EntropyShape, freshId } from "./entropy.ts";
import { type Failure, failureToJson, isFailure } from "./failure.ts";
import {
  budgetExhausted,
  defect,
  denied,
  interrupted,
  invalidInput,
  invalidOutput,
  subcallFailed,
} from "./failures.ts";
import type { Call, Decision, GateShape, JournalShape } from "./gate.ts";
import { canonicalJson, type Json, NotCanonical } from "./json.ts";
import type { Request } from "./kernel.ts";
import { type Account, type Amounts, AXES, type Axis, Budget, type MeterShape } from "./meter.ts";
import { type AnyOperation, authoritiesOf, declarationDigest } from "./operation.ts";
import { random } from "./random.ts";
import { locate, roleFields } from "./roles.ts";

/** What is reserved for a call on the axes that neither the caller nor the declaration names. */
export const DEFAULT_RESERVE: Amounts = {
  fuel: 50_000_000,
  wallMs: 60_000,
  bytes: 64 * 1024 * 1024,
  tokens: 0,
  moneyMicros: 0,
  messages: 1_000,
};

/** Calls made from calls, at most this deep. */
export const MAX_CALL_DEPTH = 16;

/** What a kernel calls through. */
export interface Engine {
  /** The declarations. */
  readonly catalogue: Catalogue;
  /** The plugins. */
  readonly boot: Boot;
  /** Decides. */
  readonly gate: GateShape;
  /** Accounts. */
  readonly meter: MeterShape;
  /** Remembers. */
  readonly journal: JournalShape;
  /** Fresh ids. */
  readonly entropy: EntropyShape;
  /** The folders calls work in. */
  readonly folders: { readonly workspace: string; readonly state: string; readonly output: string };
  /** Seed of calls that bring none. */
  readonly seed: string;
}

/** The call a call was made from. */
interface Parent {
  readonly call: Call;
  readonly grants: ReadonlyMap<Authority, Grant>;
  readonly account: Account;
  readonly depth: number;
}

const digests = new WeakMap<AnyOperation, ReturnType<typeof declarationDigest>>();

const identityOf = (declared: AnyOperation) => {
  const known = digests.get(declared) ?? declarationDigest(declared);
  digests.set(declared, known);
  return known;
};

const canonical = (operation: string, input: Json): Effect.Effect<string, Failure> =>
  Effect.try({
    try: () => canonicalJson(input),
    catch: (cause) =>
      invalidInput({
        operation,
        problem: cause instanceof NotCanonical ? cause.message : describeCause(cause),
        path: cause instanceof NotCanonical ? cause.path : "",
        expected: "canonical JSON",
      }),
  });

/** Decodes and locates: the call as the gate sees it, and the decoded input its handler gets. */
const read = (engine: Engine, { operation: declared }: Declared, request: Request, parent: Parent | undefined) =>
  Effect.gen(function* () {
    const given = request.input;
    yield* canonical(declared.id, given);
    if (Exit.isFailure(decodeInput(declared)(given))) return yield* inputFailure(declared, given);
    const located = locate(declared, given, engine.folders.workspace);
    const privates = roleFields(declared).filter(({ role }) => role === "privateText").map(({ pattern }) => pattern);
    const decoded = decodeInput(declared)(located.input);
    if (Exit.isFailure(decoded)) return yield* inputFailure(declared, located.input);
    const { effects, kinds } = authoritiesOf(declared, decoded.value);
    const call: Call = {
      id: freshId(engine.entropy),
      ...(parent === undefined ? {} : { parent: parent.call.id }),
      operation: declared.id,
      declaration: identityOf(declared),
      arguments: digestText(yield* canonical(declared.id, located.input)),
      input: located.input,
      actor: request.actor,
      effects,
      kinds,
      reversible: declared.reversible,
      paths: located.paths,
      ...(privates.length === 0 ? {} : { privates }),
    };
    return { call, input: decoded.value };
  });

/** Authority of a call made from a call: what its parent has and policy grants again, both asked at every use. */
const attenuate = (
  call: Call,
  grants: ReadonlyArray<Grant>,
  parent: Parent,
): Effect.Effect<ReadonlyArray<Grant>, Failure> =>
  Effect.forEach(grants, (grant) => {
    const above = parent.grants.get(grant.authority);
    return above === undefined
      ? Effect.fail(
        denied({
          operation: call.operation,
          authority: grant.authority,
          detail: `a call from ${parent.call.operation}`,
          rule: "a call never has more authority than the call it was made from",
        }),
      )
      : Effect.succeed({
        authority: grant.authority,
        check: (detail) => Effect.andThen(above.check(detail), grant.check(detail)),
      });
  });

/** Handles of a call stop working when it ends, so nothing it left running can use them. */
const untilEnd = (call: Call, grants: ReadonlyArray<Grant>) => {
  let open = true;
  const lasting = grants.map((grant): Grant => ({
    authority: grant.authority,
    check: (detail) =>
      Effect.suspend(() =>
        open ? grant.check(detail) : Effect.fail(
          denied({
            operation: call.operation,
            authority: grant.authority,
            detail,
            rule: "authority ends with its call",
          }),
        )
      ),
  }));
  return { grants: lasting, close: Effect.sync(() => void (open = false)) };
};

const needsJournal = (call: Call): boolean => call.effects.some((effect) => effect !== "readLocal");

const issueText = (error: unknown): string =>
  error instanceof Schema.SchemaError
    ? SchemaIssue.makeFormatterDefault()(error.issue).split("\n")[0]
    : describeCause(error);

const encode = (
  declared: AnyOperation,
  codec: AnyOperation["output"],
  value: unknown,
): Effect.Effect<Json, Failure> => {
  const exit = Schema.encodeUnknownExit(codec)(value) as Exit.Exit<Json, Schema.SchemaError>;
  if (Exit.isFailure(exit)) {
    return Effect.fail(invalidOutput({ operation: declared.id, problem: issueText(Cause.squash(exit.cause)) }));
  }
  return Effect.try({
    try: () => {
      canonicalJson(exit.value);
      return exit.value;
    },
    catch: (cause) => invalidOutput({ operation: declared.id, problem: describeCause(cause) }),
  });
};

/** One failure for whatever way a handler ended badly. */
const failureOf = (operation: string, cause: Cause.Cause<unknown>): Failure => {
  const reason = cause.reasons.find(({ _tag }) => _tag === "Fail") ?? cause.reasons.find(({ _tag }) => _tag === "Die");
  if (reason?._tag === "Fail" && isFailure(reason.error)) return reason.error;
  if (reason?._tag === "Fail") return defect({ operation, cause: describeCause(reason.error) });
  if (reason?._tag === "Die") return defect({ operation, cause: describeCause(reason.defect) });
  return interrupted({ operation });
};

interface Prepared {
  readonly engine: Engine;
  readonly declared: Declared;
  readonly request: Request;
  readonly call: Call;
  readonly input: unknown;
  readonly decision: Decision;
  readonly depth: number;
}

const contextOf = (prepared: Prepared, grants: ReadonlyArray<Grant>, account: Account): CallContextShape => {
  const { engine, declared, request, call, depth } = prepared;
  const self: Parent = { call, account, depth, grants: new Map(grants.map((grant) => [grant.authority, grant])) };
  const seed = request.seed === undefined ? `${engine.seed}/${call.operation}/${call.arguments}` : String(request.seed);
  return {
    id: call.id,
    operation: call.operation,
    actor: call.actor,
    workspace: engine.folders.workspace,
    stateFolder: engine.folders.state,
    outputFolder: engine.folders.output,
    random: random(seed),
    emit: (event) =>
      request.onEvent === undefined || declared.operation.event === undefined
        ? Effect.void
        : encode(declared.operation, declared.operation.event, event).pipe(
          Effect.orDie,
          Effect.flatMap(request.onEvent),
        ),
    progress: (progress) => request.onProgress?.(progress) ?? Effect.void,
    invoke: (operation, input) =>
      invoke(engine, {
        operation,
        input,
        // Code that is not ours never speaks in its caller's name.
        actor: declared.plugin.foreign === true ? `plugin:${declared.plugin.id}` : call.actor,
        seed: `${seed}/${operation}`,
        ...(request.onProgress ? { onProgress: request.onProgress } : {}),
      }, self).pipe(
        Effect.mapError((failure) =>
          subcallFailed({
            operation: call.operation,
            called: operation,
            message: failure.message,
            actual: failureToJson(failure),
            ...(failure.fix ? { fix: failure.fix } : {}),
          })
        ),
      ),
  };
};

/** Runs the handler within the account's time, with the call's authority, and encodes what it answers. */
const run = (prepared: Prepared, account: Account): Effect.Effect<Json, Failure> =>
  Effect.gen(function* () {
    const { engine, declared, call, decision } = prepared;
    const plugin = yield* engine.boot.start(declared.plugin.id);
    const { grants, close } = untilEnd(call, decision.grants);
    let context = Context.add(plugin.context, CallContext, contextOf(prepared, grants, account));
    context = Context.add(context, Budget, account);
    for (const grant of grants) context = Context.add(context, caps[grant.authority] as never, grant as never);
    const allowedMs = account.remaining().wallMs;
    const handler = Effect.suspend(() => plugin.handlers[call.operation](prepared.input as never));
    const handled = isolated(handler, context).pipe(
      Effect.timeoutOrElse({
        duration: allowedMs,
        orElse: () =>
          Effect.fail(budgetExhausted({ account: account.name, axis: "wallMs", asked: allowedMs, remaining: 0 })),
      }),
      Effect.ensuring(close),
    );
    return yield* encode(declared.operation, declared.operation.output, yield* handled);
  });

/** Calls an operation; the whole of `kernel.invoke`. */
export const invoke = (engine: Engine, request: Request, parent?: Parent): Effect.Effect<Json, Failure> =>
  Effect.gen(function* () {
    const depth = (parent?.depth ?? 0) + 1;
    const declared = yield* engine.catalogue.find(request.operation, request.actor);
    const { operation } = declared;
    if (depth > MAX_CALL_DEPTH) {
      return yield* budgetExhausted({
        account: operation.id,
        axis: "call depth",
        asked: depth,
        remaining: MAX_CALL_DEPTH,
      });
    }
    yield* checkBudget(operation, request.budget);
    const { call, input } = yield* read(engine, declared, request, parent);
    const decided = yield* Effect.acquireRelease(engine.gate.decide(call), ({ release }) => release ?? Effect.void);
    const decision = parent === undefined
      ? decided
      : { ...decided, grants: yield* attenuate(call, decided.grants, parent) };
    const prepared: Prepared = { engine, declared, request, call, input, decision, depth };
    // A call made from a call draws on its parent's account as it goes, so that siblings at work at the same time share
    // what there is; the parent's time bounds it, because it runs inside.
    const account = parent?.account ?? (yield* openAccount(engine, operation, request));
    return yield* recorded(prepared, run(prepared, account));
  }).pipe(
    Effect.scoped,
    Effect.catchCause((cause) => Effect.fail(failureOf(request.operation, cause))),
    Effect.withSpan(`invoke ${request.operation}`, { attributes: { "rmi.actor": request.actor } }),
  );

/** A limit that is misspelt must not be taken for none. */
const checkBudget = (operation: AnyOperation, budget: Request["budget"]): Effect.Effect<void, Failure> => {
  const wrong = Object.entries(budget ?? {}).find(([axis, amount]) =>
    !AXES.includes(axis as Axis) || !Number.isSafeInteger(amount) || amount < 0
  );
  return wrong === undefined ? Effect.void : Effect.fail(invalidInput({
    operation: operation.id,
    problem: `its budget names ${wrong[0]} as ${wrong[1]}; expected whole numbers from 0 of ${AXES.join(", ")}`,
    expected: [...AXES],
  }));
};

const openAccount = (engine: Engine, operation: AnyOperation, request: Request) => {
  const amounts = { ...DEFAULT_RESERVE, ...operation.cost.reserve, ...request.budget };
  const from = request.account;
  return engine.meter.open(
    { operation: operation.id, actor: request.actor, ...(from ? { parent: from } : {}) },
    from === undefined ? amounts : within(amounts, from.remaining(), request.budget),
  );
};

/** Amounts a caller named stay as named (and fail if they are not there); defaulted ones shrink to what is left. */
const within = (amounts: Amounts, left: Amounts, named: Partial<Amounts> = {}): Amounts =>
  Object.fromEntries(
    Object.entries(amounts).map(([axis, amount]) => {
      const key = axis as keyof Amounts;
      return [axis, named[key] === undefined ? Math.min(amount, left[key]) : amount];
    }),
  ) as unknown as Amounts;

/** Puts an intent before and an outcome after a call that may change something. */
const recorded = (prepared: Prepared, body: Effect.Effect<Json, Failure>): Effect.Effect<Json, Failure> => {
  const { engine, call, decision } = prepared;
  if (!needsJournal(call)) return body;
  return Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      yield* engine.journal.intent(call, decision);
      const exit = yield* Effect.exit(restore(body));
      yield* engine.journal.outcome(
        call,
        Exit.isSuccess(exit)
          ? { ok: true, output: digestText(canonicalJson(exit.value)) }
          : { ok: false, failure: failureToJson(failureOf(call.operation, exit.cause)) },
      );
      return yield* exit;
    })
  );
};
