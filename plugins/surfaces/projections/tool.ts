/**
 * Tool: an operation as an MCP tool, and the three tools that reach every operation.
 *
 * Not the server (plugins/surfaces/mcp): these are pure functions of declarations.
 * Invariant: a tool's name leads back to exactly one operation id.
 *
 * @module
 */
import type { Json, JsonObject } from "../../../kernel/json.ts";
import type { AnyOperation } from "../../../kernel/operation.ts";
import { Describe, Search } from "../../../kernel/operations.ts";
import { answerSchema, fit, inputSchemaOf, outputSchemaOf } from "./schema.ts";

/** What an MCP client may assume about a tool. */
export type ToolAnnotations = {
  /** Changes nothing. */
  readonly readOnlyHint: boolean;
  /** May change something that cannot be undone. */
  readonly destructiveHint: boolean;
  /** Calling it again with the same arguments changes nothing more. */
  readonly idempotentHint: boolean;
  /** Reaches beyond this machine. */
  readonly openWorldHint: boolean;
};

/** An MCP tool descriptor. */
export type ToolDescriptor = {
  /** The name a client calls. */
  readonly name: string;
  /** The name a person reads. */
  readonly title: string;
  /** What it does, what it needs, and an example. */
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly inputSchema: JsonObject;
  /** JSON Schema of the structured answer. */
  readonly outputSchema: JsonObject;
  /** What a client may assume. */
  readonly annotations: ToolAnnotations;
};

/** Tool name of an operation. Clients refuse dots; operation ids hold no `-`, so the way back is unambiguous. */
export const toolNameOf = (id: string): string => id.replaceAll(".", "-");

const CHANGES: ReadonlyArray<string> = ["writeLocal", "exec", "network"];

/** The failure in short: a client keeps every tool's schemas at hand, and the whole one is in OpenAPI and `describe`. */
const FAILURE: JsonObject = {
  type: "object",
  description: "code, recoverable, message, path, expected, actual, fix {summary, patch, command}, suggestions, docs",
  properties: { code: { type: "string" }, message: { type: "string" } },
  required: ["code", "message"],
};

const within = (schema: JsonObject, definitions: JsonObject): JsonObject =>
  Object.keys(definitions).length === 0 ? schema : { ...schema, $defs: definitions };

const inputOf = (operation: AnyOperation): JsonObject => {
  const { schema, definitions } = fit(inputSchemaOf(operation), "#/$defs/");
  return within(schema, definitions);
};

const answerOf = (value: Json): JsonObject => {
  const { schema, definitions } = fit(value, "#/$defs/");
  return within(answerSchema(schema, FAILURE), definitions);
};

const annotationsOf = (operation: AnyOperation): ToolAnnotations => {
  const changes = operation.effects.some((effect: string) => CHANGES.includes(effect));
  return {
    readOnlyHint: !changes,
    destructiveHint: changes && !operation.reversible,
    idempotentHint: operation.idempotent,
    openWorldHint: operation.effects.includes("network"),
  };
};

const describe = (operation: AnyOperation): string => {
  const needs = [...operation.effects, ...operation.kinds];
  const example = operation.examples.find((shown) => shown.failure === undefined) ?? operation.examples[0];
  return [
    operation.summary,
    needs.length === 0 ? "Needs no authority." : `Needs: ${needs.join(", ")}.`,
    ...(example === undefined ? [] : [`Example: ${JSON.stringify(example.input)}`]),
  ].join("\n");
};

/** An operation as a tool of its own. */
export const toolOf = (operation: AnyOperation): ToolDescriptor => ({
  name: toolNameOf(operation.id),
  title: operation.id,
  description: describe(operation),
  inputSchema: inputOf(operation),
  outputSchema: answerOf(outputSchemaOf(operation)),
  annotations: annotationsOf(operation),
});

const text = (description: string): JsonObject => ({ type: "string", description });

const closed = (properties: JsonObject, required: ReadonlyArray<string>): JsonObject => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});

/** A kernel operation as a tool under a short name. */
const renamed = (name: string, operation: AnyOperation): ToolDescriptor => ({ ...toolOf(operation), name });

/** The tools that reach every operation: find one, read about it, call it. */
export const metaTools: {
  /** Finds operations: `kernel.search`. */
  readonly search: ToolDescriptor;
  /** Explains one operation: `kernel.describe`. */
  readonly describe: ToolDescriptor;
  /** Calls one operation. */
  readonly call: ToolDescriptor;
} = {
  search: renamed("search", Search),
  describe: renamed("describe", Describe),
  call: {
    name: "call",
    title: "Call an operation",
    description: [
      "Call any operation with its input. Answers {ok: true, value} or {ok: false, failure}.",
      "A failure says what to change: apply failure.fix.patch to the input and call again.",
      "A denied call names in failure.fix.command what a person runs to allow it.",
    ].join("\n"),
    inputSchema: closed({
      operation: text("Operation id"),
      input: { type: "object", description: "The operation's input; default {}" },
      seed: text("Seed of the call's randomness, for repeatable results"),
    }, ["operation"]),
    outputSchema: answerOf({}),
    // What it does depends on the operation called, so a client must assume the most.
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  },
};
