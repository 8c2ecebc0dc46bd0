/**
 * A fresh workspace with the whole effects room over it, for the tests of this folder: real files, real ledger, and a
 * clock that the test moves.
 */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { type EffectsServices, layerEffects } from "../../effects/layer.ts";
import type { PolicyFile, Rule } from "../../effects/policy_file.ts";
import {
  type Actor,
  type Call,
  type Digest,
  digestJson,
  type Disk,
  type Entropy,
  type Failure,
} from "../../kernel/mod.ts";
import { layerDisk } from "../../kernel/disk.ts";
import { platformDisk } from "../../kernel/platform/disk.ts";
import { layerEntropy } from "../../kernel/platform/entropy.ts";

/** A clock that a test moves ahead. */
export interface MovableClock {
  /** Moves it ahead. */
  readonly advance: (ms: number) => void;
  /** Puts it under an effect. */
  readonly layer: Layer.Layer<never>;
}

/** A clock that starts at a fixed moment and stands still until it is moved. */
export const movableClock = (): MovableClock => {
  let now = 1_700_000_000_000;
  const nanos = () => BigInt(now) * 1_000_000n;
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: () => Effect.yieldNow,
  };
  return { advance: (ms) => void (now += ms), layer: Layer.succeed(Clock.Clock, clock) };
};

/** A fresh folder, removed afterwards, with the room's options for it. */
export const inWorkspace = async <A>(body: (folder: string) => Promise<A>): Promise<A> => {
  const folder = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    return await body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
};

/** The room over a folder. */
export const roomOver = (folder: string, policy?: PolicyFile): Layer.Layer<EffectsServices, Failure> =>
  layerEffects({
    workspace: folder,
    stateFolder: `${folder}/.rmi`,
    outputFolder: `${folder}/out`,
    realPath: platformDisk.realPath,
    ...(policy === undefined ? {} : { policy }),
  }).pipe(Layer.provide(Layer.mergeAll(layerDisk(platformDisk), layerEntropy) as Layer.Layer<Disk | Entropy>));

/** What a body gets besides the room's services. */
export interface Ground {
  /** The workspace. */
  readonly folder: string;
  /** Moves the clock ahead. */
  readonly advance: (ms: number) => void;
}

/** Runs a body over a fresh workspace. */
export const withRoom = <A, E>(
  policy: PolicyFile | undefined,
  body: (ground: Ground) => Effect.Effect<A, E, EffectsServices>,
): Promise<A> =>
  inWorkspace((folder) => {
    const clock = movableClock();
    return Effect.runPromise(
      body({ folder, advance: clock.advance }).pipe(
        Effect.provide(roomOver(folder, policy).pipe(Layer.provideMerge(clock.layer))),
      ),
    );
  });

/** A policy of these rules. */
export const policyWith = (rules: ReadonlyArray<Rule>, more: Partial<PolicyFile> = {}): PolicyFile => ({
  format: 1,
  rules,
  ...more,
});

let fresh = 0;

/** A call as the kernel would make it. */
export const callOf = (spec: Partial<Call> & { readonly operation: string }): Call => ({
  id: `call-${++fresh}`,
  declaration: digestJson(spec.operation) as Digest,
  arguments: digestJson(spec.input ?? {}),
  input: {},
  actor: "agent:a" as Actor,
  effects: [],
  kinds: [],
  reversible: true,
  paths: { read: [], write: [] },
  ...spec,
});
