/**
 * The handler of `surfaces.serve` (bound in plugins/surfaces/mod.ts).
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { type Cap, using } from "../../../kernel/authority.ts";
import { CallContext } from "../../../kernel/context.ts";
import { Disk } from "../../../kernel/disk.ts";
import type { Entropy } from "../../../kernel/entropy.ts";
import type { FailureOf, FailuresOf, KernelFailure } from "../../../kernel/failure.ts";
import { Front } from "../contract.ts";
import { tokenNeeded } from "../failures.ts";
import { onlyForUsers } from "../mcp/handler.ts";
import { DEFAULT_PORT, isExposed, type Serve } from "./operation.ts";
import { parseTokens, type Token } from "./tokens.ts";

type Input = typeof Serve["input"]["Type"];

type Refused = FailuresOf<typeof Serve["failures"][number]>;

const readTokens = (
  file: string | undefined,
): Effect.Effect<ReadonlyArray<Token>, KernelFailure | FailureOf<"SURFACE_TOKENS">, Disk | Cap<"readLocal">> =>
  file === undefined ? Effect.succeed([]) : Effect.gen(function* () {
    const parsed = parseTokens(yield* (yield* Disk).readText(file), file);
    return Result.isSuccess(parsed) ? parsed.success : yield* parsed.failure;
  });

/** Serves until interrupted; tells its addresses once the port is open. */
export const handleServe = (
  input: Input,
): Effect.Effect<
  null,
  Refused | KernelFailure,
  CallContext | Disk | Entropy | Front | Cap<"network"> | Cap<"readLocal">
> =>
  Effect.gen(function* () {
    yield* onlyForUsers;
    const host = input.host ?? "127.0.0.1";
    if (isExposed(input)) return yield* tokenNeeded({ host, path: "/host", actual: host, expected: "127.0.0.1" });
    const tokens = yield* readTokens(input.tokens);
    const front = yield* Front;
    const { emit } = yield* CallContext;
    const port = input.port ?? DEFAULT_PORT;
    const { serve } = yield* Effect.promise(() => import("./server.ts"));
    const serving = Effect.scoped(Effect.gen(function* () {
      const { hostNames = [], origins = [], tools = [] } = input;
      const served = yield* serve({ front, host, port, tokens, hostNames, origins, tools });
      const { url } = served;
      yield* emit({
        url,
        mcp: `${url}/mcp`,
        card: `${url}/.well-known/agent-card.json`,
        openapi: `${url}/openapi.json`,
      });
      return yield* Effect.never;
    }));
    return yield* using("network", `${host}:${port}`, serving);
  });
