/**
 * Exchange: one HTTP request with JSON, and the bytes of its reply as they come.
 *
 * Not a protocol (models/http.ts) and not a permission: whoever sends holds `network` for the host.
 * Invariant: no redirect is followed, so no reply leads to a host that was not asked about; when the scope closes the
 * connection is gone.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";

/** A reply whose body has not been read. */
export interface Reply {
  /** Its status. */
  readonly status: number;
  /** A header by name. */
  readonly header: (name: string) => string | undefined;
  /** Its bytes. Reading throws where the connection breaks. */
  readonly body: ReadableStream<Uint8Array>;
}

/** Sends JSON; fails with what the system says where there is no reply. */
export const sendJson = (
  url: string,
  headers: { readonly [name: string]: string },
  body: unknown,
): Effect.Effect<Reply, string, Scope.Scope> =>
  Effect.gen(function* () {
    const controller = yield* Effect.acquireRelease(
      Effect.sync(() => new AbortController()),
      (open) => Effect.sync(() => open.abort()),
    );
    const response = yield* Effect.tryPromise({
      try: () =>
        fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify(body),
          redirect: "error",
          signal: controller.signal,
        }),
      catch: (cause) => cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
    });
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      body: response.body ?? new Blob([]).stream(),
    };
  });
