/**
 * Record: what is stored of a run, as JSON: what it is, where it stands, and the lineage of its candidates.
 *
 * Not where it is stored (keeping.ts).
 * Invariant: what is read back is what was written; the bytes of a record depend on the run's settings and on what was
 * scored, not on its name, its workers or its interruptions.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Digest, digestJson } from "../../../kernel/digest.ts";
import { JsonValue } from "../../../kernel/failure.ts";
import { canonicalJson, type Json, type JsonObject } from "../../../kernel/json.ts";
import type { Member, Variation } from "../contract.ts";
import { badRun } from "../failures.ts";

/** Media type of what a run is. */
export const RUN_MEDIA = "application/vnd.rmi.evolution.run+json";

/** Media type of where a run stands. */
export const STATE_MEDIA = "application/vnd.rmi.evolution.state+json";

/** Media type of a part of a run's lineage. */
export const LINEAGE_MEDIA = "application/vnd.rmi.evolution.lineage+json";

/** Version of the stored forms that is written, and the newest that is read. */
export const RECORD_VERSION = 1;

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** One candidate of a run: where it comes from and what it was worth. */
export interface LineageRow {
  /** Its name within the run. */
  readonly id: string;
  /** The generation it was told in, from 1. */
  readonly generation: number;
  /** Ids of those it descends from. */
  readonly parents: ReadonlyArray<string>;
  /** Content hash of the genome. */
  readonly key: string;
  /** How it came about: drawn, crossed by, mutated by … */
  readonly edit: string;
  /** The genome, as its variation writes it. */
  readonly genome: Json;
  /** The scores, smaller is better; absent where the evaluation failed. */
  readonly objectives?: ReadonlyArray<number>;
  /** By how much constraints are violated in sum; absent where feasible. */
  readonly violation?: number;
  /** How it behaves, where that was told. */
  readonly descriptor?: ReadonlyArray<number>;
  /** Why it has no scores. */
  readonly failed?: string;
  /** What else its run says of it. */
  readonly note?: Json;
}

/** Schema of {@link LineageRow}. */
export const LineageRow: Schema.Codec<LineageRow> = Schema.Struct({
  id: Schema.String,
  generation: Count,
  parents: Schema.Array(Schema.String),
  key: Schema.String,
  edit: Schema.String,
  genome: JsonValue,
  objectives: Schema.optionalKey(Schema.Array(Schema.Finite)),
  violation: Schema.optionalKey(Schema.Finite),
  descriptor: Schema.optionalKey(Schema.Array(Schema.Finite)),
  failed: Schema.optionalKey(Schema.String),
  note: Schema.optionalKey(JsonValue),
});

/** What a run is: everything that its results depend on. */
export interface RunDocument {
  /** The operation whose run it is. */
  readonly operation: string;
  /** Its settings. */
  readonly spec: Json;
}

/** Where a run stands. */
export interface RunRecord {
  /** Digest of what it is. */
  readonly run: Digest;
  /** Generations told. */
  readonly generation: number;
  /** Candidates told. */
  readonly evaluations: number;
  /** Of these, how many failed. */
  readonly failures: number;
  /** The search's state; `null` where the run has no search. */
  readonly search: Json;
  /** The best ever told: one, or those that none dominates. */
  readonly archive: ReadonlyArray<LineageRow>;
  /** The newest part of the lineage. */
  readonly lineage: Digest | null;
  /** Why it ended; `null` while it goes on. */
  readonly ended: string | null;
  /** What else the run remembers. */
  readonly memory: Json;
}

/** A part of a lineage: some generations' candidates, and the part before it. */
export interface LineagePart {
  /** Digest of the run. */
  readonly run: Digest;
  /** The part before it. */
  readonly previous: Digest | null;
  /** Its candidates in the order they were told. */
  readonly rows: ReadonlyArray<LineageRow>;
}

/** A stored form: its name, its version and its members. */
interface Form<A> {
  readonly format: string;
  readonly schema: Schema.Codec<A>;
}

/** What a run is, as stored. */
export const RUN_FORM: Form<RunDocument> = {
  format: "rmi-evolution-run",
  schema: Schema.Struct({ operation: Schema.String, spec: JsonValue }),
};

/** Where a run stands, as stored. */
export const STATE_FORM: Form<RunRecord> = {
  format: "rmi-evolution-state",
  schema: Schema.Struct({
    run: Digest,
    generation: Count,
    evaluations: Count,
    failures: Count,
    search: JsonValue,
    archive: Schema.Array(LineageRow),
    lineage: Schema.NullOr(Digest),
    ended: Schema.NullOr(Schema.String),
    memory: JsonValue,
  }) as unknown as Schema.Codec<RunRecord>,
};

/** A part of a lineage, as stored. */
export const LINEAGE_FORM: Form<LineagePart> = {
  format: "rmi-evolution-lineage",
  schema: Schema.Struct({
    run: Digest,
    previous: Schema.NullOr(Digest),
    rows: Schema.Array(LineageRow),
  }) as unknown as Schema.Codec<LineagePart>,
};

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A stored form's bytes. */
export const encodeForm = <A>({ format }: Form<A>, value: A): Uint8Array<ArrayBuffer> =>
  encoder.encode(canonicalJson({ format, version: RECORD_VERSION, ...value }));

/** What the bytes hold; throws EVOLUTION_RUN where they are of another form, a newer version or damaged. */
export const decodeForm = <A>({ format, schema }: Form<A>, bytes: Uint8Array, run: string): A => {
  const refuse = (reason: string): never => {
    throw badRun({ run, reason });
  };
  let document: JsonObject;
  try {
    document = JSON.parse(decoder.decode(bytes));
  } catch {
    return refuse("what is stored is not JSON");
  }
  const { format: found, version, ...rest } = document ?? {};
  if (found !== format) refuse(`what is stored is not of the form ${format}`);
  if (!(Number.isSafeInteger(version) && (version as number) <= RECORD_VERSION)) {
    refuse(`its version ${String(version)} is newer than ${RECORD_VERSION}`);
  }
  const decoded = Schema.decodeUnknownResult(schema)(rest);
  return Result.isSuccess(decoded) ? decoded.success : refuse(`what is stored is damaged: ${decoded.failure.message}`);
};

/** A judged candidate as a row of the lineage. */
export const lineageRow = <G>(
  variation: Variation<G>,
  generation: number,
  member: Member<G>,
  note?: Json,
): LineageRow => ({
  id: member.id,
  generation,
  parents: member.parents,
  key: digestJson(variation.encode(member.genome)),
  edit: member.edit,
  genome: variation.encode(member.genome),
  ...(member.failed === undefined ? { objectives: member.objectives } : { failed: member.failed }),
  ...(member.violation > 0 ? { violation: member.violation } : {}),
  ...(member.descriptor === undefined ? {} : { descriptor: member.descriptor }),
  ...(note === undefined ? {} : { note }),
});
