/**
 * Layer: the effects room as one layer, what a host puts below its kernel: policy, gate, grants, approvals, proposals,
 * meter, ledger and journal.
 *
 * Not the platform (entropy and disk come from the host) and not the operations (effects/mod.ts).
 * Invariant: without a readable policy nothing opens; a workspace without a policy file runs under the built-in rules.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import {
  caps,
  Disk,
  diskFailureOf,
  type Entropy,
  type Failure,
  type Gate,
  type Grant,
  type Journal,
  type KernelFailure,
  type Meter,
  type Provision,
} from "../kernel/mod.ts";
import { type Approvals, layerApprovals } from "./approvals.ts";
import { layerMeter } from "./budget.ts";
import { layerGate } from "./gate.ts";
import { type Grants, layerGrants } from "./grants.ts";
import { layerJournal } from "./journal.ts";
import { layerLedger, type Ledger } from "./ledger.ts";
import { type Folders, loadPolicy, Policy, resolvePolicy } from "./policy.ts";
import { POLICY_FILE, type PolicyFile } from "./policy_file.ts";
import { layerProposals, type Proposals } from "./proposals.ts";
import { redactJson } from "./redact.ts";

/** What the effects room is set up with. */
export interface EffectsOptions {
  /** The user's folder, absolute. */
  readonly workspace: string;
  /** Durable state, absolute. */
  readonly stateFolder: string;
  /** Results, absolute. */
  readonly outputFolder: string;
  /** The policy, instead of the workspace's file. */
  readonly policy?: PolicyFile;
  /**
   * The path without links (`platformDisk.realPath`), so that decisions are about what would really be touched. Absent:
   * paths are taken as they are, and the disk's own check refuses links that lead out.
   */
  readonly realPath?: (path: string) => Promise<string>;
}

/** The services of the effects room. */
export type EffectsServices = Policy | Gate | Grants | Approvals | Proposals | Meter | Ledger | Journal;

/** The capabilities of the effects room that plugins may require: for `KernelOptions.hostProvides`. */
export const hostProvisions: ReadonlyArray<Provision> = [
  "rmi/Policy",
  "rmi/Grants",
  "rmi/Approvals",
  "rmi/Proposals",
  "rmi/Ledger",
  "rmi/Journal",
].map((capability) => ({ capability, version: "1.0.0" }));

/** The host's own right to read the policy: it exists before any policy could grant it. */
const hostRead: Grant<"readLocal"> = { authority: "readLocal", check: () => Effect.void };

const readPolicyFile = (workspace: string): Effect.Effect<string | undefined, KernelFailure, Disk> =>
  Effect.gen(function* () {
    const disk = yield* Disk;
    const file = `${workspace}/${POLICY_FILE}`;
    const found = yield* disk.stat(file);
    return found === undefined ? undefined : yield* disk.readText(file);
  }).pipe(Effect.provideService(caps.readLocal, hostRead));

type RealPath = (path: string) => Effect.Effect<string, KernelFailure>;

const realPathOf = (options: EffectsOptions): RealPath => {
  const { realPath } = options;
  if (realPath === undefined) return Effect.succeed;
  return (path) =>
    Effect.tryPromise({
      try: () => realPath(path),
      catch: (cause) => diskFailureOf("resolve", path, cause),
    });
};

const layerPolicy = (options: EffectsOptions, realPath: RealPath): Layer.Layer<Policy, Failure, Disk> =>
  Layer.effect(
    Policy,
    Effect.gen(function* () {
      const folders: Folders = yield* Effect.all({
        workspace: realPath(options.workspace),
        state: realPath(options.stateFolder),
        output: realPath(options.outputFolder),
      });
      if (options.policy !== undefined) {
        return { ...yield* resolvePolicy(options.policy, folders, realPath), source: "given" };
      }
      const disk = yield* Disk;
      return yield* loadPolicy(folders, Effect.provideService(readPolicyFile(options.workspace), Disk, disk), realPath);
    }),
  );

/** All services of the effects room over one workspace. */
export const layerEffects = (options: EffectsOptions): Layer.Layer<EffectsServices, Failure, Entropy | Disk> => {
  const realPath = realPathOf(options);
  const ledger = layerLedger({ stateFolder: options.stateFolder, redact: redactJson });
  const journal = layerJournal({ stateFolder: options.stateFolder });
  const ground = Layer.mergeAll(layerPolicy(options, realPath), layerGrants, ledger);
  const consents = Layer.mergeAll(layerApprovals, layerMeter, journal).pipe(Layer.provideMerge(ground));
  return Layer.mergeAll(layerGate(realPath), layerProposals).pipe(Layer.provideMerge(consents));
};
