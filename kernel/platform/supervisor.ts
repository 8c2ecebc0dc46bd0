/**
 * Platform supervisor: the kernel process's end of the channel to its launcher, and the same service for a kernel used
 * as a library in a program that may start processes itself.
 *
 * Invariant: a process under the launcher that finds itself able to start others refuses to go on.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import process from "node:process";
import type { KernelFailure } from "../failure.ts";
import { facilityAbsent, protocolViolation } from "../failures.ts";
import type { Json } from "../json.ts";
import { type Conversation, type Listener, type OneShot, Supervisor, type SupervisorShape } from "../supervisor.ts";
import type { Workplace } from "./children.ts";

export { Supervisor } from "../supervisor.ts";

/** Version of the launcher's context that this process understands. */
const CONTEXT_VERSION = 1;

/** What the launcher tells the kernel process. */
export interface LaunchContext {
  /** The user's folder, absolute. */
  readonly workspace: string;
  /** Whether a person may be at a terminal. */
  readonly tty: boolean;
  /** The user's arguments. */
  readonly args: ReadonlyArray<string>;
}

const FACILITY = "child processes";

/** The runtime's permission on starting processes; absent outside Deno. */
const mayRun = (): boolean =>
  typeof Deno === "object" && Deno.permissions.querySync({ name: "run" }).state === "granted";

/**
 * Reads the launcher's context from the process arguments. Throws when it is not one, and when a process that has a
 * launcher could start others: then the launcher's flags did not act, and nothing else it relies on does either.
 */
export const launchContext = (args: ReadonlyArray<string>): LaunchContext => {
  const [text = "", ...rest] = args;
  let context: { workspace?: unknown; tty?: unknown; version?: unknown } = {};
  try {
    context = JSON.parse(text) ?? {};
  } catch {
    // Reported below like any other text that is not a context.
  }
  if (
    typeof context.workspace !== "string" || typeof context.tty !== "boolean" || context.version !== CONTEXT_VERSION
  ) {
    throw new Error("This is the kernel process: start RMI through its launcher");
  }
  if (process.connected === true && mayRun()) {
    throw new Error("The kernel process could start other processes: its launcher's permissions did not act");
  }
  return { workspace: context.workspace, tty: context.tty, args: rest };
};

/** A message from whoever serves requests. */
interface Posted {
  readonly id: number;
  readonly answer?: Json;
  readonly refused?: string;
  readonly message?: Json;
}

/** Where requests go. */
interface Channel {
  /** Sends a request; answers whether it could be sent. */
  readonly post: (request: unknown) => boolean;
}

interface Waiting {
  readonly message: (message: Json) => void;
  readonly done: (posted: Posted) => void;
}

const GONE = "the supervisor is gone";

/** The service over a channel, and what the channel calls when something arrives or it closes. */
const overChannel = (
  channel: Channel,
): { readonly service: SupervisorShape; readonly take: (posted: unknown) => void; readonly closed: () => void } => {
  const waiting = new Map<number, Waiting>();
  let last = 0;
  const post = (request: object): number => {
    const id = ++last;
    return channel.post({ ...request, id }) ? id : -1;
  };
  const start = (request: OneShot | Conversation, heard: Waiting): number => {
    const id = last + 1;
    waiting.set(id, heard);
    if (post(request) === id) return id;
    waiting.delete(id);
    heard.done({ id, refused: GONE });
    return id;
  };
  const stop = (id: number): void => {
    if (waiting.has(id)) post({ kind: "stop", to: id });
  };
  const request = (asked: OneShot): Effect.Effect<Json, KernelFailure> =>
    Effect.callback<Json, KernelFailure>((resume) => {
      const id = start(asked, {
        message: () => {},
        done: ({ answer, refused }) =>
          resume(
            refused === undefined
              ? Effect.succeed(answer ?? null)
              : Effect.fail(protocolViolation({ peer: "the supervisor", reason: refused })),
          ),
      });
      return Effect.sync(() => stop(id));
    });
  const open = (asked: Conversation, listener: Listener) =>
    Effect.sync(() => {
      const id = start(asked, {
        message: listener.message,
        done: ({ answer, refused }) => listener.ended(refused === undefined ? answer ?? null : { refused }),
      });
      return {
        send: (message: Json) => void post({ kind: "send", to: id, message }),
        stop: () => stop(id),
      };
    });
  return {
    service: { request, open },
    take: (posted) => {
      const { id, message, ...end } = posted as Posted;
      const heard = waiting.get(id);
      if (heard === undefined) return;
      if (message !== undefined) return heard.message(message);
      waiting.delete(id);
      heard.done({ id, ...end });
    },
    closed: () => {
      for (const [id, heard] of waiting) heard.done({ id, refused: GONE });
      waiting.clear();
    },
  };
};

/** The supervisor of a process under the launcher, over its channel. */
export const layerSupervisorLaunched: Layer.Layer<Supervisor> = Layer.effect(
  Supervisor,
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const channel = overChannel({
          post: (request) => process.connected === true && process.send?.(request) !== undefined,
        });
        process.on("message", channel.take);
        process.on("disconnect", channel.closed);
        return channel;
      }),
      ({ take, closed }) =>
        Effect.sync(() => {
          process.off("message", take);
          process.off("disconnect", closed);
          closed();
        }),
    ),
    ({ service }) => service,
  ),
);

const absent: SupervisorShape = {
  request: () => Effect.fail(whyAbsent()),
  open: () => Effect.fail(whyAbsent()),
};

const whyAbsent = () =>
  facilityAbsent({
    facility: FACILITY,
    reason: typeof Deno === "object"
      ? "this program may not start processes; run it with --allow-run, or use rmi's launcher"
      : "they need Deno",
  });

/** The supervisor of a program that uses RMI as a library: it starts children itself, where it may. */
export const layerSupervisorLocal = (place: Omit<Workplace, "post">): Layer.Layer<Supervisor> =>
  Layer.effect(
    Supervisor,
    Effect.suspend(() => {
      if (!mayRun()) return Effect.succeed(absent);
      return Effect.map(
        Effect.acquireRelease(
          Effect.promise(async () => {
            const { serveRequests } = await import("./children.ts");
            const channel = overChannel({
              post: (request) => {
                requests.take(request);
                return true;
              },
            });
            const requests = serveRequests({ ...place, post: channel.take });
            return { ...channel, requests };
          }),
          ({ closed, requests }) =>
            Effect.sync(() => {
              requests.close();
              closed();
            }),
        ),
        ({ service }) => service,
      );
    }),
  );

/** The supervisor this process has: its launcher where there is one, else what its own permissions allow. */
export const layerSupervisor = (place: Omit<Workplace, "post">): Layer.Layer<Supervisor> =>
  Layer.unwrap(Effect.sync(() => process.connected === true ? layerSupervisorLaunched : layerSupervisorLocal(place)));
