/**
 * Plugin hosts: starting the process of a third-party plugin, through the supervisor.
 *
 * Not the process (registry/host_child.ts) and not what is said to it (registry/protocol.ts).
 * Invariant: who starts the process reads its permissions from the lock; nothing here can ask for any.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { isJsonObject, type Json, type KernelFailure, type SupervisorShape } from "../kernel/mod.ts";

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
  /** Starts one; `facilityAbsent` where nothing can be started. */
  readonly start: (request: HostRequest, listener: HostListener) => Effect.Effect<HostProcess, KernelFailure>;
}

/** Characters of a process's last words that are repeated. */
const LAST_WORDS = 300;

/** How a process ended, in words. */
const inWords = (ending: Json): string => {
  if (!isJsonObject(ending)) return "for an unknown reason";
  if (typeof ending.refused === "string") return ending.refused;
  const how = typeof ending.signal === "string" ? `signal ${ending.signal}` : `status ${ending.status}`;
  const said = String(ending.complaint ?? "").replace(/[\p{Cc}\p{Cf}]+/gu, " ").trim().slice(-LAST_WORDS);
  return said === "" ? how : `${how}: ${said}`;
};

/** Hosts started by the supervisor. */
export const supervisedHosts = (supervisor: SupervisorShape): PluginHosts => ({
  start: (request, listener) =>
    Effect.map(
      supervisor.open({ kind: "host", ...request }, {
        // Whatever is not a line is none of the protocol, and read as such.
        message: (message) => listener.line(typeof message === "string" ? message : ""),
        ended: (ending) => listener.ended(inWords(ending)),
      }),
      ({ send, stop }) => ({ send, stop }),
    ),
});
