/**
 * Register: the model through the gate into the registry of models with what was measured, promoted, and the promotion
 * undone: the document is then, to the bit, what it was before.
 *
 * Invariant: nothing here approves: a policy rule or a person does, and the result names which; without approval nothing
 * is promoted, and that is told.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../../../kernel/context.ts";
import type { Digest } from "../../../../kernel/digest.ts";
import type { Json } from "../../../../kernel/json.ts";
import { Proposals } from "../../../../effects/mod.ts";
import { CHAMPION, modelDomain, rowId } from "../../self/model_document.ts";
import { modelsOf, promoteModel, registerModel } from "../../self/models.ts";
import type { Admitted } from "../../self/road.ts";
import { cannotCreate } from "../../failures.ts";
import type { CreateResult } from "../result.ts";
import { remember, stepping, type Work } from "../work.ts";
import type { Capabilities } from "./discover.ts";
import type { KeptModel } from "./keep.ts";

/** The bounds of the rule that approves, in words. */
const WITHIN = "reversible, measured here on held-out data, better than one answer to everything, no worse than the " +
  "model in place on the same data, at most 32 MiB";

type Registration = CreateResult["registration"];

/** Under which name models of these data are registered. */
export const registryName = (work: Work): string => {
  const plain = work.learned.dataset.name.toLowerCase().replace(/\.[a-z0-9]+(?:\.gz)?$/u, "").replaceAll(
    /[^a-z0-9._-]+/gu,
    "-",
  ).replace(/^[^a-z]+/u, "");
  return plain.slice(0, 60) || "data";
};

const shownOf = (admitted: Omit<Admitted, "before" | "after">, summary: string): Registration => ({
  proposal: admitted.proposal,
  domain: admitted.domain,
  summary,
  state: admitted.state,
  by: admitted.by ?? "nobody yet",
  within: WITHIN,
  evidence: admitted.evidence.map(({ counts, by, result, summary: said }) => ({
    source: counts,
    by,
    result,
    summary: said,
  })),
});

/** The registration of a model that an interrupted run registered. */
const earlier = (work: Work, model: Digest) =>
  Effect.gen(function* () {
    const name = registryName(work);
    const { document } = yield* modelsOf(name);
    if (!Object.hasOwn(document.rows, rowId(model))) return undefined;
    const records = yield* (yield* Proposals).list;
    const found = records.findLast(({ proposal }) =>
      proposal.domain === modelDomain(name) && proposal.changedIds.includes(rowId(model))
    );
    if (found === undefined) return undefined;
    const { proposal: { id, domain, summary }, state, reasons, by, evidence } = found;
    return shownOf({ proposal: id, domain, state, reasons, evidence, ...(by === undefined ? {} : { by }) }, summary);
  });

const registered = (work: Work, model: Digest, lineage: Digest | null) =>
  Effect.gen(function* () {
    const made = yield* registerModel({
      name: registryName(work),
      model,
      data: work.request.source as unknown as Json,
      references: [work.run.run, ...(lineage === null ? [] : [lineage])],
    });
    const { version, assessed: { metric, value, samples } } = made;
    return shownOf(made, `version ${version}: ${metric} ${value} measured on ${samples} samples`);
  });

/** What is told of a model that was measured to be none that anybody should have. */
const refusedOf = (work: Work, summary: string): Registration => ({
  domain: modelDomain(registryName(work)),
  summary,
  state: "refused",
  by: "nobody",
  within: WITHIN,
  evidence: [],
});

/** Registers the model; one that does not pass is kept and reported, but not registered. */
export const register = (work: Work, kept: KeptModel, lineage: Digest | null) =>
  stepping(
    work.steps,
    { name: "register", does: `register the model in models.${registryName(work)} through the gate` },
    Effect.gen(function* () {
      const model = kept.info.digest;
      const known = yield* earlier(work, model);
      if (known !== undefined) {
        return { value: known, did: `${known.state} before, approved by ${known.by}` };
      }
      const value = yield* Effect.catch(
        registered(work, model, lineage),
        (failure) =>
          failure.code === "EVOLUTION_CHANGE" ? Effect.succeed(refusedOf(work, failure.message)) : Effect.fail(failure),
      );
      const approved = value.state === "refused" ? "" : `, approved by ${value.by}`;
      return { value, did: `${value.summary}; ${value.state}${approved}` };
    }),
  );

/** Lets the model serve. */
const promoting = (work: Work, name: string, model: Digest) =>
  Effect.gen(function* () {
    // Remembered first: what a killed run left serving is undone by the one that goes on.
    yield* remember(work, { promoting: true });
    return yield* promoteModel({ name, model });
  });

/** The promotion that an interrupted run left undone. */
const begunBefore = (name: string) =>
  Effect.gen(function* () {
    const records = yield* (yield* Proposals).list;
    const found = records.findLast(({ state, proposal: { domain, changedIds } }) =>
      state === "applied" && domain === modelDomain(name) && changedIds.includes(CHAMPION)
    );
    if (found === undefined) return yield* cannotCreate({ reason: "what serves was promoted by nobody", path: "" });
    const { proposal: { id: proposal, base: before }, state, reasons } = found;
    return { proposal, before, state, reasons };
  });

/** Promotes the model, then undoes it. */
export const promoteAndUndo = (
  work: Work,
  kept: KeptModel,
  registration: Registration,
  capabilities: Capabilities,
) =>
  stepping(
    work.steps,
    { name: "rollback", does: "let the model serve, then undo that" },
    Effect.gen(function* () {
      const name = registryName(work);
      const standing = (did: string) =>
        Effect.map(modelsOf(name), ({ digest, document: { champion } }): CreateResult["rollback"][number] => ({
          did,
          ...(champion === undefined ? {} : { model: champion.model }),
          document: digest,
        }));
      const before = yield* standing("registered");
      if (registration.state !== "applied") {
        return { value: [before], did: `not promoted: the registration is ${registration.state}` };
      }
      const model = kept.info.digest;
      if (before.model === model && work.memory.promoting !== true) {
        return { value: [before], did: "it serves already" };
      }
      const promoted = before.model === model ? yield* begunBefore(name) : yield* promoting(work, name, model);
      if (promoted.state !== "applied") {
        return { value: [before], did: `not promoted: ${[promoted.state, ...promoted.reasons].join(", ")}` };
      }
      const serving = yield* standing("promoted");
      yield* (yield* CallContext).invoke(capabilities.undo, { proposal: promoted.proposal });
      const undone = yield* standing("promotion undone");
      if (undone.document !== promoted.before) {
        return yield* cannotCreate({ reason: "undoing the promotion did not restore the document", path: "" });
      }
      return {
        value: [{ ...undone, did: "registered" }, serving, undone],
        did: `promoted, then undone: the document is ${undone.document} again`,
      };
    }),
  );
