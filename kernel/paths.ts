/**
 * Paths: what a path in an input means, and whether it lies in a folder. Text only; links are the disk's business.
 *
 * Invariant: a resolved path is absolute, has no `.` or `..`, and uses the separator of its base folder.
 *
 * @module
 */

const ABSOLUTE = /^(?:\/|[A-Za-z]:[\\/]|\\\\)/u;

/** Whether a path is absolute, in the POSIX or the Windows way. */
export const isAbsolutePath = (path: string): boolean => ABSOLUTE.test(path);

const rootOf = (path: string): string => /^(?:[A-Za-z]:[\\/]|\\\\[^\\/]+[\\/][^\\/]+[\\/]?|\/)/u.exec(path)?.[0] ?? "";

/** Resolves a path of the user's against their folder; an absolute one stands for itself. */
export const resolvePath = (folder: string, path: string): string => {
  const whole = isAbsolutePath(path) ? path : `${folder}/${path}`;
  const root = rootOf(whole);
  const separator = root.includes("\\") ? "\\" : "/";
  const parts: Array<string> = [];
  for (const part of whole.slice(root.length).split(separator === "\\" ? /[\\/]+/u : /\/+/u)) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return root + parts.join(separator);
};

/** Whether a resolved path is a folder itself or lies in it, by whole segments. */
export const isInside = (path: string, folder: string): boolean => {
  const separator = folder.includes("\\") ? "\\" : "/";
  const inside = folder.endsWith(separator) ? folder : folder + separator;
  return path === folder || path.startsWith(inside);
};
