/**
 * A room for self-modification without a kernel: a ledger in memory that outlives what is built over it, a disk that may
 * break, workers that are called in place, and a policy that approves by itself.
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { type Approvals, layerApprovals } from "../../../../effects/approvals.ts";
import { Ledger, type LedgerShape, memoryLedger } from "../../../../effects/ledger.ts";
import { compilePolicy, Policy } from "../../../../effects/policy.ts";
import { layerProposals, Proposals } from "../../../../effects/proposals.ts";
import { Sandbox } from "../../../../effects/sandbox.ts";
import {
  type Authority,
  CallContext,
  caps,
  type DiskDriver,
  diskOver,
  type Failure,
  type Json,
  random,
  Workers,
  type WorkersShape,
} from "../../../../kernel/mod.ts";
import { layerEntropy } from "../../../../kernel/platform/entropy.ts";
import { answerProgram, type ProgramTask } from "../../../../plugins/evolution/evaluators/program_job.ts";
import type { Suite } from "../../../../plugins/evolution/evaluators/suite.ts";
import { modelChecks } from "../../../../plugins/evolution/self/model_checks.ts";
import { trySubject } from "../../../../plugins/evolution/self/modify.ts";
import { SUBJECT_DOMAINS } from "../../../../plugins/evolution/self/subject.ts";
import { subjectChecks } from "../../../../plugins/evolution/self/subject_checks.ts";
import { artifactStore } from "../../../../registry/artifact_store.ts";
import { Artifacts } from "../../../../registry/contract.ts";

const FOLDERS = { workspace: "/w", state: "/w/.rmi", output: "/w/out" };

/** Approves every admitted change of a subject, without end. */
export const APPROVING = {
  format: 1,
  rules: [],
  automatic: [{ name: "tests", domain: "programs.*", perHour: 1_000_000, maxBytes: 100_000 }],
} as const;

/** A ledger in memory. */
export const newLedger = (): Promise<LedgerShape> =>
  Effect.runPromise(Effect.provide(memoryLedger((value) => value), layerEntropy));

/** The same ledger, whose `at`-th append fails, having written nothing; those after it fail as well. */
export const failingLedger = (ledger: LedgerShape, at: number): LedgerShape & { readonly appends: () => number } => {
  let appends = 0;
  return {
    ...ledger,
    appends: () => appends,
    append: (events) =>
      ++appends >= at ? Effect.die(new Error(`append ${appends} failed as planned`)) : ledger.append(events),
  };
};

const inPlace: WorkersShape = {
  size: 1,
  kind: "thread",
  pool: () => Effect.succeed(inPlace),
  run: ({ input }) => Effect.sync(() => answerProgram(input as ProgramTask)),
};

const grant = (authority: Authority) => ({ authority, check: () => Effect.void });

type Room = Proposals | Artifacts | Ledger | Workers | Sandbox | CallContext;

/** Runs a body over a ledger and a disk, under a call's authority, which is granted throughout. */
export const inRoom = <A, R>(
  { ledger, disk }: { readonly ledger: LedgerShape; readonly disk: DiskDriver },
  body: Effect.Effect<A, Failure, R>,
): Promise<A> => {
  const ground = Layer.mergeAll(
    Layer.succeed(Ledger, ledger),
    Layer.succeed(Policy, { ...compilePolicy(APPROVING, FOLDERS), source: "given" }),
    layerEntropy,
  );
  const consents: Layer.Layer<Approvals | Ledger | Policy, never, never> = layerApprovals.pipe(
    Layer.provideMerge(ground),
  ) as never;
  const layer = layerProposals.pipe(Layer.provideMerge(consents)) as Layer.Layer<Proposals | Ledger>;
  const whole = Effect.gen(function* () {
    const store = yield* artifactStore(ledger, diskOver(disk));
    const proposals = yield* Proposals;
    for (const domain of SUBJECT_DOMAINS) yield* proposals.register(domain, subjectChecks(store, proposals));
    yield* proposals.register("models.*", modelChecks(store, proposals));
    const provided = <B, E>(effect: Effect.Effect<B, E, unknown>): Effect.Effect<B, E> =>
      effect.pipe(
        Effect.provideService(Artifacts, store),
        Effect.provideService(Ledger, ledger),
        Effect.provideService(Proposals, proposals),
        Effect.provideService(Workers, inPlace),
        Effect.provideService(Sandbox, {} as never),
        Effect.provideService(CallContext, call as never),
        Effect.provideService(caps.readLocal as never, grant("readLocal") as never),
        Effect.provideService(caps.writeLocal as never, grant("writeLocal") as never),
      ) as Effect.Effect<B, E>;
    const validate = (id: string) =>
      Effect.gen(function* () {
        const { proposal } = yield* proposals.get(id);
        for (const [index, { input }] of proposal.validation.entries()) {
          const found = yield* Effect.result(provided(trySubject(input as never)));
          yield* proposals.validated(id, index, found._tag === "Success" && found.success.ok);
        }
        return null;
      });
    const call = {
      id: "1",
      operation: "evolution.modify",
      actor: "agent:a" as const,
      ...{ workspace: "/w", stateFolder: "/w/.rmi", outputFolder: "/w/out" },
      random: random(1),
      emit: () => Effect.void,
      progress: () => Effect.void,
      invoke: (_operation: string, input: Json) => validate((input as { readonly proposal: string }).proposal),
    };
    return yield* provided(body);
  });
  return Effect.runPromise(Effect.provide(whole, layer) as Effect.Effect<A>);
};

/** Services that {@link inRoom} provides. */
export type { Room };

const number = (value: number) => ({ type: "f64", values: [value] });
const cases = (inputs: ReadonlyArray<number>) =>
  inputs.map((x) => ({ name: `at ${x}`, input: { x: number(x) }, wants: number(3 * x + 1) }));

/** 3 x + 1, on numbers of both signs. */
export const SUITE: Suite = {
  name: "affine",
  kind: "program",
  seen: cases([0, 1, -2]),
  held: cases([3, 4, -5, -6]),
  tolerance: 1e-9,
};
