/**
 * Model document: which models of a name are registered and which of them serves, as the document of a domain of
 * proposals.
 *
 * Not the model (an artifact) and not how it was judged (assess.ts).
 * Invariant: a row is written once and never changed; the one that serves is a row; a version means one row for ever, also
 * after a rollback.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { ProposalDraft, ProposalRecord, ValidationCommand } from "../../../effects/mod.ts";
import { Digest } from "../../../kernel/digest.ts";
import type { Json, JsonObject } from "../../../kernel/json.ts";
import { JsonValue } from "../../../kernel/mod.ts";
import { ArtifactName } from "../../../registry/artifact.ts";
import type { Direction } from "./assess.ts";

/** Domains of models: `models.` and their name. */
export const MODEL_DOMAINS = "models.*";

/** The id of the row's pointer in a document. */
export const CHAMPION = "champion";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1));

/** A registered model. */
export interface ModelRow {
  /** The artifact. */
  readonly model: Digest;
  /** The data it was judged by, as a source. */
  readonly data: Json;
  /** Which part of them. */
  readonly split: string;
  /** By what it was judged. */
  readonly metric: string;
  /** Whether more of it is better. */
  readonly direction: Direction;
  /** What was measured. */
  readonly value: number;
  /** On how many samples. */
  readonly samples: number;
  /** Size of the artifact. */
  readonly bytes: number;
  /** What was measured in full: an artifact. */
  readonly evidence: Digest;
  /** Its number in the domain, never given twice. */
  readonly version: number;
}

/** Schema of {@link ModelRow}. */
export const ModelRow: Schema.Codec<ModelRow> = Schema.Struct({
  model: Digest,
  data: JsonValue,
  split: Schema.Literals(["train", "validation", "test"]),
  metric: Schema.String,
  direction: Schema.Literals(["up", "down"]),
  value: Schema.Finite,
  samples: Count,
  bytes: Count,
  evidence: Digest,
  version: Count,
}) as unknown as Schema.Codec<ModelRow>;

/** The model that serves. */
export interface Champion {
  /** The id of its row. */
  readonly row: string;
  /** The artifact. */
  readonly model: Digest;
}

/** Schema of {@link Champion}. */
export const Champion: Schema.Codec<Champion> = Schema.Struct({
  row: Schema.String,
  model: Digest,
}) as unknown as Schema.Codec<Champion>;

/** A document, read. */
export interface ModelDocument {
  /** Rows by id. */
  readonly rows: { readonly [id: string]: ModelRow };
  /** The one that serves. */
  readonly champion?: Champion;
}

/** A name of models, which names their domain. */
export const ModelsName: Schema.Codec<string> = ArtifactName;

/** The domain of a name. */
export const modelDomain = (name: string): string => `models.${name}`;

const SHOWN_HEX = 12;

/** The id of a model's row. */
export const rowId = (model: Digest): string => `m-${model.slice("sha256:".length).slice(0, SHOWN_HEX)}`;

const readRow = Schema.decodeUnknownResult(ModelRow);
const readChampion = Schema.decodeUnknownResult(Champion);
const strict = { onExcessProperty: "error" } as const;

/** Reads a document, or says what is wrong with it. */
export const readModels = (document: Json): ModelDocument | { readonly problem: string } => {
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    return { problem: "it is not an object" };
  }
  const rows: { [id: string]: ModelRow } = {};
  const { [CHAMPION]: pointer, ...others } = document as JsonObject;
  for (const [id, value] of Object.entries(others)) {
    const row = readRow(value, strict);
    if (Result.isFailure(row)) return { problem: `${id} is no registered model: ${row.failure.message}` };
    if (rowId(row.success.model) !== id) return { problem: `${id} is not the id of ${row.success.model}` };
    rows[id] = row.success;
  }
  if (pointer === undefined) return { rows };
  const champion = readChampion(pointer, strict);
  if (Result.isFailure(champion)) return { problem: `its ${CHAMPION} is malformed: ${champion.failure.message}` };
  const { row, model } = champion.success;
  if (!Object.hasOwn(rows, row) || rows[row].model !== model) return { problem: `its ${CHAMPION} is no row of it` };
  return { rows, champion: champion.success };
};

/** Versions that a domain ever gave, applied or undone since. */
export const versionsGiven = (records: ReadonlyArray<ProposalRecord>, domain: string): ReadonlyArray<number> =>
  records
    .filter(({ proposal, after }) => proposal.domain === domain && after !== undefined)
    .flatMap(({ proposal }) =>
      proposal.patch.flatMap((edit) => {
        const row = "value" in edit ? readRow(edit.value, strict) : undefined;
        return row !== undefined && Result.isSuccess(row) ? [row.success.version] : [];
      })
    );

/** The call that measures a model again before it is admitted; a champion's, beside the one in place. */
export const assessmentOf = (row: ModelRow, against?: ModelRow): ValidationCommand => ({
  operation: "evolution.assess",
  input: {
    model: row.model,
    data: row.data,
    split: row.split,
    metric: row.metric,
    bound: row.value,
    ...(against === undefined ? {} : { against: against.model }),
  },
  expect: { ok: true },
});

const draftOf = (
  name: string,
  base: Digest,
  row: ModelRow,
  change: Pick<ProposalDraft, "summary" | "changedIds" | "patch" | "validation" | "standsOn">,
): ProposalDraft => ({
  domain: modelDomain(name),
  base,
  rollbackTarget: base,
  expected: { metric: row.metric, direction: row.direction, bound: row.value },
  reversible: true,
  widensAuthority: false,
  ...change,
});

/** The change that registers a model. */
export const registration = (name: string, base: Digest, row: ModelRow): ProposalDraft =>
  draftOf(name, base, row, {
    summary: `Register model ${row.version} of ${name}: ${row.metric} ${row.value}`,
    changedIds: [rowId(row.model)],
    patch: [{ op: "add", path: `/${rowId(row.model)}`, value: row as unknown as Json as never }],
    validation: [assessmentOf(row)],
  });

/** How often what serves was changed in a domain, also where that was undone since. */
export const promotionsMade = (records: ReadonlyArray<ProposalRecord>, domain: string): number =>
  records.filter(({ proposal, after }) =>
    proposal.domain === domain && after !== undefined && proposal.changedIds.includes(CHAMPION)
  ).length;

/**
 * The change that lets a registered model serve: the `nth` change of what serves, so that letting it serve again, after
 * that was undone, is a change of its own.
 */
export const promotion = (
  name: string,
  base: Digest,
  document: ModelDocument,
  { id, nth }: { readonly id: string; readonly nth: number },
): ProposalDraft => {
  const row = document.rows[id];
  const current = document.champion;
  const value = { row: id, model: row.model } satisfies Champion;
  return draftOf(name, base, row, {
    summary: `Let model ${row.version} of ${name} serve (change ${nth}): ${row.metric} ${row.value}`,
    changedIds: [CHAMPION],
    patch: [{ op: current === undefined ? "add" : "replace", path: `/${CHAMPION}`, value }],
    validation: [assessmentOf(row, current === undefined ? undefined : document.rows[current.row])],
    standsOn: [id],
  });
};
