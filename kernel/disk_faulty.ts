/**
 * Faulty disk: a model of a file system whose n-th step fails, or at whose n-th step the power goes.
 *
 * Not a wrapper of a real disk: only a model knows what a power cut would have left. Used to prove that a store keeps
 * its promise at every step.
 * Invariant: after a power cut exactly what was synced is certain; of the rest a seeded part survives, torn anywhere.
 *
 * @module
 */
import type { DiskDriver, Stat } from "./disk.ts";
import { type Random, random } from "./random.ts";

/** Where and how the disk breaks. Steps that change something are counted from 1. */
export interface FaultPlan {
  /** The changing step that fails, having done nothing or, for a write, a part. */
  readonly failAt?: number;
  /** The changing step at which the power goes: it may have happened in part, and nothing after it works. */
  readonly powerCutAt?: number;
  /** Decides which unsynced changes survive a power cut, and where writes tear. */
  readonly seed?: string | number;
}

/** A disk that breaks as planned. */
export interface FaultyDisk extends DiskDriver {
  /** How many changing steps were asked for. */
  readonly steps: () => number;
  /** The disk as it is found after the power is back: synced changes and a seeded part of the others. No faults. */
  readonly afterPowerCut: () => FaultyDisk;
}

/** Content of a file: what reading gives now, and what a power cut cannot take. */
interface Inode {
  content: Uint8Array;
  durable: Uint8Array;
}

/** A change of a folder's entries that is not yet durable. */
type EntryChange =
  | { readonly kind: "put"; readonly path: string; readonly inode: Inode | "folder" }
  | { readonly kind: "take"; readonly path: string }
  | { readonly kind: "move"; readonly from: string; readonly to: string; readonly inode: Inode };

type Entries = Map<string, Inode | "folder">;

const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf("/")));

const isUnder = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

const failing = (reason: string): Error => new Error(reason);

const applied = (entries: Entries, change: EntryChange): void => {
  if (change.kind === "put") entries.set(change.path, change.inode);
  else if (change.kind === "take") entries.delete(change.path);
  else {
    entries.delete(change.from);
    entries.set(change.to, change.inode);
  }
};

const concerns = (change: EntryChange, folder: string): boolean =>
  change.kind === "move"
    ? parentOf(change.from) === folder || parentOf(change.to) === folder
    : parentOf(change.path) === folder;

/** A torn write: each unsynced byte range is old, new or, where the file grew, zero, up to a random length. */
const torn = (inode: Inode, chance: Random): Uint8Array => {
  const { content, durable } = inode;
  if (content === durable) return durable.slice();
  const length = chance.pick([
    content.length,
    durable.length,
    chance.below(Math.max(content.length, durable.length) + 1),
  ]);
  const result = new Uint8Array(length);
  result.set(durable.subarray(0, length));
  const sector = 1 + chance.below(16);
  for (let at = 0; at < length; at += sector) {
    const source = chance.below(2) === 0 ? content : durable;
    result.set(source.subarray(at, Math.min(at + sector, length, Math.max(at, source.length))), at);
  }
  return result;
};

class Model {
  readonly entries: Entries;
  readonly durable: Entries;
  pending: EntryChange[] = [];
  count = 0;
  dark = false;
  constructor(readonly plan: FaultPlan, entries: Entries) {
    this.entries = entries;
    this.durable = new Map(entries);
  }

  /** Counts a changing step; `partly` is what may have happened of it when it breaks. */
  step(partly: () => void = () => {}): void {
    if (this.dark) throw failing("the power is off");
    this.count++;
    if (this.count === this.plan.failAt) {
      partly();
      throw failing(`step ${this.count} failed as planned`);
    }
    if (this.count === this.plan.powerCutAt) {
      partly();
      this.dark = true;
      throw failing(`the power went at step ${this.count}`);
    }
  }

  alive(): void {
    if (this.dark) throw failing("the power is off");
  }

  change(change: EntryChange): void {
    applied(this.entries, change);
    this.pending.push(change);
  }

  file(path: string): Inode {
    this.alive();
    const inode = this.entries.get(path);
    if (inode === undefined || inode === "folder") throw failing(`no such file "${path}"`);
    return inode;
  }

  write(path: string, bytes: Uint8Array): void {
    if (this.entries.get(parentOf(path)) !== "folder") throw failing(`no such folder "${parentOf(path)}"`);
    let inode = this.entries.get(path);
    if (inode === "folder") throw failing(`"${path}" is a folder`);
    if (inode === undefined) {
      inode = { content: new Uint8Array(), durable: new Uint8Array() };
      this.change({ kind: "put", path, inode });
    }
    inode.content = bytes.slice();
  }

  makeFolder(path: string): void {
    let here = "";
    for (const part of path.split("/").filter((name) => name !== "")) {
      here += `/${part}`;
      const found = this.entries.get(here);
      if (found !== undefined && found !== "folder") throw failing(`"${here}" is a file`);
      if (found === undefined) this.change({ kind: "put", path: here, inode: "folder" });
    }
  }

  /** What the durable half of the entries holds after the power is back. */
  survivors(): Entries {
    const chance = random(`${this.plan.seed ?? 0}/${this.plan.powerCutAt ?? this.count}`).split("power-cut");
    const left = new Map(this.durable);
    // Changes of one folder reach the disk in order or not at all; a folder's own entry decides for those inside it.
    for (const change of this.pending) if (chance.below(2) === 0) applied(left, change);
    const inodes = new Map<Inode, Inode>();
    const kept: Entries = new Map();
    for (const [path, inode] of [...left].sort(([a], [b]) => a < b ? -1 : 1)) {
      if (path !== "/" && kept.get(parentOf(path)) !== "folder") continue;
      if (inode === "folder") {
        kept.set(path, "folder");
        continue;
      }
      if (!inodes.has(inode)) {
        const content = torn(inode, chance);
        inodes.set(inode, { content, durable: content });
      }
      kept.set(path, inodes.get(inode)!);
    }
    return kept;
  }
}

const statOf = (inode: Inode | "folder" | undefined): Stat | undefined =>
  inode === undefined
    ? undefined
    : inode === "folder"
    ? { kind: "folder", size: 0, modifiedMs: 0 }
    : { kind: "file", size: inode.content.length, modifiedMs: 0 };

const driverOf = (model: Model): FaultyDisk => ({
  read: async (path) => await model.file(path).content.slice(),
  write: async (path, bytes) => {
    model.step(() => {
      const cut = random(`${model.plan.seed ?? 0}/${model.count}`).split("short-write").below(bytes.length + 1);
      model.write(path, bytes.subarray(0, cut));
    });
    await model.write(path, bytes);
  },
  sync: async (path) => {
    model.step();
    const inode = await model.file(path);
    inode.durable = inode.content;
  },
  syncFolder: async (path) => {
    model.step();
    await model.alive();
    for (const change of model.pending) if (concerns(change, path)) applied(model.durable, change);
    model.pending = model.pending.filter((change) => !concerns(change, path));
  },
  rename: async (from, to) => {
    const move = () => {
      const inode = model.file(from);
      if (model.entries.get(parentOf(to)) !== "folder") throw failing(`no such folder "${parentOf(to)}"`);
      model.change({ kind: "move", from, to, inode });
    };
    // A rename is atomic: at a power cut it is pending as a whole, at a plain failure it did not happen.
    model.step(() => model.count === model.plan.powerCutAt && move());
    await move();
  },
  remove: async (path) => {
    model.step();
    const gone = [...model.entries.keys()].filter((name) => name !== "/" && isUnder(name, path));
    for (const name of gone.sort().reverse()) await model.change({ kind: "take", path: name });
  },
  makeFolder: async (path) => {
    model.step();
    await model.makeFolder(path);
  },
  list: async (path) => {
    await model.alive();
    if (model.entries.get(path) !== "folder") throw failing(`no such folder "${path}"`);
    const start = path === "/" ? "/" : `${path}/`;
    return [...model.entries.keys()].filter((name) => name !== "/" && name.startsWith(start))
      .map((name) => name.slice(start.length)).filter((name) => !name.includes("/"));
  },
  stat: async (path) => {
    await model.alive();
    return statOf(model.entries.get(path));
  },
  realPath: async (path) => {
    await model.alive();
    return path;
  },
  steps: () => model.count,
  afterPowerCut: () => driverOf(new Model({}, model.survivors())),
});

/** A fresh, empty disk that breaks as planned. Paths are absolute, with `/`, without `.` and `..`. */
export const faultyDisk = (plan: FaultPlan = {}): FaultyDisk => driverOf(new Model(plan, new Map([["/", "folder"]])));
