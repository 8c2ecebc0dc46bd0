/**
 * Workspaces for tests: a kernel of the whole system over a fresh folder that is removed afterwards.
 */
import * as Effect from "effect/Effect";
import type { PolicyFile } from "../effects/policy_file.ts";
import type { Example, Failure, Json, Kernel } from "../kernel/mod.ts";
import { openRmi } from "../plugins/open.ts";

/** A policy under which nothing asks, for measurements that are not about approvals. */
export const OPEN_POLICY: PolicyFile = {
  format: 1,
  rules: [{ name: "tests", decision: "allow", reason: "Calls run in a folder of their own" }],
};

/** Runs a body over a fresh workspace, under the built-in rules where no policy is given. */
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

/** Calls an operation as a person at a terminal. */
export const callAs = (kernel: Kernel, operation: string, input: Json): Effect.Effect<Json, Failure> =>
  kernel.invoke({ operation, input, actor: "user@tty" });

const APPROVE = "rmi approve ";

/** Calls an operation as a person who says yes when asked: approves by the command the failure names, and calls again. */
export const callApproving = (kernel: Kernel, operation: string, input: Json): Effect.Effect<Json, Failure> =>
  Effect.catch(callAs(kernel, operation, input), (refused) => {
    const command = refused.fix?.command;
    if (refused.code !== "KERNEL_APPROVAL_NEEDED" || !command?.startsWith(APPROVE)) return Effect.fail(refused);
    return Effect.andThen(
      callAs(kernel, "approvals.approve", { request: command.slice(APPROVE.length) }),
      callAs(kernel, operation, input),
    );
  });

/** Makes the calls an example stands on. */
export const prepare = (kernel: Kernel, example: Example): Effect.Effect<void, Failure> =>
  Effect.forEach(example.given ?? [], ({ operation, input }) => callApproving(kernel, operation, input), {
    discard: true,
  });
