/**
 * Model checks: what the gate demands of a change to which models are registered and which of them serves.
 *
 * Not the measurement (assess.ts): it runs as the change's validation, and these checks see to it that it is this one.
 * Invariant: a row that another proposal wrote is never changed; no model serves that was not measured beside the one in
 * place.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Check, patched, type ProposalsShape, type Reason } from "../../../effects/mod.ts";
import { digestJson } from "../../../kernel/digest.ts";
import type { ArtifactStore } from "../../../registry/artifact_store.ts";
import { type Candidate, checkOf, hold, reject, SHAPE_ORDER } from "./change_checks.ts";
import {
  assessmentOf,
  CHAMPION,
  type ModelDocument,
  type ModelRow,
  readModels,
  versionsGiven,
} from "./model_document.ts";

/** Largest model that is registered, bytes. */
export const MAX_MODEL_BYTES = 33_554_432;

interface Change {
  readonly candidate: Candidate;
  readonly before: ModelDocument;
  readonly after: ModelDocument;
}

/** The documents before and after; a change that does not fit is the matter of the built-in checks. */
const changeOf = (candidate: Candidate): Change | Reason => {
  const result = patched(candidate.proposal.patch, candidate.document);
  if ("problem" in result) return undefined;
  const before = readModels(candidate.document);
  const after = readModels(result.after);
  if ("problem" in after) return reject("MODEL_DOCUMENT", after.problem);
  return { candidate, before: "problem" in before ? { rows: {} } : before, after };
};

/** The row that a change adds, or that it lets serve. */
const rowOf = ({ candidate: { proposal }, after }: Change): ModelRow | undefined => {
  const [id] = proposal.changedIds;
  return id === CHAMPION ? after.champion && after.rows[after.champion.row] : after.rows[id];
};

const shape = ({ candidate: { proposal }, before, after }: Change): Reason => {
  if (proposal.changedIds.length !== 1 || proposal.patch.length !== 1) {
    return reject("MODEL_CHANGES", "one change registers or promotes one model, by one edit");
  }
  const [id] = proposal.changedIds;
  if (id === CHAMPION) {
    return after.champion === undefined ? reject("MODEL_REMOVED", "what serves goes back by a rollback") : undefined;
  }
  if (Object.hasOwn(before.rows, id)) return reject("MODEL_REUSED", `${id} is registered and is never changed`);
  return Object.hasOwn(after.rows, id) ? undefined : reject("MODEL_REMOVED", `${id} goes by a rollback`);
};

const assessed = (change: Change): Reason => {
  const { candidate: { proposal }, before } = change;
  const row = rowOf(change);
  if (row === undefined) return undefined;
  const against = proposal.changedIds[0] === CHAMPION && before.champion !== undefined
    ? before.rows[before.champion.row]
    : undefined;
  const wanted = digestJson(assessmentOf(row, against));
  return proposal.validation.some((command) => digestJson(command) === wanted)
    ? undefined
    : reject("ASSESSMENT_OTHER", "its validation does not measure this model by these data, beside the one in place");
};

const size = (change: Change): Reason => {
  const bytes = rowOf(change)?.bytes ?? 0;
  return bytes > MAX_MODEL_BYTES ? hold("MODEL_TOO_LARGE", `${bytes} bytes > ${MAX_MODEL_BYTES}`) : undefined;
};

const heldOut = (change: Change): Reason =>
  rowOf(change)?.split === "train"
    ? hold("NOT_HELD_OUT", "it was measured by what models learn from, which says little of new data")
    : undefined;

const check = checkOf<Change>(changeOf);

/** Checks of the domains of models. */
export const modelChecks = (
  store: Pick<ArtifactStore, "state">,
  proposals: Pick<ProposalsShape, "list">,
): ReadonlyArray<Check> => [
  check("models.shape", SHAPE_ORDER, shape),
  check(
    "models.version",
    210,
    ({ candidate: { proposal }, after }) =>
      proposal.changedIds[0] === CHAMPION ? undefined : Effect.map(Effect.result(proposals.list), (records) => {
        if (records._tag === "Failure") return hold("VERSIONS_UNREADABLE", records.failure.message);
        const row = after.rows[proposal.changedIds[0]];
        const latest = Math.max(0, ...versionsGiven(records.success, proposal.domain));
        return row === undefined || row.version === latest + 1
          ? undefined
          : reject("VERSION_REUSED", `version ${row.version} does not follow ${latest}, the last that was given`);
      }),
  ),
  check("models.stored", 220, (change) =>
    Effect.map(Effect.result(store.state), (state) => {
      if (state._tag === "Failure") return hold("STORE_UNREADABLE", state.failure.message);
      const row = rowOf(change);
      if (row === undefined) return undefined;
      const { artifacts } = state.success;
      const [model, evidence] = [artifacts[row.model], artifacts[row.evidence]];
      if (model?.kind !== "model" || model.size !== row.bytes) {
        return reject("MODEL_ABSENT", `${row.model} is no stored model of ${row.bytes} bytes`);
      }
      const said = evidence?.kind === "evidence" && evidence.references.includes(row.model) &&
        evidence.metrics[row.metric] === row.value;
      return said
        ? undefined
        : reject("EVIDENCE_FORGED", `${row.evidence} does not say ${row.metric} ${row.value} of it`);
    })),
  check("models.assessed", 230, assessed),
  check("models.size", 240, size),
  check("models.held-out", 250, heldOut),
];
