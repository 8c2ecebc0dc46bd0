/**
 * Workspaces for tests: a kernel of the whole system over a fresh folder that is removed afterwards.
 */
import * as Effect from "effect/Effect";
import type { PolicyFile } from "../effects/policy.ts";
import type { Example, Failure, Json, Kernel } from "../kernel/mod.ts";
import { openRmi } from "../plugins/open.ts";

/** A policy under which nothing asks: examples show operations, not approvals. */
export const OPEN_POLICY: PolicyFile = {
  version: 1,
  rules: [{ name: "tests", decision: "allow", reason: "Examples run in a folder of their own" }],
} as unknown as PolicyFile;

/** Runs a body over a fresh workspace. */
export const inWorkspace = async <A>(
  body: (kernel: Kernel) => Effect.Effect<A, unknown>,
  policy?: PolicyFile,
): Promise<A> => {
  const workspace = Deno.makeTempDirSync({ prefix: "rmi-test-" });
  try {
    return await Effect.runPromise(
      Effect.scoped(Effect.flatMap(openRmi({ workspace, ...(policy ? { policy } : {}) }), body)) as Effect.Effect<A>,
    );
  } finally {
    Deno.removeSync(workspace, { recursive: true });
  }
};

/** Makes the calls an example stands on. */
export const prepare = (kernel: Kernel, example: Example): Effect.Effect<void, Failure> =>
  Effect.forEach(
    example.given ?? [],
    ({ operation, input }) => kernel.invoke({ operation, input, actor: "user@tty" }),
    { discard: true },
  );

/** Calls an operation as a person at a terminal. */
export const callAs = (kernel: Kernel, operation: string, input: Json): Effect.Effect<Json, Failure> =>
  kernel.invoke({ operation, input, actor: "user@tty" });
