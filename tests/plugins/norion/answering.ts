/** Norion over a ledger on disk with a model that says what it is told to: what tests of reviews and experience share. */
import * as Effect from "effect/Effect";
import { type LedgerShape, redactJson } from "../../../effects/mod.ts";
import type { ModelBackend } from "../../../plugins/norion/contract.ts";
import { scopeKey } from "../../../plugins/norion/memory/service.ts";
import { finished, inOnePiece } from "../../../plugins/norion/models/finished.ts";
import { DEFAULT_POLICY, type Policy } from "../../../plugins/norion/policy.ts";
import type { Profile } from "../../../plugins/norion/profile.ts";
import type { Judges, Materials } from "../../../plugins/norion/review/validators.ts";
import { type AskAnswer, norionOver, type NorionShape } from "../../../plugins/norion/service.ts";
import { symbolicDefault } from "../../../plugins/rmil/library.ts";
import { inFolder, withLedger } from "../../effects/ledger_fixtures.ts";
import { deviceAt } from "./states.ts";

/** A model that answers each call with the next text, the last one again and again. */
export const saying = (...texts: ReadonlyArray<string>): ModelBackend => {
  let at = 0;
  const description = {
    id: "scripted",
    kind: "recording",
    locality: "process",
    quality: 0.9,
    cost: 0,
    window: 65_536,
    latencyMs: 1,
    capabilities: { streaming: false, deterministic: true, countsTokens: false, cacheBlocks: false },
    notes: [],
  } as const;
  return inOnePiece({
    describe: () => description,
    generate: (request) => finished(description, request, { text: texts[Math.min(at++, texts.length - 1)] }),
  });
};

/** A model that takes its time. */
const slowly = (model: ModelBackend, takes: number): ModelBackend => ({
  ...model,
  generate: (request) => Effect.delay(model.generate(request), takes),
});

/** The scope of the tests. */
export const ME: string = scopeKey({ tenant: "me", workspace: "home" });

/** What an exchange may say besides prompt and answer. */
export interface Exchange {
  readonly profile?: Profile;
  readonly materials?: Materials;
  readonly scope?: string;
  readonly judges?: Partial<Judges>;
  readonly window?: number;
  readonly load?: number;
  readonly actor?: string;
  readonly device?: string;
  readonly maxTokens?: number;
  readonly waitMs?: number;
  /** How long the model takes, ms. */
  readonly takes?: number;
}

/** Asks once and hears one answer. */
export const exchange = (
  norion: NorionShape,
  prompt: string,
  answer: string,
  {
    profile = "general",
    materials = {},
    scope = ME,
    judges = {},
    load = 0,
    actor = "user@tty",
    device = "laptop",
    takes = 0,
    ...limits
  }: Exchange = {},
): Effect.Effect<AskAnswer, unknown> =>
  norion.ask({
    prompt,
    profile,
    scope,
    materials,
    device: deviceAt(device, load),
    models: [takes === 0 ? saying(answer) : slowly(saying(answer), takes)],
    demand: { privacy: "process" },
    temperature: 0,
    seed: 1,
    judges: { logic: symbolicDefault, ...judges },
    ...limits,
  }, actor);

/** Runs with norion over a fresh ledger on disk. */
export const withNorion = <A>(
  body: (norion: NorionShape, ledger: LedgerShape, folder: string) => Effect.Effect<A, unknown>,
  policy: Policy = DEFAULT_POLICY,
): Promise<A> =>
  inFolder((folder) =>
    withLedger(folder, (ledger) => body(norionOver(ledger, policy), ledger, folder) as Effect.Effect<A>, redactJson)
  );

/** Asks a model that says these drafts one after another; with the prompts that it was told. */
export const drafted = (
  norion: NorionShape,
  prompt: string,
  drafts: ReadonlyArray<string>,
  judges: Partial<Judges> = {},
): Effect.Effect<AskAnswer & { readonly told: ReadonlyArray<string> }, unknown> => {
  const told: string[] = [];
  const model = saying(...drafts);
  const asked = norion.ask({
    prompt,
    profile: "general",
    scope: "s",
    materials: {},
    device: deviceAt("laptop", 0),
    models: [{ ...model, generate: (request) => (told.push(request.prompt), model.generate(request)) }],
    demand: { privacy: "process" },
    temperature: 0,
    seed: 1,
    judges: { logic: symbolicDefault, ...judges },
  }, "user@tty");
  return Effect.map(asked, (answer) => ({ ...answer, told }));
};
