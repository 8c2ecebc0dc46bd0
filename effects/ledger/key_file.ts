/**
 * Key file: the key under which private blobs get their digests; made once per state folder, readable by its owner only.
 *
 * Not for encryption. Platform code: `node:fs`.
 * Invariant: of any number of processes that make the key at once, one wins and all use its key; a key is never
 * replaced, because digests made with it would no longer be found.
 *
 * @module
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { syncFolder } from "./head_file.ts";

/** Bytes of the key. */
export const KEY_BYTES = 32;

const READ_WRITE_OWNER = 0o600;

/** The key of a file; undefined where there is none yet. Throws for a file that is not a key. */
export const readKey = (file: string): Uint8Array | undefined => {
  let key: Uint8Array;
  try {
    key = new Uint8Array(fs.readFileSync(file));
  } catch (cause) {
    if ((cause as { code?: string }).code === "ENOENT") return undefined;
    throw cause;
  }
  if (key.length !== KEY_BYTES) throw new Error(`"${file}" is not a key: it has ${key.length} bytes, not ${KEY_BYTES}`);
  return key;
};

/** The key of a file, made from `fresh` where there is none. `unique` keeps makers apart. */
export const ensureKey = (file: string, fresh: Uint8Array, unique: string): Uint8Array => {
  const existing = readKey(file);
  if (existing !== undefined) return existing;
  const folder = path.dirname(file);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const part = `${file}.${unique}.part`;
  const handle = fs.openSync(part, "wx", READ_WRITE_OWNER);
  try {
    fs.writeSync(handle, fresh);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
  try {
    // A link appears whole or not at all, and fails where another maker was first.
    fs.linkSync(part, file);
    syncFolder(folder);
  } catch (cause) {
    if ((cause as { code?: string }).code !== "EEXIST") throw cause;
  } finally {
    fs.rmSync(part, { force: true });
  }
  const made = readKey(file);
  if (made === undefined) throw new Error(`"${file}" vanished while it was made`);
  return made;
};
