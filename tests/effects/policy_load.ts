/** A seeded policy and questions to it, for the bench and the figures: half of the rules about paths or hosts. */
import { type CompiledPolicy, compilePolicy, type Query } from "../../effects/policy.ts";
import type { Rule } from "../../effects/policy_file.ts";
import { randomFor } from "./seeded.ts";

/** Rules of the measured policy. */
export const RULES = 60;

/** Questions in a round. */
export const QUESTIONS = 4_000;

const folders = { workspace: "/home/ada/work", state: "/home/ada/work/.rmi", output: "/home/ada/work/out" };

/** The measured policy. */
export const measuredPolicy = (): CompiledPolicy => {
  const { below, pick } = randomFor("policy load");
  const rules = Array.from({ length: RULES }, (_, n): Rule => {
    const about = [
      { paths: [`$workspace/area${n}`, `/data/${n}`] },
      { hosts: [`*.area${n}.example`, `api${n}.example:443`] },
      {},
      {},
    ][n % 4];
    return {
      name: `rule-${n}`,
      actor: pick(["*", "agent:*", `mcp:client-${n % 7}`]),
      operation: pick(["*", `area${n}.*`, `area${n}.verb${below(5)}`]),
      decision: pick(["allow", "ask", "deny"] as const),
      ...about,
      ...("paths" in about || "hosts" in about ? {} : { authorities: [pick(["exec", "ffi", "llm"] as const)] }),
    };
  });
  return compilePolicy({ format: 1, rules }, folders);
};

/** The questions: 20 actors, 60 operations, paths and hosts inside and outside of what rules name. */
export const questions = (): ReadonlyArray<Query> => {
  const { below, pick } = randomFor("policy questions");
  return Array.from({ length: QUESTIONS }, () => {
    const authority = pick(["readLocal", "writeLocal", "network", "exec", "pure"] as const);
    const area = below(RULES);
    const details: { readonly [subject: string]: string } = {
      readLocal: pick([`/home/ada/work/area${area}/a/b.txt`, `/data/${area}/x`, "/etc/passwd"]),
      writeLocal: pick([`/home/ada/work/out/${area}.json`, `/home/ada/work/area${area}/x`]),
      network: pick([`www.area${area}.example`, `api${area}.example:443`, "elsewhere.example"]),
    };
    return {
      actor: pick(["user@tty", "agent:a", `agent:${below(11)}`, `mcp:client-${below(7)}`]),
      operation: `area${area}.verb${below(5)}`,
      authority,
      ...(details[authority] === undefined ? {} : { detail: details[authority] }),
    };
  });
};
