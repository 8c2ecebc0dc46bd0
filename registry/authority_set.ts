/**
 * Authority set: what a third-party plugin wants, as data that is locked, compared and told in plain words.
 *
 * Not the gate's grants: this is the most its process and its declarations may ever have.
 * Invariant: sets are sorted and without doubles, so equal wants are equal bytes.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { type EffectName, EFFECTS, type Kind, KINDS, type Plugin } from "../kernel/mod.ts";

/** What a plugin wants. */
export interface AuthoritySet {
  /** Effect classes. */
  readonly effects: ReadonlyArray<EffectName>;
  /** Finer kinds. */
  readonly kinds: ReadonlyArray<Kind>;
  /** Hosts its process may reach. */
  readonly hosts: ReadonlyArray<string>;
  /** Variables its process may read. */
  readonly env: ReadonlyArray<string>;
  /** System facts its process may read. */
  readonly sys: ReadonlyArray<string>;
}

/** Schema of {@link AuthoritySet}. */
export const AuthoritySet: Schema.Codec<AuthoritySet> = Schema.Struct({
  effects: Schema.Array(Schema.Literals(EFFECTS)),
  kinds: Schema.Array(Schema.Literals(KINDS)),
  hosts: Schema.Array(
    Schema.String.check(Schema.isPattern(/^(?:\*|[A-Za-z0-9._-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?)$/u)),
  ),
  env: Schema.Array(Schema.String.check(Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]*$/u))),
  sys: Schema.Array(Schema.String.check(Schema.isPattern(/^[A-Za-z]+$/u))),
});

const sorted = <A extends string>(values: ReadonlyArray<A> | undefined): ReadonlyArray<A> =>
  [...new Set(values ?? [])].sort();

/** What a manifest wants. Hosts count only with `network`, variables only with `env`, facts only with `sys`. */
export const wantedBy = (manifest: Pick<Plugin, "effects" | "kinds" | "reach">): AuthoritySet => ({
  effects: sorted(manifest.effects),
  kinds: sorted(manifest.kinds),
  hosts: manifest.effects.includes("network") ? sorted(manifest.reach?.hosts) : [],
  env: manifest.kinds.includes("env") ? sorted(manifest.reach?.env) : [],
  sys: manifest.kinds.includes("sys") ? sorted(manifest.reach?.sys) : [],
});

/** What each authority lets a plugin do, for a person who decides. */
const IN_WORDS: { readonly [A in EffectName | Kind]: string } = {
  readLocal: "read files of the workspace",
  writeLocal: "write files in the state and output folders",
  network: "use the network",
  exec: "start programs",
  gpu: "use the graphics processor",
  ffi: "load native code",
  env: "read environment variables",
  sys: "read facts about this machine",
  time: "read the time",
  random: "draw unpredictable numbers",
  llm: "call language models",
  agent: "talk to other agents",
  learn: "change what the system has learned",
  evolve: "change programs by evolution",
  selfModify: "change the system itself",
};

/** What one authority lets a plugin do, whatever its reach. */
export const inWord = (authority: EffectName | Kind): string => IN_WORDS[authority];

const REACH_OF: { readonly [authority: string]: "hosts" | "env" | "sys" } = {
  network: "hosts",
  env: "env",
  sys: "sys",
};

const told = (authority: EffectName | Kind, reach: ReadonlyArray<string>): string => {
  if (REACH_OF[authority] === undefined) return IN_WORDS[authority];
  const where = reach.includes("*") ? "any host" : reach.join(", ") || "nothing named";
  return `${IN_WORDS[authority]} (${where})`;
};

/** What a set means, one phrase an authority; empty for a plugin that only computes. */
export const inWords = (set: AuthoritySet): ReadonlyArray<string> =>
  [...set.effects, ...set.kinds].map((authority) => told(authority, set[REACH_OF[authority]] ?? []));

const beyond = <A extends string>(wanted: ReadonlyArray<A>, granted: ReadonlyArray<A>): ReadonlyArray<A> =>
  (granted as ReadonlyArray<string>).includes("*") ? [] : wanted.filter((name) => !granted.includes(name));

/** What `wanted` has beyond `granted`, one phrase each; empty when nothing widens. */
export const widening = (granted: AuthoritySet, wanted: AuthoritySet): ReadonlyArray<string> =>
  [...wanted.effects, ...wanted.kinds].flatMap((authority) => {
    const has = ([...granted.effects, ...granted.kinds] as ReadonlyArray<string>).includes(authority);
    const axis = REACH_OF[authority];
    const more = axis === undefined ? [] : beyond(wanted[axis], has ? granted[axis] : []);
    return has && more.length === 0 ? [] : [told(authority, more)];
  });
