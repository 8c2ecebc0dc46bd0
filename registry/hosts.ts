/**
 * Plugin hosts: the port through which the registry starts the process of a third-party plugin.
 *
 * Not the process (registry/host_child.ts) and not what is said to it (registry/protocol.ts).
 * Invariant: who starts the process reads its permissions from the lock; this port cannot ask for any.
 *
 * @module
 */
import type * as Effect from "effect/Effect";
import type { KernelFailure } from "../kernel/mod.ts";

/** What to start: an approved plugin by id, or any plugin's code without permissions, to see what it declares. */
export type HostRequest =
  | { readonly plugin: string }
  | { readonly look: string; readonly folder?: string };

/** Hears a plugin's process. */
export interface HostListener {
  /** One line it wrote. */
  readonly line: (line: string) => void;
  /** It ended, and what is known of why. Called once. */
  readonly ended: (reason: string) => void;
}

/** A running process. */
export interface HostProcess {
  /** Writes one line to it. */
  readonly send: (line: string) => void;
  /** Ends it. */
  readonly stop: () => void;
}

/** Starts processes of plugins. */
export interface PluginHosts {
  /** Starts one; `facilityAbsent` where this process may not. */
  readonly start: (request: HostRequest, listener: HostListener) => Effect.Effect<HostProcess, KernelFailure>;
}
