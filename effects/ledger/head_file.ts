/**
 * Head file: the acknowledged head (count and hash) beside the database, so that a shortened chain shows.
 *
 * Not a lock and not a signature. Platform code: `node:fs`, synchronous, called under the ledger's lock only.
 * Invariant: two slots, written in turn and each with its own checksum, so that a torn write leaves the head before it;
 * the valid slot with the larger count is the head.
 *
 * @module
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { canonicalJson, digestOfHash, digestText, hashOfDigest, isDigest, newerFormat } from "../../kernel/mod.ts";
import type { RawHead } from "./chain.ts";

/** Format of the head file. */
export const HEAD_FORMAT = 1;

/** Bytes of one slot: a sector, which a disk writes whole or not at all. */
export const SLOT_BYTES = 512;

const SLOTS = 2;

/** What the head file says. */
export type HeadState =
  | { readonly kind: "head"; readonly head: RawHead; readonly slot: number }
  | { readonly kind: "absent" }
  | { readonly kind: "unreadable" };

const slotText = (head: RawHead): string => {
  const body = { count: head.count, format: HEAD_FORMAT, hash: digestOfHash(head.hash) };
  return canonicalJson({ ...body, checksum: digestText(canonicalJson(body)) });
};

/** The bytes of a slot that holds a head. */
export const slotBytes = (head: RawHead): Uint8Array => {
  const bytes = new Uint8Array(SLOT_BYTES).fill(0x20);
  bytes.set(new TextEncoder().encode(slotText(head)));
  bytes[SLOT_BYTES - 1] = 0x0a;
  return bytes;
};

const readSlot = (bytes: Uint8Array, file: string): RawHead | undefined => {
  let slot: { checksum?: unknown; count?: unknown; format?: unknown; hash?: unknown };
  try {
    slot = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const { checksum, ...body } = slot;
    if (checksum !== digestText(canonicalJson(body))) return undefined;
  } catch {
    return undefined;
  }
  const { count, format, hash } = slot;
  if (typeof format === "number" && format > HEAD_FORMAT) {
    throw newerFormat({ store: file, found: format, supported: HEAD_FORMAT });
  }
  if (!Number.isSafeInteger(count) || (count as number) < 0) return undefined;
  if (typeof hash !== "string" || !isDigest(hash)) return undefined;
  return { count: count as number, hash: hashOfDigest(hash) };
};

/** Reads the head; throws a failure for a newer format. */
export const readHead = (file: string): HeadState => {
  let bytes: Uint8Array;
  try {
    bytes = fs.readFileSync(file);
  } catch (cause) {
    if ((cause as { code?: string }).code === "ENOENT") return { kind: "absent" };
    throw cause;
  }
  let best: HeadState = { kind: "unreadable" };
  for (let slot = 0; slot < SLOTS; slot++) {
    const head = readSlot(bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES), file);
    if (head !== undefined && (best.kind !== "head" || head.count > best.head.count)) {
      best = { kind: "head", head, slot };
    }
  }
  return best;
};

/** Makes the entries of a folder durable; Windows cannot open one and needs no such step. */
export const syncFolder = (folder: string): void => {
  if (path.sep === "\\") return;
  const handle = fs.openSync(folder, "r");
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
};

/** Writes a head durably, over the slot that does not hold the present one. */
export const writeHead = (file: string, head: RawHead, before: HeadState): void => {
  if (before.kind !== "head") {
    const both = new Uint8Array(SLOTS * SLOT_BYTES);
    for (let slot = 0; slot < SLOTS; slot++) both.set(slotBytes(head), slot * SLOT_BYTES);
    const part = `${file}.part`;
    const handle = fs.openSync(part, "w", 0o600);
    try {
      fs.writeSync(handle, both);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(part, file);
    return syncFolder(path.dirname(file));
  }
  const handle = fs.openSync(file, "r+");
  try {
    fs.writeSync(handle, slotBytes(head), 0, SLOT_BYTES, (1 - before.slot) * SLOT_BYTES);
    fs.fdatasyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
};
