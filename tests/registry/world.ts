/**
 * Worlds for tests of third-party plugins: a workspace with plugin files, approved by a person, and a fresh system on it.
 */
import * as Effect from "effect/Effect";
import type { PolicyFile } from "../../effects/policy_file.ts";
import type { Actor, Failure, Json } from "../../kernel/mod.ts";
import type { AuthoritySet } from "../../registry/authority_set.ts";
import { type Client, rmi } from "../../plugins/open.ts";

/** A policy that allows all, so that what is refused is refused by the registry. */
export const ALLOW: PolicyFile = { format: 1, rules: [{ name: "tests", decision: "allow" }] };

/** What a plugin that wants nothing is granted. */
export const NO_AUTHORITY: AuthoritySet = { effects: [], kinds: [], hosts: [], env: [], sys: [] };

/** The person at the terminal. */
export const PERSON: { readonly actor: Actor } = { actor: "user@tty" };

/** Runs a body in a fresh workspace that is removed afterwards. */
export const inFolder = async <A>(body: (folder: string) => Promise<A>): Promise<A> => {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "rmi-registry-" }));
  try {
    return await body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
};

/** Looks at a source and approves what was seen as a person, in a system of its own. */
export const approve = async (folder: string, source: string, more: { readonly [key: string]: Json } = {}) => {
  await using system = rmi({ workspace: folder, policy: ALLOW });
  const { manifest } = await system.call("registry.look", { source }) as { readonly manifest: string };
  return await system.call("registry.approve", { source, manifest, ...more }, PERSON);
};

/** A system in which plugin files are approved and ready. */
export const withPlugin = <A>(
  file: string,
  body: (system: Client, folder: string) => Promise<A>,
  policy: PolicyFile = ALLOW,
): Promise<A> =>
  inFolder(async (folder) => {
    const name = file.slice(file.lastIndexOf("/") + 1);
    Deno.copyFileSync(file, `${folder}/${name}`);
    await approve(folder, name);
    await using system = rmi({ workspace: folder, policy });
    return await body(system, folder);
  });

/** The failure a call ends with. */
export const failureOf = async (call: Promise<unknown>): Promise<Failure> => {
  try {
    await call;
  } catch (cause) {
    return cause as Failure;
  }
  throw new Error("the call succeeded");
};

/** Collects the events of a streaming call. */
export const collector = () => {
  const events: Array<Json> = [];
  return { events, onEvent: (event: Json) => Effect.sync(() => void events.push(event)) };
};
