/**
 * Supervisor: the port through which a process that may start nothing asks for one of a few fixed kinds of child.
 *
 * Not a shell: a request names a kind, an id and limits, never a command line.
 * Invariant: who serves the request decides what the child may do; this port cannot ask for a permission.
 *
 * @module
 */
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import type { KernelFailure } from "./failure.ts";
import type { Json } from "./json.ts";
import type { WorkerLimits } from "./sandbox_limits.ts";

/** A request with one answer. */
export type OneShot =
  /** Run a candidate's default export on an input, without permissions and within limits. */
  | {
    readonly kind: "sandbox";
    readonly source: string;
    readonly input: Json;
    readonly limits: { readonly [limit: string]: number };
  }
  /** Run a program that a person named in the policy file, with JSON on its standard input. */
  | {
    readonly kind: "program";
    readonly program: string;
    readonly input: Json;
    readonly limits: { readonly wallMs: number; readonly outputBytes: number };
  }
  /** Run a command of the supervisor's own table. */
  | { readonly kind: "command"; readonly command: string; readonly arguments: { readonly [name: string]: Json } };

/**
 * A request that starts a process to talk with: a locked plugin, any plugin's code only to see what it declares, or our
 * own functions.
 */
export type Conversation =
  | { readonly kind: "host"; readonly plugin: string }
  | { readonly kind: "host"; readonly look: string; readonly folder?: string }
  /** Runs jobs of one of our own modules without any permission, within limits (kernel/workers.ts). */
  | { readonly kind: "worker"; readonly module: string; readonly limits: WorkerLimits };

/** Hears a process that was started for a conversation. */
export interface Listener {
  /** One message of the process. */
  readonly message: (message: Json) => void;
  /** The process ended, or could not be started; what is known of why. Called once. */
  readonly ended: (ending: Json) => void;
}

/** A process in conversation. */
export interface Partner {
  /** Sends one message. */
  readonly send: (message: Json) => void;
  /** Ends the process. */
  readonly stop: () => void;
}

/** What a supervisor does. */
export interface SupervisorShape {
  /** Asks once; interrupting the effect ends the child. A refused request is `KERNEL_PROTOCOL`. */
  readonly request: (request: OneShot) => Effect.Effect<Json, KernelFailure>;
  /** Starts a conversation; `KERNEL_FACILITY_ABSENT` where nothing can be started. */
  readonly open: (request: Conversation, listener: Listener) => Effect.Effect<Partner, KernelFailure>;
}

const SupervisorBase: Context.ServiceClass<Supervisor, "rmi/Supervisor", SupervisorShape> = Context.Service<
  Supervisor,
  SupervisorShape
>()("rmi/Supervisor");

/** The supervisor service. */
export class Supervisor extends SupervisorBase {}
