/**
 * Clone: structured clones as lines of text, so that what a thread could be sent a process can be sent as well.
 *
 * Not for what foreign code wrote: the engine's own format is read back, which trusts its writer.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { deserialize, serialize } from "node:v8";

/** Most characters of a job or its value as one line: 192 MiB before base64. */
export const MAX_JOB_CHARS = 268_435_456;

/** A value as a line of base64; throws where it cannot be cloned. */
export const lineOf = (value: unknown): string => (serialize(value) as Uint8Array & Buffer).toString("base64");

/** The value of such a line. */
export const valueOf = (line: string): unknown => deserialize(Buffer.from(line, "base64"));
