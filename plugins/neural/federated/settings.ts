/**
 * Settings: how rounds of learning over clients go, and what of it has no meaning.
 *
 * @module
 */
import { badSetting, notFederated } from "../failures.ts";
import { type Rule, ruleRow } from "./aggregate.ts";
import type { FederatedClient } from "./client.ts";
import { checkCompression, type Compression } from "./compress.ts";
import { checkPrivacy, type Privacy } from "./privacy.ts";
import { type ServerOptimiser, serverSettings } from "./server.ts";

/** How rounds go. */
export interface FederatedSettings {
  /** How many rounds. */
  readonly rounds: number;
  /** Clients that take part in a round; all where absent. */
  readonly perRound?: number;
  /** Passes of a client over its samples; 1 where absent. */
  readonly epochs?: number;
  /** Samples a step. */
  readonly batch: number;
  /** Step size of clients. */
  readonly rate: number;
  /** Pull of clients towards the round's weights: μ of FedProx; 0 where absent. */
  readonly proximal?: number;
  /** How steps are combined; the mean where absent. */
  readonly rule?: Rule;
  /** How the server follows; as it is where absent. */
  readonly server?: ServerOptimiser;
  /** How clients pack their steps; not where absent. */
  readonly compression?: Compression;
  /** What rounds may tell of a client; only with the mean. */
  readonly privacy?: Privacy;
  /** Whether clients seal their steps, so that the server reads their sum alone; only with the mean. */
  readonly secure?: boolean;
  /** Draws clients, orders samples, makes noise. */
  readonly seed: string | number;
  /** How long a round waits for a client; without end where absent. */
  readonly deadlineMs?: number;
  /** Fewest updates that make a round; 1 where absent. */
  readonly least?: number;
  /**
   * How much of the running mean of weights stays from round to round. What is scored and given out is that mean, which
   * the unevenness of single rounds leaves alone; rounds themselves go on from their own weights. Without it where absent.
   */
  readonly average?: number;
  /** Goes back to the best weights when a round's loss is not below the best by this much; not where absent. */
  readonly rollback?: { readonly minDelta: number };
  /** Clients that work at the same time; 1 where absent, as those of one process share its device. */
  readonly atOnce?: number;
}

const whole = (name: string, value: number, least: number, most: number): void => {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw badSetting({
    what: name,
    reason: `it is ${value}, and a whole number from ${least} to ${most} is needed`,
    path: `/${name}`,
  });
};

const MOST = 1_000_000;

/** Refuses settings that have no meaning; throws `NEURAL_SETTING` and `NEURAL_FEDERATED`. */
export const checkSettings = (settings: FederatedSettings, clients: ReadonlyArray<FederatedClient>): void => {
  if (clients.length < 2) {
    throw notFederated({ reason: `it takes two clients at least, not ${clients.length}`, path: "/clients" });
  }
  const ids = new Set(clients.map(({ id }) => id));
  if (ids.size < clients.length) throw notFederated({ reason: "two clients have one name", path: "/clients" });
  const { perRound = clients.length, epochs = 1, least = 1, atOnce = 1, rate, proximal = 0, average = 0 } = settings;
  whole("rounds", settings.rounds, 0, MOST);
  whole("perRound", perRound, 1, clients.length);
  whole("epochs", epochs, 1, MOST);
  whole("batch", settings.batch, 1, MOST);
  whole("least", least, 1, perRound);
  whole("atOnce", atOnce, 1, MOST);
  const rows = [
    ["rate", rate, rate > 0, "above 0"],
    ["proximal", proximal, proximal >= 0, "from 0"],
    ["average", average, average >= 0 && average < 1, "from 0 to below 1"],
  ] as const;
  for (const [name, value, holds, wanted] of rows) {
    if (holds && Number.isFinite(value)) continue;
    throw badSetting({ what: name, reason: `it is ${value}, and a number ${wanted} is needed`, path: `/${name}` });
  }
  const rule = settings.rule ?? { kind: "mean" };
  ruleRow(rule);
  if (settings.server !== undefined) serverSettings(settings.server);
  if (settings.compression !== undefined) checkCompression(settings.compression);
  if (settings.privacy !== undefined) checkPrivacy(settings.privacy);
  const { privacy, secure = false, compression } = settings;
  const apart = [
    [privacy !== undefined && rule.kind !== "mean", "privacy", `what ${rule.kind} tells of one client is not bounded`],
    [privacy !== undefined && settings.rollback !== undefined, "rollback", "it would tell losses that no noise covers"],
    [secure && rule.kind !== "mean", "secure", `${rule.kind} needs every step in the open`],
    [secure && privacy !== undefined, "secure", "noise is measured against single steps, which are sealed"],
    [secure && (compression?.kind ?? "none") !== "none", "secure", "sealed steps are as wide as the model"],
  ] as const;
  for (const [isWrong, what, reason] of apart) {
    if (isWrong) throw badSetting({ what, reason, path: `/${what}` });
  }
};
