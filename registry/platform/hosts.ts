/**
 * Platform hosts: plugin processes started by this very process, for a kernel that is used as a library where the host
 * program may start processes.
 *
 * Not for a kernel under the supervisor: there the launcher starts them (kernel/platform/children.ts).
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { facilityAbsent } from "../../kernel/mod.ts";
import type { Requests } from "../../kernel/platform/children.ts";
import type { HostListener, PluginHosts } from "../hosts.ts";

interface Ended {
  readonly status?: number | null;
  readonly signal?: string | null;
  readonly complaint?: string;
}

/** How a process ended, in words. */
export const endingOf = ({ status, signal, complaint }: Ended): string => {
  const how = signal ? `signal ${signal}` : `status ${status}`;
  const said = (complaint ?? "").replace(/[\p{Cc}\p{Cf}]+/gu, " ").trim().slice(-300);
  return said === "" ? how : `${how}: ${said}`;
};

type Message = {
  readonly id: number;
  readonly message?: string;
  readonly answer?: Ended;
  readonly refused?: string;
};

/** Starts plugin processes itself; `facilityAbsent` where it may not. */
export const directHosts = (place: { readonly workspace: string; readonly root: string }): PluginHosts => {
  const listeners = new Map<number, HostListener>();
  let requests: Requests | undefined;
  let last = 0;
  const post = (posted: unknown): void => {
    const { id, message, answer, refused } = posted as Message;
    const listener = listeners.get(id);
    if (typeof message === "string") return listener?.line(message);
    listeners.delete(id);
    listener?.ended(refused ?? endingOf(answer ?? {}));
  };
  return {
    start: (request, listener) =>
      Effect.gen(function* () {
        requests ??= yield* Effect.tryPromise({
          try: async () =>
            (await import("../../kernel/platform/children.ts")).serveRequests({ post, optional: {}, ...place }),
          catch: (cause) => facilityAbsent({ facility: "plugin processes", reason: String(cause) }),
        });
        const id = ++last;
        const served = requests;
        let refusal: string | undefined;
        listeners.set(id, { line: listener.line, ended: (reason) => void (refusal = reason) });
        served.take({ id, kind: "host", ...request });
        // A refusal comes back at once; it is about this process, not about the plugin.
        if (refusal !== undefined) return yield* facilityAbsent({ facility: "a plugin process", reason: refusal });
        listeners.set(id, listener);
        return {
          send: (line: string) => served.take({ id: ++last, kind: "send", to: id, message: line }),
          stop: () => served.take({ id: ++last, kind: "stop", to: id }),
        };
      }),
  };
};
