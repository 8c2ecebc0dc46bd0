/** Jobs for the worker tests. */

export const fibonacci = (n: number): number => n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);

export const echo = (value: unknown): unknown => value;

export const forever = (): never => {
  for (;;);
};

export const broken = (): never => {
  throw new RangeError("no such luck");
};

export const later = (): Promise<never> => {
  setTimeout(() => {
    throw new Error("thrown on its own");
  }, 0);
  return new Promise(() => {});
};

export const unsendable = (): () => void => () => {};

export const permissions = async (): Promise<ReadonlyArray<string>> => {
  const names = ["read", "write", "net", "env", "sys", "ffi", "run"] as const;
  return await Promise.all(names.map(async (name) => (await Deno.permissions.query({ name })).state));
};

export const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte, 0);

let calls = 0;
/** Tells how often this very worker was used. */
export const count = (): number => ++calls;

export const notAFunction = 3;
