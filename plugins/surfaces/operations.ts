/**
 * Declarations of the namespaces `surfaces` and `tour`.
 *
 * @module
 */
import type { AnyOperation } from "../../kernel/operation.ts";
import { Serve } from "./http/operation.ts";
import { Mcp } from "./mcp/operation.ts";
import { Tour } from "./tour/operation.ts";

/** Every declaration of the surfaces. */
export const operations: ReadonlyArray<AnyOperation> = [Mcp, Serve, Tour];
