/**
 * Patterns: how a policy names actors, operations, hosts and folders, compiled once to a test on a text.
 *
 * Not regular expressions: `*` stands for any run of characters and is the only sign, so that a pattern means what it
 * looks like and matching is linear.
 * Invariant: a text that cannot be understood (a host with strange characters, a path with `..`) matches nothing that
 * would allow it.
 *
 * @module
 */
import { isAbsolutePath, isInside } from "../kernel/mod.ts";

/** A test on a text. */
export type Matches = (text: string) => boolean;

const always: Matches = () => true;

/** Compiles a pattern in which `*` stands for any run of characters, the empty one included. */
export const glob = (pattern: string): Matches => {
  if (pattern === "*") return always;
  const pieces = pattern.split("*");
  if (pieces.length === 1) return (text) => text === pattern;
  const first = pieces[0];
  const last = pieces[pieces.length - 1];
  const middle = pieces.slice(1, -1).filter((piece) => piece !== "");
  const least = first.length + last.length + middle.reduce((sum, piece) => sum + piece.length, 0);
  return (text) => {
    if (text.length < least || !text.startsWith(first) || !text.endsWith(last)) return false;
    let from = first.length;
    const until = text.length - last.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, from);
      if (found < 0 || found + piece.length > until) return false;
      from = found + piece.length;
    }
    return true;
  };
};

/** A host as a policy sees it. */
interface Host {
  readonly name: string;
  readonly port: string | undefined;
}

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9_*](?:[a-z0-9._*-]*[a-z0-9_*])?)\.?(?::(\d{1,5}))?$/u;

const hostOf = (text: string): Host | undefined => {
  const found = HOST.exec(text.toLowerCase());
  return found === null ? undefined : { name: found[1], port: found[2] };
};

/** Whether a text can be a host of a policy: a name, perhaps `*.` before it, perhaps `:port` after it. */
export const isHostPattern = (text: string): boolean => {
  const host = hostOf(text);
  return host !== undefined && !host.name.slice(host.name.startsWith("*.") ? 1 : 0).includes("*") || text === "*";
};

/**
 * Compiles a host pattern: `example.org`, `*.example.org` (its subdomains only), either with `:port`, or `*`.
 * `unsure` is the answer where the text names no port or is no host at all: false for rules that allow.
 */
export const hostPattern = (pattern: string, unsure: boolean): Matches => {
  if (pattern === "*") return (text) => hostOf(text) !== undefined || unsure;
  const wanted = hostOf(pattern);
  if (wanted === undefined) return () => unsure;
  const suffix = wanted.name.startsWith("*.") ? wanted.name.slice(1) : undefined;
  return (text) => {
    const host = hostOf(text);
    if (host === undefined || host.name.includes("*")) return unsure;
    const named = suffix === undefined
      ? host.name === wanted.name
      : host.name.endsWith(suffix) && host.name.length > suffix.length;
    if (!named || wanted.port === undefined || wanted.port === host.port) return named;
    return host.port === undefined && unsure;
  };
};

const isWindows = (path: string): boolean => !path.startsWith("/");

/**
 * The one spelling of a path that comparisons use, or `undefined` for a path that is not absolute or holds `.` or `..`.
 * Windows file systems ignore case, so there the spelling is lower case.
 */
export const pathKey = (path: string): string | undefined => {
  if (!isAbsolutePath(path) || path.includes("\0")) return undefined;
  if (!isWindows(path)) {
    const bare = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
    return /\/\.{0,2}(?:\/|$)/u.test(bare) && bare !== "/" ? undefined : bare;
  }
  const plain = path.replace(/^\\\\[?.]\\(?=[A-Za-z]:)/u, "").replaceAll("/", "\\").toLowerCase();
  const bare = plain.endsWith("\\") && !/^[a-z]:\\$/u.test(plain) ? plain.slice(0, -1) : plain;
  // A second colon names an alternative stream of a file: another way to write the same file.
  return /\\\.{1,2}(?:\\|$)/u.test(bare) || bare.slice(2).includes(":") ? undefined : bare;
};

/** Compiles a folder to the test whether a path is it or lies in it, by whole segments. */
export const folderPattern = (folder: string): Matches => {
  const wanted = pathKey(folder);
  if (wanted === undefined) return () => false;
  return (text) => {
    const key = pathKey(text);
    return key !== undefined && isInside(key, wanted);
  };
};

/**
 * Compiles a file that must not be touched to the test whether changing a path would change or remove it: the file, what
 * lies in it, a folder that holds it, or another spelling on file systems that ignore case, trailing dots and spaces.
 * A `*` at the end covers every name that begins so.
 */
export const guardPattern = (file: string): Matches => {
  const fold = (path: string): string =>
    path.toLowerCase().split(/[\\/]/u).map((part) => part.replace(/[. ]+$/u, "")).join("/");
  const open = file.endsWith("*");
  const wanted = fold(open ? file.slice(0, -1) : file);
  const covers = open ? (key: string) => key.startsWith(wanted) : (key: string) => isInside(key, wanted);
  return (text) => {
    const key = pathKey(text);
    if (key === undefined) return true;
    const folded = fold(key);
    return covers(folded) || isInside(wanted, folded === "" ? "/" : folded);
  };
};
