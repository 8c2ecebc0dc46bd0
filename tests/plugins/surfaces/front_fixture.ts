/**
 * A kernel for tests of the listening surfaces: the real engine over operations made to be awkward (endless, hidden,
 * refused, broken, streaming), and a gate that answers as a policy would.
 */
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import {
  approvalNeeded,
  CallContext,
  denied,
  failure,
  type GateShape,
  implementation,
  JsonValue,
  type Kernel,
  openKernel,
  operation,
  type Plugin,
} from "../../../kernel/mod.ts";
import { platformDisk } from "../../../kernel/platform/disk.ts";
import { layerEntropy } from "../../../kernel/platform/entropy.ts";
import { Front, frontOf, frontProvision, type FrontShape } from "../../../plugins/surfaces/contract.ts";
import { surfacesPlugin } from "../../../plugins/surfaces/manifest.ts";
import { type Seen, testHost, testOptions } from "../../kernel/host.ts";

const common = {
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable" as const,
  effects: [] as const,
};

const tooLoud = failure("DEMO_TOO_LOUD", {
  doc: "A text is all capitals.",
  recoverable: true,
  says: (a: { text: string }) => `Cannot repeat "${a.text}": too loud`,
  fix: (a) => ({ summary: "Lower it", patch: [{ op: "replace", path: "/text", value: a.text.toLowerCase() }] }),
});

const Echo = operation("demo.echo", {
  ...common,
  summary: "Repeat a text that is not shouted.",
  input: { text: Schema.String, extra: Schema.optionalKey(JsonValue) },
  output: Schema.Struct({ text: Schema.String, actor: Schema.String }),
  failures: [tooLoud],
  examples: [{ input: { text: "hello" } }],
});

const Count = operation("demo.count", {
  ...common,
  summary: "Count up, telling every number.",
  input: {
    to: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 })),
    everyMs: Schema.optionalKey(Schema.Int),
  },
  output: Schema.Struct({ counted: Schema.Int }),
  event: Schema.Struct({ at: Schema.Int }),
  failures: [],
  examples: [{ input: { to: 2 }, output: { counted: 2 } }],
});

const Wait = operation("demo.wait", {
  ...common,
  summary: "Wait without end.",
  input: {},
  output: Schema.Null,
  failures: [],
  examples: [{ input: {} }],
});

const Watched = operation("demo.watched", {
  ...common,
  summary: "Tell how many waits are in progress, and how many were interrupted.",
  input: {},
  output: Schema.Struct({ waiting: Schema.Int, interrupted: Schema.Int }),
  failures: [],
  examples: [{ input: {} }],
});

const Dice = operation("demo.dice", {
  ...common,
  summary: "Throw dice from the call's own randomness.",
  input: {},
  output: Schema.Array(Schema.Finite),
  failures: [],
  examples: [{ input: {} }],
});

const Write = operation("demo.write", {
  ...common,
  effects: ["writeLocal"],
  summary: "Write something that a person must allow first.",
  input: { path: Schema.String },
  output: Schema.Null,
  failures: [],
  examples: [{ input: { path: "x" }, failure: "KERNEL_APPROVAL_NEEDED" }],
});

const Send = operation("demo.send", {
  ...common,
  effects: ["network"],
  summary: "Send something that policy refuses.",
  input: {},
  output: Schema.Null,
  failures: [],
  examples: [{ input: {}, failure: "KERNEL_DENIED" }],
});

const Secret = operation("demo.secret", {
  ...common,
  effects: ["exec"],
  summary: "Hidden from every caller of a listening surface.",
  input: {},
  output: Schema.Null,
  failures: [],
  examples: [{ input: {} }],
});

const Break = operation("demo.break", {
  ...common,
  summary: "Break, as a bug would.",
  input: {},
  output: Schema.Null,
  failures: [],
  examples: [{ input: {}, failure: "KERNEL_DEFECT" }],
});

/** What a test can observe of the demo operations. */
export interface Watch {
  /** Calls of `demo.wait` in progress. */
  waiting: number;
  /** Calls of `demo.wait` that were interrupted. */
  interrupted: number;
}

/** Operations made to be awkward, as a plugin. */
export const demoPlugin = (watch: Watch): Plugin => ({
  id: "demo",
  version: "1.0.0",
  summary: "Operations made to be awkward.",
  provides: [],
  requires: [],
  effects: ["writeLocal", "network", "exec"],
  kinds: [],
  stability: "stable",
  namespaces: [{ name: "demo", summary: "operations made to be awkward" }],
  operations: () => [Echo, Count, Wait, Watched, Dice, Write, Send, Secret, Break],
  load: () => ({
    default: implementation({
      operations: [Echo, Count, Wait, Watched, Dice, Write, Send, Secret, Break],
      requires: [],
      layer: Layer.empty,
      handlers: {
        "demo.echo": ({ text }) =>
          Effect.gen(function* () {
            if (/\p{Lu}{3}/u.test(text)) return yield* tooLoud({ text, path: "/text", actual: text });
            return { text, actor: (yield* CallContext).actor };
          }),
        "demo.count": ({ to, everyMs = 0 }) =>
          Effect.gen(function* () {
            const { emit, progress } = yield* CallContext;
            for (let at = 1; at <= to; at++) {
              if (everyMs > 0) yield* Effect.sleep(everyMs);
              yield* emit({ at });
              yield* progress({ label: "counting", done: at, total: to });
            }
            return { counted: to };
          }),
        "demo.wait": () =>
          Effect.gen(function* () {
            watch.waiting++;
            return yield* Effect.never;
          }).pipe(
            Effect.onInterrupt(() => Effect.sync(() => watch.interrupted++)),
            Effect.ensuring(Effect.sync(() => watch.waiting--)),
          ),
        "demo.watched": () => Effect.sync(() => ({ ...watch })),
        "demo.dice": () => Effect.map(CallContext, ({ random }) => Array.from({ length: 8 }, () => random.float())),
        "demo.write": () => Effect.succeed(null),
        "demo.send": () => Effect.succeed(null),
        "demo.secret": () => Effect.succeed(null),
        "demo.break": () => Effect.die(new Error("a bug with a token sk-not-for-callers")),
      },
    }),
  }),
});

const gate = (seen: Seen): { decide: GateShape["decide"]; visible: GateShape["visible"] } => ({
  decide: (call) =>
    Effect.gen(function* () {
      if (call.operation === "surfaces.serve") {
        const check = (authority: string) => (detail: string) =>
          Effect.sync(() => void seen.push({ port: "use", authority, detail }));
        return { rule: "test", grants: call.effects.map((name) => ({ authority: name, check: check(name) })) };
      }
      const details = { operation: call.operation, rule: "test" };
      if (call.effects.includes("writeLocal")) {
        return yield* approvalNeeded({ ...details, authorities: ["writeLocal"], command: "rmi approve r-1" });
      }
      if (call.effects.length > 0) return yield* denied({ ...details, authority: call.effects[0], detail: "anything" });
      return { rule: "test", grants: [] };
    }),
  visible: (listed) => !listed.effects.includes("exec"),
});

/** An open kernel, its front, and what it saw. */
export interface Opened {
  readonly kernel: Kernel;
  readonly front: FrontShape;
  readonly seen: Seen;
  readonly watch: Watch;
}

/** Opens the kernel of these tests; its surfaces reach it as they reach a real one. */
export const openDemo: Effect.Effect<Opened, never, Scope.Scope> = Effect.gen(function* () {
  const watch: Watch = { waiting: 0, interrupted: 0 };
  const seen: Seen = [];
  const opened = yield* Deferred.make<Kernel>();
  const front = frontOf(Deferred.await(opened));
  const host = Layer.mergeAll(testHost(seen, gate(seen), platformDisk), layerEntropy, Layer.succeed(Front, front));
  const options = testOptions([demoPlugin(watch), surfacesPlugin], { host, hostProvides: [frontProvision] });
  const kernel = yield* Effect.orDie(openKernel(options));
  yield* Deferred.succeed(opened, kernel);
  return { kernel, front, seen, watch };
});
