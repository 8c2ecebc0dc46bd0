/**
 * Handlers of learned routing: routers are fitted, stored and found.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import { Ledger } from "../../effects/mod.ts";
import { type Digest, Disk } from "../../kernel/mod.ts";
import { type ArtifactInfo, infoOf } from "../../registry/artifact.ts";
import { Artifacts } from "../../registry/contract.ts";
import { attempting, badModel, badRequest, type NorionFailure } from "./failures.ts";
import type { LearnRouting } from "./operations_routing.ts";
import { milli } from "./policy.ts";
import { fitRouter, fitRouterApart, type ObservedOne } from "./routing/learned.ts";
import { areaLeftOut, readOutcomes, readRouter, ROUTER_MEDIA, writeRouter } from "./routing/stored.ts";
import { type FittedRouter, resultOf } from "./routing/stronger.ts";
import { scopeOf } from "./scope.ts";
import { Norion } from "./service.ts";
import { outcomeFold, workOf } from "./state/outcomes.ts";

type Input = Schema.Schema.Type<typeof LearnRouting["input"]>;

/** Area from which a router is better than chance. */
const CHANCE = 0.5;

const storeFailure = (failure: { readonly message: string }): NorionFailure =>
  badModel({ what: "the store of artifacts", reason: failure.message });

const AREA = "area";

const isUsed = ({ media, names, metrics }: ArtifactInfo): boolean =>
  media === ROUTER_MEDIA && names.length > 0 && (metrics[AREA] ?? 1) > CHANCE;

/** The router that requests are routed by which name none: the newest that is better than chance. */
const newest = Effect.gen(function* () {
  const store = yield* Artifacts;
  const state = yield* store.state;
  return (Object.keys(state.artifacts) as ReadonlyArray<Digest>).flatMap((digest) => infoOf(state, digest) ?? [])
    .filter(isUsed)
    .toSorted((a, b) => a.at < b.at || (a.at === b.at && a.digest < b.digest) ? 1 : -1).at(0);
}).pipe(Effect.mapError(storeFailure));

/** Name of no router. */
const NONE = "none";

/** The router of a name, or the newest where none is named; undefined where there is none. */
export const routerFor = (name: string | undefined) =>
  Effect.gen(function* () {
    if (name === NONE) return undefined;
    const store = yield* Artifacts;
    const info = name === undefined ? yield* newest : yield* Effect.mapError(
      store.find(name, "/router"),
      (failure): NorionFailure => badRequest({ reason: failure.message, path: "/router" }),
    );
    if (info === undefined) return undefined;
    const bytes = yield* Effect.mapError(store.read(info.digest), storeFailure);
    return yield* attempting((): FittedRouter => readRouter(info.names[0] ?? info.digest, bytes));
  });

interface Fitted {
  readonly made: Omit<FittedRouter, "name">;
  readonly weak: number;
  readonly strong: number;
  readonly area?: number;
}

const mean = (values: ReadonlyArray<number>): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

const ofFile = (file: string, models: Input["models"]) =>
  Effect.gen(function* () {
    const text = yield* (yield* Disk).readText(file);
    return yield* attempting((): Fitted => {
      const rows = readOutcomes(text);
      const router = fitRouter(rows);
      return {
        made: { router, reads: "prompt", observed: rows.length, ...(models === undefined ? {} : { pair: models }) },
        weak: mean(rows.map((row) => row.weak)),
        strong: mean(rows.map((row) => row.strong)),
        area: areaLeftOut(rows),
      };
    });
  });

/** What was said of the answers of two models, beside the words that the requests were about. */
const ofRequests = (models: Input["models"], scope: string) =>
  Effect.gen(function* () {
    if (models === undefined) {
      return yield* Effect.fail<NorionFailure>(
        badRequest({
          reason: "there is nothing to learn routing from: no file, and no models are named",
          path: "/models",
          expected: "a file, or the ids of a cheap and a strong model",
        }),
      );
    }
    const { experience, policy } = yield* Norion;
    const { recent } = yield* (yield* Ledger).state(outcomeFold);
    const outcomes = new Map(recent.map((one) => [one.request, one]));
    const rows = (yield* experience.list(scope)).flatMap(({ record, topic }): ReadonlyArray<ObservedOne> => {
      const outcome = outcomes.get(record.request);
      const result = outcome === undefined ? undefined : resultOf(outcome, policy);
      const by = outcome?.model === models.strong ? "strong" : outcome?.model === models.cheap ? "weak" : undefined;
      return result === undefined || by === undefined
        ? []
        : [{ question: { text: topic, subject: workOf(record) }, by, result }];
    });
    const resultsOf = (model: ObservedOne["by"]): ReadonlyArray<number> =>
      rows.filter(({ by }) => by === model).map(({ result }) => result);
    return yield* attempting((): Fitted => ({
      made: { router: fitRouterApart(rows), reads: "topic", observed: rows.length, pair: models },
      weak: mean(resultsOf("weak")),
      strong: mean(resultsOf("strong")),
    }));
  });

/** The handlers. */
export const routingHandlers = {
  "norion.learnRouting": ({ name, file, models, scope: given }: Input) =>
    Effect.gen(function* () {
      const scope = yield* scopeOf(given);
      const { made, weak, strong, area }: Fitted = yield* file === undefined
        ? ofRequests(models, scope)
        : ofFile(file, models);
      const store = yield* Artifacts;
      const info = yield* Effect.mapError(
        store.put(writeRouter(made), {
          kind: "model",
          media: ROUTER_MEDIA,
          description: `router fitted to ${made.observed} outcomes of ${
            models === undefined ? "two models" : `${models.cheap} and ${models.strong}`
          }`,
          references: [],
          tags: [],
          metrics: { observed: made.observed, ...(area === undefined ? {} : { [AREA]: area }) },
        }, name),
        storeFailure,
      );
      return {
        name: info.names.at(-1) ?? name,
        digest: info.digest,
        observed: made.observed,
        weak: milli(weak),
        strong: milli(strong),
        ...(area === undefined ? {} : { area: milli(area) }),
        used: isUsed(info),
      };
    }),
};
