/**
 * Main: the kernel process. Opens the system in the user's folder, serves one command line or one batch, and leaves.
 *
 * Not what the user starts: kernel/launch.ts does, with the permissions this process lives under. Its first argument is
 * the launcher's context, the rest are the user's.
 * Invariant: standard output carries answers only; an interrupt ends the work through its finalizers.
 *
 * @module
 */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import type { Actor } from "../../../kernel/actor.ts";
import { type LaunchContext, launchContext } from "../../../kernel/platform/supervisor.ts";
import { platformTerminal as terminal } from "../../../kernel/platform/terminal.ts";
import { EXIT, type ExitCode } from "./exit.ts";

/** Code that logs with `console.log` must not mix with the answers. */
const keepOutputClean = (): void => {
  for (const name of ["log", "info", "debug"] as const) console[name] = console.error.bind(console);
};

const serve = (args: ReadonlyArray<string>, workspace: string, actor: Actor): Effect.Effect<ExitCode> =>
  Effect.scoped(Effect.gen(function* () {
    const isDoor = args[0] === "call";
    const [{ openRmi }, surface] = yield* Effect.promise(() =>
      Promise.all([import("../../open.ts"), isDoor ? import("./door.ts") : import("./people.ts")])
    );
    const scope = yield* Effect.scope;
    const kernel = yield* Effect.cached(Effect.provideService(openRmi({ workspace }), Scope.Scope, scope));
    const context = { kernel, actor, terminal };
    return yield* "serveDoor" in surface
      ? surface.serveDoor(context, args.slice(1))
      : surface.servePeople(context, args);
  }));

const contextOrExit = (): LaunchContext => {
  try {
    return launchContext(terminal.args);
  } catch (cause) {
    terminal.write("stderr", `${(cause as Error).message}\n`);
    return terminal.exit(EXIT.failed);
  }
};

const main = async (): Promise<never> => {
  keepOutputClean();
  const { workspace, tty, args } = contextOrExit();
  const stopping = new AbortController();
  terminal.onStop(() => {
    // The second request does not wait for finalizers.
    if (stopping.signal.aborted) terminal.exit(EXIT.interrupted);
    stopping.abort();
  });
  const exit = await Effect.runPromiseExit(serve(args, workspace, tty ? "user@tty" : "user@headless"), {
    signal: stopping.signal,
  });
  if (Exit.isSuccess(exit)) return terminal.exit(exit.value);
  if (Cause.hasInterruptsOnly(exit.cause)) return terminal.exit(EXIT.interrupted);
  terminal.write("stderr", `rmi broke (a bug, not a condition of the input):\n${Cause.pretty(exit.cause)}\n`);
  return terminal.exit(EXIT.failed);
};

await main();
