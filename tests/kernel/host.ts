/**
 * A host layer for kernel tests: an observable gate, meter and journal, and a memory-free disk that refuses everything.
 *
 * Not the real guard (effects/): it records what the kernel asks of its ports, so that order and content can be judged.
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import {
  type Account,
  type Amounts,
  AXES,
  type Axis,
  budgetExhausted,
  type Call,
  Disk,
  type DiskDriver,
  diskOver,
  Entropy,
  Gate,
  type GateShape,
  type HostServices,
  Journal,
  type KernelOptions,
  Meter,
  type Outcome,
  type Plugin,
} from "../../kernel/mod.ts";

/** What the ports saw, in order. */
export type Seen = Array<
  | { readonly port: "decide"; readonly call: Call }
  | { readonly port: "reserve"; readonly operation: string; readonly amounts: Partial<Amounts> }
  | { readonly port: "intent"; readonly call: Call }
  | { readonly port: "outcome"; readonly call: Call; readonly outcome: Outcome }
  | { readonly port: "use"; readonly authority: string; readonly detail: string }
>;

const fullAmounts = (amounts: Partial<Amounts>): Record<Axis, number> =>
  Object.fromEntries(AXES.map((axis) => [axis, amounts[axis] ?? 0])) as Record<Axis, number>;

const account = (name: string, amounts: Partial<Amounts>): Account => {
  const left = fullAmounts(amounts);
  const used = fullAmounts({});
  const charge: Account["charge"] = (axis, amount) => {
    if (amount > left[axis]) return budgetExhausted({ account: name, axis, asked: amount, remaining: left[axis] });
    left[axis] -= amount;
    used[axis] += amount;
  };
  return {
    name,
    remaining: () => ({ ...left }),
    spent: () => ({ ...used }),
    charge,
    spend: (axis, amount) =>
      Effect.suspend(() => {
        const refused = charge(axis, amount);
        return refused === undefined ? Effect.void : Effect.fail(refused);
      }),
    reserve: (child, wanted) => Effect.sync(() => account(child, wanted)),
  };
};

const noDisk = new Proxy({}, { get: () => () => Promise.reject(new Error("no disk in this test")) }) as DiskDriver;

/** A host that allows what `allow` says and lets every actor see what `visible` says. */
export const testHost = (
  seen: Seen = [],
  gate: { readonly decide?: GateShape["decide"]; readonly visible?: GateShape["visible"] } = {},
  disk: DiskDriver = noDisk,
): Layer.Layer<HostServices> => {
  let fresh = 0;
  const grants = (call: Call) =>
    [...call.effects, ...call.kinds].map((authority) => ({
      authority,
      check: (detail: string) => Effect.sync(() => void seen.push({ port: "use", authority, detail })),
    }));
  return Layer.mergeAll(
    Layer.succeed(Gate, {
      decide: (call) =>
        Effect.suspend(() => {
          seen.push({ port: "decide", call });
          return gate.decide?.(call) ?? Effect.succeed({ rule: "test", grants: grants(call) });
        }),
      visible: gate.visible ?? (() => true),
    }),
    Layer.succeed(Meter, {
      open: ({ operation }, amounts) =>
        Effect.sync(() => {
          seen.push({ port: "reserve", operation, amounts });
          return account(operation, amounts);
        }),
    }),
    Layer.succeed(Journal, {
      intent: (call) => Effect.sync(() => void seen.push({ port: "intent", call })),
      outcome: (call, outcome) => Effect.sync(() => void seen.push({ port: "outcome", call, outcome })),
      dangling: Effect.succeed([]),
    }),
    Layer.succeed(Entropy, {
      bytes: (count) => {
        fresh++;
        return Uint8Array.from({ length: count }, (_, index) => index === count - 1 ? fresh % 256 : fresh >> 8);
      },
    }),
    Layer.succeed(Disk, diskOver(disk)),
  );
};

/** Options for a kernel over test plugins. */
export const testOptions = (plugins: ReadonlyArray<Plugin>, more: Partial<KernelOptions> = {}): KernelOptions => ({
  plugins,
  host: testHost(),
  workspace: "/home/user/project",
  ...more,
});

/** A plugin with no operations, for tests of resolution and boot. */
export const barePlugin = (id: string, more: Partial<Plugin> = {}): Plugin => ({
  id,
  version: "1.0.0",
  summary: `Test plugin ${id}.`,
  provides: [],
  requires: [],
  effects: [],
  kinds: [],
  stability: "stable",
  namespaces: [],
  operations: () => [],
  load: () => ({ default: { layer: Layer.empty, handlers: {} } }),
  ...more,
});
