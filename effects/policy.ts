/**
 * Policy: ordered rules, compiled once, that answer for every use of an authority: allow, ask or deny.
 *
 * Not the gate (effects/gate.ts turns answers into grants and requests) and not the sandbox (kernel/launch.ts).
 * Invariant: the first rule that matches decides and is named; what guards the policy and the ledger themselves stands
 * before every rule of the file, so that no file can overrule it.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import type { Failure } from "../kernel/mod.ts";
import { folderPattern, glob, guardPattern, hostPattern, type Matches, pathKey } from "./patterns.ts";
import {
  type Answer,
  DEFAULT_RULES,
  EMPTY_POLICY,
  POLICY_FILE,
  type PolicyFile,
  readPolicy,
  type Rule,
  type Subject,
  subjectsOf,
} from "./policy_file.ts";

/** The folders that `$workspace`, `$state` and `$output` stand for; real paths, without links. */
export interface Folders {
  /** The user's folder. */
  readonly workspace: string;
  /** Durable state. */
  readonly state: string;
  /** Results. */
  readonly output: string;
}

/** One question to the policy. */
export interface Query {
  /** Who asks. */
  readonly actor: string;
  /** The operation it asks for. */
  readonly operation: string;
  /** The authority it needs. */
  readonly authority: Subject;
  /** The path, host or name; absent before it is known, and then the grant asks again at each use. */
  readonly detail?: string;
}

/** The policy's answer. */
export interface Verdict {
  /** Allow, ask or deny. */
  readonly decision: Answer;
  /** The rule that decided. */
  readonly rule: string;
  /** Whether the rule stands in the policy file, rather than being built in. */
  readonly explicit: boolean;
}

interface CompiledRule {
  readonly actor: Matches;
  readonly operation: Matches;
  readonly subjects: ReadonlySet<string> | undefined;
  readonly detail: Matches | undefined;
  readonly verdict: Verdict;
}

/** Answers questions; compiled once from a policy file. */
export interface CompiledPolicy {
  /** The answer to one question. */
  readonly decide: (query: Query) => Verdict;
  /** The file it was compiled from. */
  readonly file: PolicyFile;
  /** The folders in use. */
  readonly folders: Folders;
  /** Whether a path lies in the state or the output folder. */
  readonly isOwn: (path: string) => boolean;
}

const folderOf = (text: string, folders: Folders): string => {
  const [head, ...rest] = text.split(/[\\/]/u);
  const named: { readonly [name: string]: string } = {
    $workspace: folders.workspace,
    $state: folders.state,
    $output: folders.output,
    ".": folders.workspace,
  };
  const base = named[head];
  return base === undefined ? text : [base, ...rest.filter((part) => part !== "")].join("/");
};

const anyOf = (tests: ReadonlyArray<Matches>): Matches =>
  tests.length === 1 ? tests[0] : (text) => tests.some((test) => test(text));

type RealOf = (path: string) => string;

const detailOf = (rule: Rule, folders: Folders, realOf: RealOf): Matches | undefined => {
  if (rule.paths !== undefined) {
    const named = rule.paths.map((path) => folderOf(path, folders));
    return anyOf([...new Set(named.flatMap((path) => [path, realOf(path)]))].map(folderPattern));
  }
  if (rule.hosts !== undefined) return anyOf(rule.hosts.map((host) => hostPattern(host, rule.decision !== "allow")));
  if (rule.names !== undefined) return anyOf(rule.names.map(glob));
  return undefined;
};

const compileRule = (rule: Rule, explicit: boolean, folders: Folders, realOf: RealOf): CompiledRule => {
  const subjects = subjectsOf(rule);
  return {
    actor: glob(rule.actor ?? "*"),
    operation: glob(rule.operation ?? "*"),
    subjects: subjects && new Set(subjects),
    detail: detailOf(rule, folders, realOf),
    verdict: { decision: rule.decision, rule: rule.name, explicit },
  };
};

/** Names in the state folder that only the ledger itself writes; a `*` covers every name that begins so. */
const LEDGER_FILES = ["ledger*", "blobs*", "runs", "snapshots", "derived"];

/** Extension of key files in the state folder: no operation reads or writes them. */
const KEY_FILE = /\.key$/iu;

const guards = (folders: Folders): ReadonlyArray<CompiledRule> => {
  const guard = (name: string, subjects: ReadonlyArray<Subject>, detail: Matches): CompiledRule => ({
    actor: () => true,
    operation: () => true,
    subjects: new Set(subjects),
    detail,
    verdict: { decision: "deny", rule: name, explicit: false },
  });
  const inState = folderPattern(folders.state);
  return [
    guard("guard.path", ["readLocal", "writeLocal"], (path) => pathKey(path) === undefined),
    guard("guard.policy", ["writeLocal"], guardPattern(`${folders.workspace}/${POLICY_FILE}`)),
    guard(
      "guard.ledger",
      ["writeLocal"],
      anyOf(LEDGER_FILES.map((file) => guardPattern(`${folders.state}/${file}`))),
    ),
    guard("guard.keys", ["readLocal", "writeLocal"], (path) => KEY_FILE.test(path) && inState(path)),
    guard("guard.blobs", ["readLocal"], folderPattern(`${folders.state}/blobs`)),
    // What plugins derive from blobs is as private as they are.
    guard("guard.derived", ["readLocal"], folderPattern(`${folders.state}/derived`)),
  ];
};

/** Most remembered combinations of actor, operation and authority; past it the memory starts anew. */
const MAX_REMEMBERED = 4_096;

const DENIED: Verdict = { decision: "deny", rule: "guard.end", explicit: false };

/**
 * Compiles a policy: rules that cannot match a combination of actor, operation and authority are looked at once. `realOf`
 * gives a rule's folder without links, so that a rule about a link is about what it leads to as well.
 */
export const compilePolicy = (
  file: PolicyFile,
  folders: Folders,
  realOf: (path: string) => string = (path) => path,
): CompiledPolicy => {
  const rules = [
    ...guards(folders),
    ...file.rules.map((rule) => compileRule(rule, true, folders, realOf)),
    ...DEFAULT_RULES.map((rule) => compileRule(rule, false, folders, realOf)),
  ];
  let remembered = new Map<string, Map<string, Map<string, ReadonlyArray<CompiledRule>>>>();
  let size = 0;
  const relevant = (query: Query): ReadonlyArray<CompiledRule> => {
    const known = remembered.get(query.actor)?.get(query.operation)?.get(query.authority);
    if (known !== undefined) return known;
    if (++size > MAX_REMEMBERED) {
      remembered = new Map();
      size = 1;
    }
    const found = rules.filter((rule) =>
      (rule.subjects?.has(query.authority) ?? true) && rule.actor(query.actor) && rule.operation(query.operation)
    );
    const byOperation = remembered.get(query.actor) ?? new Map();
    const bySubject = byOperation.get(query.operation) ?? new Map();
    remembered.set(query.actor, byOperation.set(query.operation, bySubject.set(query.authority, found)));
    return found;
  };
  const inState = folderPattern(folders.state);
  const inOutput = folderPattern(folders.output);
  return {
    file,
    folders,
    isOwn: (path) => inState(path) || inOutput(path),
    decide: (query) => {
      for (const { detail, verdict } of relevant(query)) {
        if (detail === undefined) return verdict;
        // Before the detail is known, a rule about details can only promise: an "allow" is narrowed at each use.
        if (query.detail === undefined ? verdict.decision === "allow" : detail(query.detail)) return verdict;
      }
      return DENIED;
    },
  };
};

/** The policy in force. */
export interface PolicyShape extends CompiledPolicy {
  /** Where it came from: the file, or `built-in`. */
  readonly source: string;
}

const PolicyBase: Context.ServiceClass<Policy, "rmi/Policy", PolicyShape> = Context.Service<Policy, PolicyShape>()(
  "rmi/Policy",
);

/** The policy service. */
export class Policy extends PolicyBase {}

/** Compiles a policy over the disk: the folders of its rules are also taken as what their links lead to. */
export const resolvePolicy = (
  file: PolicyFile,
  folders: Folders,
  realPath: (path: string) => Effect.Effect<string, Failure>,
): Effect.Effect<CompiledPolicy, Failure> =>
  Effect.gen(function* () {
    const named = file.rules.flatMap(({ paths }) => paths ?? []).map((path) => folderOf(path, folders));
    const real = new Map<string, string>();
    for (const path of new Set(named)) real.set(path, yield* realPath(path));
    return compilePolicy(file, folders, (path) => real.get(path) ?? path);
  });

/** Reads and compiles the policy of a workspace; `read` gives the file's text, or `undefined` where there is none. */
export const loadPolicy = (
  folders: Folders,
  read: Effect.Effect<string | undefined, Failure>,
  realPath: (path: string) => Effect.Effect<string, Failure>,
): Effect.Effect<PolicyShape, Failure> =>
  Effect.gen(function* () {
    const text = yield* read;
    if (text === undefined) return { ...compilePolicy(EMPTY_POLICY, folders), source: "built-in" };
    const file = yield* Effect.fromResult(readPolicy(text));
    return { ...yield* resolvePolicy(file, folders, realPath), source: POLICY_FILE };
  });
