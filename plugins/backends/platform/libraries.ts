/**
 * Platform: whether a native library is there, asked before something that would complain loudly is tried.
 *
 * @module
 */

/** Whether a library can be opened here, on this system only; other systems answer yes. */
export const hasLibrary = (os: string, name: string): boolean => {
  if (typeof Deno === "undefined" || Deno.dlopen === undefined || Deno.build.os !== os) return true;
  try {
    Deno.dlopen(name, {}).close();
    return true;
  } catch {
    return false;
  }
};
