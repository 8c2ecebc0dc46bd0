/**
 * CallContext: what a handler knows of the call it serves, and the only ways back into the kernel.
 *
 * Not a bag of services: authority comes through `Cap`, money through `Budget`, files through `Disk`.
 * Invariant: a call made from a call keeps its actor and can never do more than its parent was granted.
 *
 * @module
 */
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import type { Actor } from "./actor.ts";
import type { KernelFailure } from "./failure.ts";
import type { Json } from "./json.ts";
import type { Random } from "./random.ts";

/** Progress of long work: done of total, in a unit; `total` absent while unknown. */
export interface Progress {
  /** What is being done, a few words. */
  readonly label: string;
  /** Units finished. */
  readonly done: number;
  /** Units in all, where known. */
  readonly total?: number;
  /** The unit, for a person. */
  readonly unit?: string;
}

/** The call in progress. */
export interface CallContextShape {
  /** Fresh identifier of the call. */
  readonly id: string;
  /** Operation id. */
  readonly operation: string;
  /** Who asked. */
  readonly actor: Actor;
  /** The folder a relative path of the user's means; absolute. */
  readonly workspace: string;
  /** The folder for durable state, absolute. */
  readonly stateFolder: string;
  /** The folder for results a person wants, absolute. */
  readonly outputFolder: string;
  /** Randomness of this call: the caller's seed where it gave one, else the kernel's seed and the arguments' digest. */
  readonly random: Random;
  /** Emits an event of a streaming operation (decoded side of its `event` codec). Waits while the caller is behind. */
  readonly emit: (event: unknown) => Effect.Effect<void>;
  /** Reports progress; surfaces draw it, nothing stores it. */
  readonly progress: (progress: Progress) => Effect.Effect<void>;
  /**
   * Calls another operation inside this call: same actor, this call's budget, at most this call's authorities. Its
   * failure arrives as `KERNEL_SUBCALL`, whole in `actual`.
   */
  readonly invoke: (operation: string, input: Json) => Effect.Effect<Json, KernelFailure>;
}

const CallContextBase: Context.ServiceClass<CallContext, "rmi/CallContext", CallContextShape> = Context.Service<
  CallContext,
  CallContextShape
>()("rmi/CallContext");

/** The service of {@link CallContextShape}. */
export class CallContext extends CallContextBase {}
