/**
 * Json: architectures as JSON, to be kept and sent.
 *
 * Invariant: what is read back is equal, and what is not an architecture is refused with its place, whoever wrote it.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { Json } from "../../../kernel/json.ts";
import { parseType } from "../../ir/library.ts";
import { badArchitecture } from "../failures.ts";
import type { Layer } from "../layers/layer.ts";
import { type Architecture, INPUT, nodeOf } from "./architecture.ts";
import { applyEdit, emptied, MAX_ARCHITECTURE_NODES } from "./edit.ts";

/** The format's version. */
export const ARCHITECTURE_FORMAT = 1;

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const Sizes = Schema.Array(Schema.Int);
const Notes = Schema.Record(Schema.String, Schema.String);
const Setting = Schema.Union([Schema.Finite, Schema.Boolean, Schema.String, Schema.Array(Schema.Finite)]);
const Settings = Schema.Record(Schema.String, Setting);

const LayerJson: Schema.Codec<Layer> = Schema.suspend((): Schema.Codec<Layer> =>
  Schema.Struct({
    kind: Schema.String,
    settings: Settings,
    parts: Schema.optionalKey(Schema.Array(LayerJson)),
    name: Schema.optionalKey(Schema.String),
    shared: Schema.optionalKey(Schema.String),
    frozen: Schema.optionalKey(Schema.Boolean),
    initial: Schema.optionalKey(Schema.Record(
      Schema.String,
      Schema.Struct({
        kind: Schema.String,
        value: Schema.optionalKey(Schema.Finite),
        bound: Schema.optionalKey(Schema.Finite),
        deviation: Schema.optionalKey(Schema.Finite),
        gain: Schema.optionalKey(Schema.Finite),
        sparsity: Schema.optionalKey(Schema.Finite),
      }),
    )),
  }) as unknown as Schema.Codec<Layer>
);

const TransformJson = Schema.Union([
  Schema.Struct({ kind: Schema.Literals(["reshape", "broadcast"]), sizes: Sizes }),
  Schema.Struct({ kind: Schema.Literal("transpose"), axes: Sizes }),
  Schema.Struct({ kind: Schema.Literal("slice"), start: Count, end: Count, axis: Schema.optionalKey(Count) }),
  Schema.Struct({ kind: Schema.Literal("cast"), dtype: Schema.String }),
]);

const ArchitectureJson = Schema.Struct({
  format: Schema.Literal(ARCHITECTURE_FORMAT),
  name: Schema.String,
  version: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  next: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  nodes: Schema.Array(Schema.Struct({
    id: Schema.String.check(Schema.isPattern(/^n[1-9][0-9]{0,8}$/u)),
    name: Schema.String,
    kind: Schema.String,
    settings: Settings,
    parts: Schema.optionalKey(Schema.Array(LayerJson)),
    type: Schema.optionalKey(Schema.String),
    frozen: Schema.optionalKey(Schema.Boolean),
    metadata: Schema.optionalKey(Notes),
  })),
  edges: Schema.Array(Schema.Struct({
    from: Schema.String,
    output: Count,
    to: Schema.String,
    input: Count,
    transform: Schema.optionalKey(TransformJson),
  })),
  outputs: Schema.Array(Schema.String),
  metadata: Notes,
});

const decode = Schema.decodeUnknownResult(ArchitectureJson, { onExcessProperty: "error" });

/** An architecture as JSON. */
export const architectureToJson = (architecture: Architecture): Json =>
  ({ format: ARCHITECTURE_FORMAT, ...architecture }) as unknown as Json;

const refuse = (reason: string): never => {
  throw badArchitecture({ what: "read an architecture", reason });
};

/** An architecture from JSON; throws `NEURAL_ARCHITECTURE` on anything else. */
export const architectureFromJson = (json: unknown): Architecture => {
  const read = decode(json);
  if (Result.isFailure(read)) return refuse(String(read.failure.message).split("\n").slice(0, 2).join(" "));
  const { format: _format, ...found } = read.success;
  if (found.nodes.length > MAX_ARCHITECTURE_NODES) refuse(`${MAX_ARCHITECTURE_NODES} nodes are the most`);
  // Put together edit by edit, so that what holds of every edited architecture holds of this one.
  let made: Architecture = { ...emptied(found as unknown as Architecture) };
  for (const node of found.nodes) {
    if ((node.kind === INPUT) !== (node.type !== undefined)) {
      refuse(`${node.name} is an input and has a type, or neither`);
    }
    if (node.type !== undefined) parseType(node.type);
    const at = made.nodes.length;
    made = applyEdit(made, { edit: "restore", node: node as never, at, edges: [], outputs: [] }).architecture;
  }
  for (const edge of found.edges) made = applyEdit(made, { edit: "connect", ...edge } as never).architecture;
  for (const id of found.outputs) nodeOf(made, id, "read an architecture");
  return { ...applyEdit(made, { edit: "outputs", ids: found.outputs }).architecture, version: found.version };
};
