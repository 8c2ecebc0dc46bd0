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

export const talkative = (): string => {
  console.log("\nnot a value\n");
  console.info("nor this");
  return "said";
};

/** Ends its process, where it is one. */
export const leave = (): never => Deno.exit(7);

/** Holds more than any worker of these tests may. */
export const hoard = (): number => {
  const held: Array<Float64Array> = [];
  for (let i = 0; i < 400; i++) held.push(new Float64Array(1_000_000).fill(i));
  return held.length;
};
