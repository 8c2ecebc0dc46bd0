/**
 * Zip: the members of an archive, stored or deflated.
 *
 * Source: PKWARE APPNOTE 6.3. Not encrypted archives, not parts on several disks; sizes past 4 GiB are refused.
 * Invariant: the directory at the end is what counts; each member's own header, size and checksum must agree with it.
 *
 * @module
 */
import { dataLimit, malformedData } from "../failures.ts";
import { deflate, inflate } from "./inflate.ts";

/** Most members of an archive. */
export const MAX_MEMBERS = 65_534;

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_SIZE = 22;
const ENTRY_SIZE = 46;
const LOCAL_SIZE = 30;
const MAX_COMMENT = 65_535;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;
const UTF8 = 0x800;
const VERSION = 20;

/** 1 January 1980, the first day that the format knows. */
const FIRST_DAY = 0x21;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The checksum of zip, gzip and PNG. */
export const crc32 = (bytes: Uint8Array): number => {
  let value = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) value = TABLE[(value ^ bytes[i]) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
};

const refuse = (at: number, reason: string) => malformedData({ format: "zip", at: `byte ${at}`, reason });

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly checksum: number;
  readonly packed: number;
  readonly size: number;
  readonly at: number;
}

const endOf = (view: DataView): number => {
  const first = Math.max(0, view.byteLength - END_SIZE - MAX_COMMENT);
  for (let at = view.byteLength - END_SIZE; at >= first; at--) {
    if (view.getUint32(at, true) === END && at + END_SIZE + view.getUint16(at + 20, true) === view.byteLength) {
      return at;
    }
  }
  throw refuse(Math.max(0, view.byteLength - END_SIZE), "there is no directory at its end");
};

const entriesOf = (bytes: Uint8Array, view: DataView): ReadonlyArray<Entry> => {
  if (view.byteLength < END_SIZE) throw refuse(0, "it is too short");
  const end = endOf(view);
  const count = view.getUint16(end + 10, true);
  if (count > MAX_MEMBERS) throw dataLimit({ what: "an archive", limit: MAX_MEMBERS, found: count });
  let at = view.getUint32(end + 16, true);
  return Array.from({ length: count }, () => {
    if (at + ENTRY_SIZE > end || view.getUint32(at, true) !== ENTRY) throw refuse(at, "the directory is broken");
    const lengths = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const next = at + ENTRY_SIZE + lengths[0] + lengths[1] + lengths[2];
    if (next > end) throw refuse(at, "an entry of the directory is cut off");
    if (view.getUint16(at + 8, true) & ENCRYPTED) throw refuse(at, "a member is encrypted");
    const entry: Entry = {
      name: new TextDecoder().decode(bytes.subarray(at + ENTRY_SIZE, at + ENTRY_SIZE + lengths[0])),
      method: view.getUint16(at + 10, true),
      checksum: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      at: view.getUint32(at + 42, true),
    };
    at = next;
    return entry;
  });
};

const memberOf = async (bytes: Uint8Array, view: DataView, entry: Entry): Promise<Uint8Array> => {
  const { at, packed, size, method, name } = entry;
  if (at + LOCAL_SIZE > bytes.length || view.getUint32(at, true) !== LOCAL) {
    throw refuse(at, `the member ${name} is not there`);
  }
  const start = at + LOCAL_SIZE + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (start + packed > bytes.length) throw refuse(at, `the member ${name} is cut off`);
  const raw = bytes.subarray(start, start + packed);
  if (method !== STORED && method !== DEFLATED) throw refuse(at, `the member ${name} is packed by method ${method}`);
  const made = method === STORED ? raw : await inflate(raw, "deflate-raw", size, `member ${name}`);
  if (made.length !== size) throw refuse(at, `the member ${name} has ${made.length} bytes and declares ${size}`);
  if (crc32(made) !== entry.checksum) throw refuse(at, `the checksum of ${name} is wrong`);
  return made;
};

/** The members of an archive by name; together at most so many bytes. */
export const readZip = async (bytes: Uint8Array, limit: number): Promise<ReadonlyMap<string, Uint8Array>> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = entriesOf(bytes, view);
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > limit) throw dataLimit({ what: "the expanded archive", limit, found: total });
  const members = new Map<string, Uint8Array>();
  for (const entry of entries) {
    if (members.has(entry.name)) throw refuse(entry.at, `two members are named ${entry.name}`);
    members.set(entry.name, await memberOf(bytes, view, entry));
  }
  return members;
};

/** An archive of members, deflated where `packed`. The same members give the same bytes. */
export const writeZip = async (
  members: Iterable<readonly [name: string, bytes: Uint8Array]>,
  packed = false,
): Promise<Uint8Array<ArrayBuffer>> => {
  const parts: Array<Uint8Array> = [];
  const directory: Array<Uint8Array> = [];
  let at = 0;
  for (const [name, bytes] of members) {
    const named = new TextEncoder().encode(name);
    const data = packed ? await deflate(bytes, "deflate-raw") : bytes;
    // version, flags, method, time, date, checksum, packed size, size, length of the name, length of extras
    const fields = new DataView(new ArrayBuffer(26));
    [VERSION, UTF8, packed ? DEFLATED : STORED, 0, FIRST_DAY].forEach((value, i) =>
      fields.setUint16(2 * i, value, true)
    );
    [crc32(bytes), data.length, bytes.length].forEach((value, i) => fields.setUint32(10 + 4 * i, value, true));
    fields.setUint16(22, named.length, true);
    const shared = new Uint8Array(fields.buffer);
    const local = new Uint8Array(LOCAL_SIZE);
    new DataView(local.buffer).setUint32(0, LOCAL, true);
    local.set(shared, 4);
    const entry = new Uint8Array(ENTRY_SIZE);
    const view = new DataView(entry.buffer);
    view.setUint32(0, ENTRY, true);
    view.setUint16(4, VERSION, true);
    entry.set(shared, 6);
    view.setUint32(42, at, true);
    parts.push(local, named, data);
    directory.push(entry, named);
    at += LOCAL_SIZE + named.length + data.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(END_SIZE));
  end.setUint32(0, END, true);
  end.setUint16(8, directory.length / 2, true);
  end.setUint16(10, directory.length / 2, true);
  end.setUint32(12, size, true);
  end.setUint32(16, at, true);
  return new Uint8Array(await new Blob([...parts, ...directory, end] as Array<BlobPart>).arrayBuffer());
};
