/**
 * Gate: decides on every call before anything happens, by policy, by what its parent call holds, and by approvals.
 *
 * Not the sandbox (kernel/launch.ts) and not the budget (effects/budget.ts): an allowed call may still be too expensive.
 * Invariant: whatever cannot be decided is refused; a call made from a call gets no authority its parent lacks; consent
 * is given to calls from outside only, so nothing consents in a person's name from inside that person's call.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import {
  type Authority,
  type Call,
  type Decision,
  denied,
  Gate,
  type GateShape,
  type KernelFailure,
} from "../kernel/mod.ts";
import { Approvals, type ApprovalsShape } from "./approvals.ts";
import type { StateFailure } from "./failures.ts";
import { Grants, type GrantsShape, type OwnedGrant, type Refusal } from "./grants.ts";
import { folderPattern } from "./patterns.ts";
import { Policy, type PolicyShape, type Verdict } from "./policy.ts";
import { approvalLifetimeMs, type Subject } from "./policy_file.ts";

/** Operations that give consent: a call from inside another call never reaches them. */
export const CONSENTING: ReadonlyArray<string> = [
  "approvals.approve",
  "approvals.revoke",
  "proposals.decide",
  "registry.approve",
];

/** One thing a call needs: an authority, and the path where it is known. */
interface Demand {
  readonly subject: Subject;
  readonly detail?: string;
  readonly verdict: Verdict;
}

const PATH_USE: { readonly [subject: string]: "read" | "write" } = { readLocal: "read", writeLocal: "write" };

/** Authorities under which a policy rule may approve by itself: what stays in our folders and computes. */
const TAME: ReadonlySet<Subject> = new Set(["pure", "readLocal", "writeLocal", "gpu", "time", "random"]);

const demandsOf = (policy: PolicyShape, call: Call, paths: Call["paths"]): ReadonlyArray<Demand> => {
  const base = { actor: call.actor, operation: call.operation };
  const subjects: ReadonlyArray<Subject> = [...call.effects, ...call.kinds];
  return (subjects.length === 0 ? ["pure" as const] : subjects).flatMap((subject): ReadonlyArray<Demand> => {
    const use = PATH_USE[subject];
    const named = use === undefined ? [] : paths[use];
    const demand = (detail?: string): Demand => {
      const query = { ...base, authority: subject, ...(detail === undefined ? {} : { detail }) };
      return { ...query, subject, verdict: policy.decide(query) };
    };
    return named.length === 0 ? [demand()] : named.map(demand);
  });
};

const spell = ({ subject, detail }: Demand): string => detail === undefined ? subject : `${subject} ${detail}`;

const refuse = (call: Call, demand: Demand, rule: string): KernelFailure =>
  denied({
    operation: call.operation,
    authority: demand.subject,
    detail: demand.detail ?? "anything",
    rule,
    ...(demand.detail === undefined ? {} : { actual: demand.detail }),
  });

/** What an approval of a call covers beyond the rules that allow: the named paths, else our own folders, else all. */
const consented = (
  policy: PolicyShape,
  asked: ReadonlyArray<Demand>,
  subject: Subject,
): (detail: string) => boolean => {
  const about = asked.filter((demand) => demand.subject === subject);
  if (about.length === 0) return () => false;
  if (PATH_USE[subject] === undefined) return () => true;
  const named = about.flatMap(({ detail }) => detail === undefined ? [] : [folderPattern(detail)]);
  const bare = about.some(({ detail }) => detail === undefined);
  const inWorkspace = folderPattern(policy.folders.workspace);
  return (path) =>
    named.some((covers) => covers(path)) ||
    bare && (policy.isOwn(path) || subject === "readLocal" && inWorkspace(path));
};

interface Basis {
  /** The rule or consent that the call rests on. */
  readonly rule: string;
  /** Demands that only a consent covers. */
  readonly asked: ReadonlyArray<Demand>;
  /** When the consent ends, if it does. */
  readonly expiresAt?: number;
}

type Held = ReadonlyMap<Authority, OwnedGrant> | undefined;

/** Builds the gate. `realPath` gives the path without links, so that consent names what would really be touched. */
export const makeGate = (
  policy: PolicyShape,
  grants: GrantsShape,
  approvals: Pick<ApprovalsShape, "consume" | "automatic" | "ask">,
  realPath: (path: string) => Effect.Effect<string, KernelFailure>,
): GateShape => {
  const issue = (call: Call, basis: Basis, held: Held): Decision => {
    const subjects = [...call.effects, ...call.kinds];
    if (subjects.length === 0) return { rule: basis.rule, grants: [] };
    const made = subjects.map((subject) => {
      const covered = consented(policy, basis.asked, subject);
      const refuses: Refusal = (detail) => {
        const verdict = policy.decide({ actor: call.actor, operation: call.operation, authority: subject, detail });
        if (verdict.decision === "allow") return undefined;
        if (verdict.decision === "deny") return verdict.rule;
        const inherited = held !== undefined && !verdict.explicit;
        return inherited || covered(detail) ? undefined : verdict.rule;
      };
      const spec = {
        call: call.id,
        operation: call.operation,
        actor: call.actor,
        rule: basis.rule,
        refuses,
        ...(basis.expiresAt === undefined ? {} : { expiresAt: basis.expiresAt }),
      };
      const source = held?.get(subject);
      return source === undefined ? grants.issue({ ...spec, authority: subject }) : source.attenuate(spec);
    });
    return { rule: basis.rule, grants: made, release: Effect.sync(() => grants.release(call.id)) };
  };

  /** What a parent call does not hold, or no longer holds, its calls do not get. */
  const beyondParent = (call: Call, demands: ReadonlyArray<Demand>, held: Held, nowMs: number) => {
    if (held === undefined) return undefined;
    if (CONSENTING.includes(call.operation)) return refuse(call, demands[0], "guard.consent");
    for (const demand of demands) {
      if (demand.subject === "pure") continue;
      const source = held.get(demand.subject);
      if (source === undefined) return refuse(call, demand, "guard.parent");
      const refusal = demand.detail === undefined ? undefined : source.refusal(demand.detail, nowMs);
      if (refusal !== undefined) return refuse(call, demand, refusal);
    }
    return undefined;
  };

  const isTame = (call: Call, asked: ReadonlyArray<Demand>): boolean =>
    call.reversible && [...call.effects, ...call.kinds].every((subject) => TAME.has(subject)) &&
    asked.every(({ subject, detail }) => subject !== "readLocal" && (detail === undefined || policy.isOwn(detail)));

  const consent = (call: Call, asked: ReadonlyArray<Demand>): Effect.Effect<Basis, StateFailure> =>
    Effect.gen(function* () {
      const expiresAt = (yield* Clock.currentTimeMillis) + approvalLifetimeMs(policy.file);
      const { rule: asks } = asked[0].verdict;
      const asking = { authorities: [...new Set(asked.map(spell))], rule: asks };
      const used = yield* approvals.consume(call, asking);
      if (used !== undefined) return { rule: `approval:${used.request}`, asked, expiresAt };
      if (isTame(call, asked)) {
        const query = { actor: call.actor, operation: call.operation, content: call.input };
        const rule = yield* approvals.automatic(query, call.id);
        if (rule !== undefined) return { rule, asked, expiresAt };
      }
      return yield* approvals.ask(call, asking);
    });

  const decideOn = (call: Call, paths: Call["paths"]): Effect.Effect<Decision, StateFailure> =>
    Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
      const demands = demandsOf(policy, call, paths);
      const refused = demands.find(({ verdict }) => verdict.decision === "deny");
      if (refused !== undefined) return Effect.fail(refuse(call, refused, refused.verdict.rule));
      const held = call.parent === undefined ? undefined : grants.ofCall(call.parent);
      const beyond = beyondParent(call, demands, held, nowMs);
      if (beyond !== undefined) return Effect.fail(beyond);
      // What the parent holds covers what the built-in rules would ask; a rule of the file still wants its own consent.
      const asked = demands.filter(({ verdict }) =>
        verdict.decision === "ask" && (held === undefined || verdict.explicit)
      );
      if (asked.length === 0) return Effect.succeed(issue(call, { rule: demands[0].verdict.rule, asked }, held));
      if (held !== undefined) return Effect.fail(refuse(call, asked[0], `${asked[0].verdict.rule}, asked from a call`));
      return Effect.map(consent({ ...call, paths }, asked), (basis) => issue(call, basis, held));
    });

  const realPaths = (paths: Call["paths"]): Effect.Effect<Call["paths"], KernelFailure> =>
    paths.read.length + paths.write.length === 0 ? Effect.succeed(paths) : Effect.all({
      read: Effect.forEach(paths.read, realPath),
      write: Effect.forEach(paths.write, realPath),
    });

  return {
    decide: (call) => Effect.flatMap(realPaths(call.paths), (paths) => decideOn(call, paths)),
    visible: (listed, actor) => {
      const subjects = [...listed.effects, ...listed.kinds] as ReadonlyArray<Subject>;
      const isDenied = (authority: Subject): boolean =>
        policy.decide({ actor, operation: listed.id, authority }).decision === "deny";
      if (subjects.length === 0) return !isDenied("pure");
      // A call that may need less is worth knowing of while anything of it is possible.
      return listed.refined ? !(isDenied("pure") && subjects.every(isDenied)) : !subjects.some(isDenied);
    },
  };
};

/** The gate over policy, grants and approvals. */
export const layerGate = (
  realPath: (path: string) => Effect.Effect<string, KernelFailure>,
): Layer.Layer<Gate, never, Policy | Grants | Approvals> =>
  Layer.effect(
    Gate,
    Effect.gen(function* () {
      return makeGate(yield* Policy, yield* Grants, yield* Approvals, realPath);
    }),
  );
