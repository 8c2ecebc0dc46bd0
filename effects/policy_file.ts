/**
 * Policy file: what a person writes about who may do what, with its schema, its limits, and the rules that are built in.
 *
 * Not the compiled policy that answers questions (effects/policy.ts).
 * Invariant: a file that cannot be understood is a failure with the place and a fix, never a permission.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import {
  type Amounts,
  AUTHORITIES,
  type Authority,
  type Failure,
  isJsonObject,
  type Json,
  newerFormat,
  PartialAmounts,
  pointer,
} from "../kernel/mod.ts";
import { PUBLIC_DATA } from "../kernel/flags.ts";
import { malformedPolicy } from "./failures.ts";
import { glob, isHostPattern } from "./patterns.ts";

/** Name of the policy file in the workspace. */
export const POLICY_FILE = "rmi.policy.json";

/** The policy format this version reads and writes. */
export const POLICY_FORMAT = 1;

/** Largest policy file, bytes. */
export const MAX_POLICY_BYTES = 1_048_576;

/** Most rules of a policy file. */
export const MAX_RULES = 1_000;

/** How long an approval and its request live unless the policy says otherwise. */
export const DEFAULT_APPROVAL_LIFETIME_MS = 86_400_000;

/** What a rule answers. */
export type Answer = "allow" | "ask" | "deny";

/** What a rule can be about: an authority, or `pure` for calls that need none. */
export type Subject = Authority | "pure";

const SUBJECTS: ReadonlyArray<Subject> = ["pure", ...AUTHORITIES];

const Name = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][A-Za-z0-9._-]{0,79}$/u, { expected: "a name of letters, digits, . _ and -" }),
);
const Pattern = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200));
const Patterns = Schema.Array(Pattern).check(Schema.isMinLength(1), Schema.isMaxLength(200));
const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));

/** One rule. Absent conditions hold for everything. */
export interface Rule {
  /** Its name, unique in the file; decisions quote it. */
  readonly name: string;
  /** Who: a pattern on the actor. */
  readonly actor?: string;
  /** What: a pattern on the operation id. */
  readonly operation?: string;
  /** Which authorities it is about. */
  readonly authorities?: ReadonlyArray<Subject>;
  /** Folders, for reading and writing files: absolute, `./relative to the workspace`, `$workspace`, `$state`, `$output`. */
  readonly paths?: ReadonlyArray<string>;
  /** Hosts, for the network: `example.org`, `*.example.org`, with or without `:port`. */
  readonly hosts?: ReadonlyArray<string>;
  /** Patterns on what else is used: a variable, a device, a command. */
  readonly names?: ReadonlyArray<string>;
  /** The answer. */
  readonly decision: Answer;
  /** Why, for people. */
  readonly reason?: string;
}

const RuleSchema = Schema.Struct({
  name: Name,
  actor: Schema.optionalKey(Pattern),
  operation: Schema.optionalKey(Pattern),
  authorities: Schema.optionalKey(Schema.Array(Schema.Literals(SUBJECTS)).check(Schema.isMinLength(1))),
  paths: Schema.optionalKey(Patterns),
  hosts: Schema.optionalKey(
    Schema.Array(Pattern.check(Schema.makeFilter((text: string) => isHostPattern(text) || "a host pattern"))),
  ),
  names: Schema.optionalKey(Patterns),
  decision: Schema.Literals(["allow", "ask", "deny"]),
  reason: Schema.optionalKey(Schema.String),
});

/** Stated bounds within which a rule approves reversible changes inside the state and output folders by itself. */
export interface AutomaticRule {
  /** Its name; the approver is then `policy:<name>`. */
  readonly name: string;
  /** Whose calls or proposals. */
  readonly actor?: string;
  /** Calls of these operations. */
  readonly operation?: string;
  /** Proposals of these domains. */
  readonly domain?: string;
  /** Most approvals by this rule in any hour. */
  readonly perHour: number;
  /** Largest input or patch, in bytes of canonical JSON. */
  readonly maxBytes: number;
}

const AutomaticSchema = Schema.Struct({
  name: Name,
  actor: Schema.optionalKey(Pattern),
  operation: Schema.optionalKey(Pattern),
  domain: Schema.optionalKey(Pattern),
  perHour: Count,
  maxBytes: Count,
});

/** What a domain of proposals must show before a change is applied. */
export interface DomainRule {
  /** Pattern on the domain's name. */
  readonly domain: string;
  /** Whether applied changes are written at all; otherwise the best outcome is a preview. */
  readonly writes: boolean;
  /** Least number of passing pieces of evidence that are not the proposer's own. */
  readonly evidence: number;
  /** Least number of independent witnesses. */
  readonly quorum: number;
  /** Whether the expected effect must have been measured. */
  readonly benefit: boolean;
  /** Operations that must be among a proposal's validation commands. */
  readonly validation?: ReadonlyArray<string>;
  /** Ids that no proposal may change. */
  readonly fixed?: ReadonlyArray<string>;
}

const DomainSchema = Schema.Struct({
  domain: Pattern,
  writes: Schema.Boolean,
  evidence: Count,
  quorum: Count,
  benefit: Schema.Boolean,
  validation: Schema.optionalKey(Schema.Array(Schema.String)),
  fixed: Schema.optionalKey(Schema.Array(Schema.String)),
});

/** A public key whose signatures count as approvals. */
export interface ApprovalKey {
  /** Its name; the approver is then `key:<id>`. */
  readonly id: string;
  /** The raw Ed25519 public key, 32 bytes in base64. */
  readonly publicKey: string;
  /** The actor who holds it, if that actor also makes calls: it cannot approve its own. */
  readonly actor?: string;
}

const KeySchema = Schema.Struct({
  id: Name,
  publicKey: Schema.String.check(
    Schema.isPattern(/^[A-Za-z0-9+/]{43}=$/u, { expected: "32 bytes of an Ed25519 public key in base64" }),
  ),
  actor: Schema.optionalKey(Schema.String),
});

/** A program that may be started by its name, by operations that hold `exec` for that name. */
export interface ProgramRule {
  /** Its name. */
  readonly name: string;
  /** An absolute path, or a name that is looked up as the person's shell would. */
  readonly command: string;
  /** Its arguments, always these. */
  readonly arguments?: ReadonlyArray<string>;
  /** Names of variables it gets besides the usual ones. */
  readonly variables?: ReadonlyArray<string>;
}

const ProgramSchema = Schema.Struct({
  name: Name,
  command: Schema.String.check(
    Schema.isPattern(/^(?:[A-Za-z0-9._+-]+|\/.*|[A-Za-z]:[\\/].*)$/u, { expected: "an absolute path or a bare name" }),
  ),
  arguments: Schema.optionalKey(Schema.Array(Schema.String).check(Schema.isMaxLength(200))),
  variables: Schema.optionalKey(Schema.Array(Schema.NonEmptyString).check(Schema.isMaxLength(200))),
});

/** What an actor may consume while a kernel is open. */
export interface BudgetRule {
  /** Pattern on the actor; every actor that matches has its own account. */
  readonly actor: string;
  /** Limits; unnamed axes are not limited. */
  readonly limits: Partial<Amounts>;
}

const BudgetSchema = Schema.Struct({ actor: Pattern, limits: PartialAmounts });

/** The policy file. */
export interface PolicyFile {
  /** Format version. */
  readonly format: 1;
  /** Rules in order; the built-in ones follow them. */
  readonly rules: ReadonlyArray<Rule>;
  /** Rules that approve by themselves. */
  readonly automatic?: ReadonlyArray<AutomaticRule>;
  /** Demands on proposals. */
  readonly proposals?: ReadonlyArray<DomainRule>;
  /** Programs that may be started. */
  readonly programs?: ReadonlyArray<ProgramRule>;
  /** Keys whose signatures approve. */
  readonly keys?: ReadonlyArray<ApprovalKey>;
  /** Accounts of actors. */
  readonly budgets?: ReadonlyArray<BudgetRule>;
  /** How long a request and its approval live, milliseconds. */
  readonly approvalLifetimeMs?: number;
}

const Lifetime = Schema.Int.check(Schema.isBetween({ minimum: 1_000, maximum: 2_592_000_000 }));

/** Schema of {@link PolicyFile}. */
export const PolicyFile: Schema.Codec<PolicyFile, unknown> = Schema.Struct({
  format: Schema.Literal(POLICY_FORMAT),
  rules: Schema.Array(RuleSchema).check(Schema.isMaxLength(MAX_RULES)),
  automatic: Schema.optionalKey(Schema.Array(AutomaticSchema)),
  proposals: Schema.optionalKey(Schema.Array(DomainSchema)),
  programs: Schema.optionalKey(Schema.Array(ProgramSchema)),
  keys: Schema.optionalKey(Schema.Array(KeySchema)),
  budgets: Schema.optionalKey(Schema.Array(BudgetSchema)),
  approvalLifetimeMs: Schema.optionalKey(Lifetime),
}) as unknown as Schema.Codec<PolicyFile, unknown>;

/** The policy of a workspace without a policy file: the built-in rules alone. */
export const EMPTY_POLICY: PolicyFile = { format: POLICY_FORMAT, rules: [] };

/** What a proposal's domain must show where the policy does not name it. */
export const DEFAULT_DOMAIN: Omit<DomainRule, "domain"> = { writes: true, evidence: 1, quorum: 1, benefit: false };

/**
 * Demands of domains that the policy file does not name. Genes are rules by which the system acts: without a person's
 * word in the policy file the best that can become of an edit is a preview. Models, programs and settings are measured
 * here before they serve.
 */
export const DEFAULT_DOMAINS: ReadonlyArray<DomainRule> = [
  { domain: "genome.*", writes: false, evidence: 1, quorum: 1, benefit: false },
  { domain: "models.*", writes: true, evidence: 1, quorum: 1, benefit: false, validation: ["evolution.assess"] },
  { domain: "programs.*", writes: true, evidence: 1, quorum: 1, benefit: false, validation: ["evolution.trial"] },
  { domain: "settings.*", writes: true, evidence: 1, quorum: 1, benefit: false, validation: ["evolution.trial"] },
];

/**
 * Rules that approve by themselves where the policy file says nothing of such rules. A model that a person's own job
 * made is registered and promoted without a question: the checks of the domain, which measure it here and compare it with
 * the one in place, are the bounds, and undoing it is one call.
 */
export const DEFAULT_AUTOMATIC: ReadonlyArray<AutomaticRule> = [
  { name: "default.models", actor: "user@*", domain: "models.*", perHour: 240, maxBytes: 16_384 },
];

/** The rules that approve by themselves under a policy: those of the file where it names any, even none. */
export const automaticRules = (file: PolicyFile): ReadonlyArray<AutomaticRule> => file.automatic ?? DEFAULT_AUTOMATIC;

/** Domains whose changes are applied only where the checks of their owner are there, and the operation that brings them. */
const OWNED: ReadonlyArray<readonly [domain: string, operation: string]> = [
  ["genome.*", "norion.apply"],
  ["models.*", "evolution.apply"],
  ["programs.*", "evolution.apply"],
  ["settings.*", "evolution.apply"],
];

/** The operation that applies changes of an owned domain; undefined for a domain of nobody. */
export const ownerOf = (domain: string): string | undefined => OWNED.find(([owned]) => glob(owned)(domain))?.[1];

/**
 * The built-in rules, after those of the file: pure computation, reading in the workspace, writing in the state and
 * output folders, and computing with injected time, chance and devices are allowed; the rest asks.
 */
export const DEFAULT_RULES: ReadonlyArray<Rule> = [
  { name: "default.pure", authorities: ["pure"], decision: "allow", reason: "Nothing outside the call is touched" },
  {
    name: "default.read",
    authorities: ["readLocal"],
    paths: ["$workspace", "$state", "$output"],
    decision: "allow",
    reason: "Reading in the workspace",
  },
  {
    name: "default.data",
    authorities: ["readLocal"],
    paths: PUBLIC_DATA,
    decision: "allow",
    reason: "Data sets of the system's packages are the same for everybody",
  },
  {
    name: "default.write",
    authorities: ["writeLocal"],
    paths: ["$state", "$output"],
    decision: "allow",
    reason: "Writing in the state and output folders",
  },
  {
    name: "default.compute",
    authorities: ["gpu", "time", "random", "learn", "evolve"],
    decision: "allow",
    reason: "Computation; its cost is the budget's matter",
  },
  {
    name: "default.doctor",
    operation: "kernel.doctor",
    authorities: ["sys", "env"],
    decision: "allow",
    reason: "The doctor looks at the machine and changes nothing",
  },
  { name: "default.ask", decision: "ask", reason: "Everything else needs a person" },
];

/** What a rule is about: the authorities it names, else those its condition implies; `undefined` for everything. */
export const subjectsOf = (rule: Rule): ReadonlyArray<Subject> | undefined =>
  rule.authorities ?? (rule.paths ? ["readLocal", "writeLocal"] : rule.hosts ? ["network"] : undefined);

const fault = (file: string, path: string, problem: string): Failure => malformedPolicy({ file, path, problem });

const CONDITIONS = ["paths", "hosts", "names"] as const;

/** What a schema cannot say: unique names, conditions that fit the authorities, folders that resolve. */
const faultsOf = (file: string, policy: PolicyFile): Failure | undefined => {
  const seen = new Set<string>(DEFAULT_RULES.map((rule) => rule.name));
  for (const [index, rule] of policy.rules.entries()) {
    const here = `/rules/${index}`;
    if (seen.has(rule.name)) return fault(file, `${here}/name`, `the rule name "${rule.name}" is taken`);
    seen.add(rule.name);
    const used = CONDITIONS.filter((condition) => rule[condition] !== undefined);
    if (used.length > 1) return fault(file, `${here}/${used[1]}`, `a rule has one of ${CONDITIONS.join(", ")}`);
    const subjects = subjectsOf(rule) ?? [];
    const misfit = (allowed: ReadonlyArray<Subject>): boolean => subjects.some((subject) => !allowed.includes(subject));
    if (rule.paths && misfit(["readLocal", "writeLocal"])) {
      return fault(file, `${here}/authorities`, "a rule with paths is about readLocal and writeLocal only");
    }
    if (rule.hosts && misfit(["network"])) {
      return fault(file, `${here}/authorities`, "a rule with hosts is about network only");
    }
    for (const [at, path] of (rule.paths ?? []).entries()) {
      if (!/^(?:\$(?:workspace|state|output)|\.)(?:[\\/]|$)|^\/|^[A-Za-z]:[\\/]|^\\\\/u.test(path)) {
        return fault(
          file,
          `${here}/paths/${at}`,
          `"${path}" is neither absolute nor begins with ./, $workspace, $state or $output`,
        );
      }
      if (path.split(/[\\/]/u).includes("..")) return fault(file, `${here}/paths/${at}`, `"${path}" holds ".."`);
    }
  }
  const again = (names: ReadonlyArray<string>): number => names.findIndex((name, at) => names.indexOf(name) !== at);
  const keys = (policy.keys ?? []).map(({ id }) => id);
  if (again(keys) >= 0) return fault(file, `/keys/${again(keys)}/id`, `the key id "${keys[again(keys)]}" is taken`);
  const programs = (policy.programs ?? []).map(({ name }) => name);
  const twice = again(programs);
  return twice < 0
    ? undefined
    : fault(file, `/programs/${twice}/name`, `the program name "${programs[twice]}" is taken`);
};

interface IssueLike {
  readonly _tag?: string;
  readonly path?: ReadonlyArray<PropertyKey>;
  readonly issue?: IssueLike;
  readonly issues?: ReadonlyArray<IssueLike>;
}

const pathOfIssue = (issue: IssueLike | undefined): ReadonlyArray<PropertyKey> =>
  issue === undefined ? [] : [...(issue.path ?? []), ...pathOfIssue(issue.issue ?? issue.issues?.[0])];

const decodePolicy = Schema.decodeUnknownResult(PolicyFile);

/** Reads the text of a policy file. A newer format, a misspelled member, a wrong value: each a failure with its path. */
export const readPolicy = (text: string, file: string = POLICY_FILE): Result.Result<PolicyFile, Failure> => {
  if (new TextEncoder().encode(text).length > MAX_POLICY_BYTES) {
    return Result.fail(fault(file, "", `it is larger than ${MAX_POLICY_BYTES} bytes`));
  }
  let json: Json;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return Result.fail(fault(file, "", `it is not JSON (${(cause as Error).message})`));
  }
  const format = isJsonObject(json) ? json.format : undefined;
  if (typeof format === "number" && Number.isInteger(format) && format > POLICY_FORMAT) {
    return Result.fail(newerFormat({ store: file, found: format, supported: POLICY_FORMAT }));
  }
  const decoded = decodePolicy(json, { onExcessProperty: "error" });
  if (Result.isFailure(decoded)) {
    const { message, issue } = decoded.failure as { message: string; issue?: IssueLike };
    return Result.fail(fault(file, pointer(pathOfIssue(issue)), message.replaceAll(/\s+/gu, " ")));
  }
  const wrong = faultsOf(file, decoded.success);
  return wrong === undefined ? Result.succeed(decoded.success) : Result.fail(wrong);
};

/** Demands on a domain of proposals: the first rule that names it, in the file or built in, else the defaults. */
export const domainRule = (file: PolicyFile, domain: string): DomainRule =>
  [...file.proposals ?? [], ...DEFAULT_DOMAINS].find((rule) => glob(rule.domain)(domain)) ??
    { ...DEFAULT_DOMAIN, domain };

/** How long requests and approvals live under a policy. */
export const approvalLifetimeMs = (file: PolicyFile): number => file.approvalLifetimeMs ?? DEFAULT_APPROVAL_LIFETIME_MS;
