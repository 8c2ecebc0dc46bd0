/**
 * Gate and Journal: the two ports through which every call from outside passes before and after it runs.
 *
 * Not their implementations (effects/). The kernel fails closed: without a gate only pure operations run.
 * Invariant: a call with effects has a decision before anything happens and a journal entry on both sides.
 *
 * @module
 */
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import type { Actor } from "./actor.ts";
import type { EffectName, Grant, Kind } from "./authority.ts";
import type { Digest } from "./digest.ts";
import type { Failure, KernelFailure } from "./failure.ts";
import type { Json } from "./json.ts";

/** One call, as the gate and the journal see it. */
export interface Call {
  /** Fresh identifier. */
  readonly id: string;
  /** The call this one was made from, if any. */
  readonly parent?: string;
  /** Operation id. */
  readonly operation: string;
  /** Identity of the declaration. */
  readonly declaration: Digest;
  /** Identity of the canonical encoded input. */
  readonly arguments: Digest;
  /** The canonical encoded input, paths already resolved. */
  readonly input: Json;
  /** Members of the input that hold private text, as names from the root; `*` is every item of a list. */
  readonly privates?: ReadonlyArray<ReadonlyArray<string>>;
  /** Who asks. */
  readonly actor: Actor;
  /** Effect classes of this call, refined. */
  readonly effects: ReadonlyArray<EffectName>;
  /** Finer kinds of this call, refined. */
  readonly kinds: ReadonlyArray<Kind>;
  /** Whether the system can undo it. */
  readonly reversible: boolean;
  /** Absolute paths named by the input, by what is done with them. */
  readonly paths: { readonly read: ReadonlyArray<string>; readonly write: ReadonlyArray<string> };
}

/** A positive decision: which rule allowed the call, and the handles it may use. */
export interface Decision {
  /** Name of the policy rule. */
  readonly rule: string;
  /** Handles for the call's authorities. */
  readonly grants: ReadonlyArray<Grant>;
  /** Ends the grants; the engine runs it when the call has ended, however it ended. */
  readonly release?: Effect.Effect<void>;
}

/** What the gate knows of an operation before it is called. */
export type Listed = {
  readonly id: string;
  readonly effects: ReadonlyArray<string>;
  readonly kinds: ReadonlyArray<string>;
  /** Whether a call may need less than `effects` and `kinds` (the declaration has a `refine`). */
  readonly refined?: boolean;
};

/** Decides on calls and on what a caller may know of. */
export interface GateShape {
  /** Allows the call, or fails with `KERNEL_DENIED`, `KERNEL_APPROVAL_NEEDED`, or why it could not decide. */
  readonly decide: (call: Call) => Effect.Effect<Decision, Failure>;
  /** Whether the actor may know that the operation exists; denied outright means hidden. */
  readonly visible: (listed: Listed, actor: Actor) => boolean;
}

const GateBase: Context.ServiceClass<Gate, "rmi/Gate", GateShape> = Context.Service<Gate, GateShape>()("rmi/Gate");

/** The gate service. */
export class Gate extends GateBase {}

/** How a call ended. */
export type Outcome =
  | { readonly ok: true; readonly output: Digest }
  | { readonly ok: false; readonly failure: Json };

/** An intent that never got its outcome. */
export interface Dangling {
  /** Call id. */
  readonly call: string;
  /** Operation id. */
  readonly operation: string;
  /** Who asked. */
  readonly actor: string;
  /** When the intent was written, ISO 8601. */
  readonly at: string;
}

/** Records intents and outcomes of calls with effects beyond reading. */
export interface JournalShape {
  /** Writes the intent, durably, before anything happens. */
  readonly intent: (call: Call, decision: Decision) => Effect.Effect<void, Failure>;
  /** Writes the outcome. */
  readonly outcome: (call: Call, outcome: Outcome) => Effect.Effect<void, Failure>;
  /** Intents of earlier processes without an outcome. */
  readonly dangling: Effect.Effect<ReadonlyArray<Dangling>, KernelFailure>;
}

const JournalBase: Context.ServiceClass<Journal, "rmi/Journal", JournalShape> = Context.Service<
  Journal,
  JournalShape
>()("rmi/Journal");

/** The journal service. */
export class Journal extends JournalBase {}
