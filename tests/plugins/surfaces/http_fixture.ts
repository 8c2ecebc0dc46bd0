/**
 * A listening server for tests, over the demo kernel, on a free port of this machine.
 */
import * as Effect from "effect/Effect";
import { layerEntropy } from "../../../kernel/platform/entropy.ts";
import { serve, type ServeOptions } from "../../../plugins/surfaces/http/server.ts";
import { openDemo, type Opened } from "./front_fixture.ts";

/** What a test works with. */
export interface Serving extends Opened {
  readonly url: string;
  readonly port: number;
  /** One request; the answer's JSON, where it is JSON. */
  readonly ask: (path: string, init?: RequestInit) => Promise<{
    readonly status: number;
    readonly headers: Headers;
    readonly text: string;
    // deno-lint-ignore no-explicit-any -- tests look at members one by one
    readonly json: any;
  }>;
  /** Calls an operation. */
  readonly post: (id: string, input: unknown, headers?: Record<string, string>) => ReturnType<Serving["ask"]>;
}

/** Runs a test against a server that is closed at its end. */
export const serving = (
  body: (serving: Serving) => Promise<void>,
  options: Partial<ServeOptions> = {},
): Promise<void> =>
  Effect.runPromise(
    Effect.scoped(Effect.gen(function* () {
      const opened = yield* openDemo;
      const { url, port } = yield* serve({
        front: opened.front,
        host: "127.0.0.1",
        port: 0,
        tokens: [],
        hostNames: [],
        origins: [],
        tools: [],
        ...options,
      });
      const ask: Serving["ask"] = async (path, init) => {
        const response = await fetch(url + path, init);
        const text = await response.text();
        const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
        return {
          status: response.status,
          headers: response.headers,
          text,
          json: isJson ? JSON.parse(text) : undefined,
        };
      };
      const post: Serving["post"] = (id, input, headers = {}) =>
        ask(`/v1/operations/${id}`, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify(input),
        });
      yield* Effect.promise(() => body({ ...opened, url, port, ask, post }));
    })).pipe(Effect.provide(layerEntropy)),
  );

/** Waits until something holds, or says that it never did. */
export const until = async (holds: () => boolean, what: string): Promise<void> => {
  for (let round = 0; round < 2_000; round++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never happened: ${what}`);
};
