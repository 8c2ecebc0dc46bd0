/**
 * OpenAPI: the HTTP surface described in OpenAPI 3.1, from the same declarations that it serves.
 *
 * Not the server (plugins/surfaces/http): a pure function of declarations and the server's address.
 * Invariant: one path an operation, and every `$ref` resolves inside the document.
 *
 * @module
 */
import type { Json, JsonObject } from "../../../kernel/json.ts";
import { type AnyOperation, namespaceOf } from "../../../kernel/operation.ts";
import { eventSchemaOf, failureSchema, fit, inputSchemaOf, outputSchemaOf } from "./schema.ts";

/** What the document says besides the operations. */
export interface OpenApiOptions {
  /** Version of the system. */
  readonly version: string;
  /** Address of the server, without a trailing slash. */
  readonly url: string;
  /** Whether requests need an access token. */
  readonly secured: boolean;
}

const COMPONENTS = "#/components/schemas/";

const FAILURE = fit(failureSchema, COMPONENTS);

const jsonContent = (schema: JsonObject): JsonObject => ({ "application/json": { schema } });

/** What each status means for a call. */
const STATUS_LINES: ReadonlyArray<readonly [status: string, description: string]> = [
  ["400", "The input does not fit the schema"],
  ["401", "No valid access token"],
  ["403", "Policy denies the call, or asks for an approval first"],
  ["404", "No such operation, as far as the caller may know"],
  ["408", "The body did not arrive in time"],
  ["413", "The body is too large"],
  ["415", "The body is not JSON"],
  ["422", "The operation refused the input"],
  ["429", "A budget is used up"],
  ["500", "A bug"],
  ["503", "A device, a package or the server's capacity is absent"],
  ["504", "The call did not finish in time"],
];

const FAILED: JsonObject = {
  type: "object",
  properties: { ok: { const: false }, failure: FAILURE.schema },
  required: ["ok", "failure"],
  additionalProperties: false,
};

const responseName = (status: string): string => `Failed${status}`;

/** The responses of failures, once for the whole document. */
const FAILURE_RESPONSES: JsonObject = Object.fromEntries(
  STATUS_LINES.map(([status, description]) => [
    responseName(status),
    { description, content: jsonContent({ $ref: `${COMPONENTS}Failed` }) },
  ]),
);

const failuresWith = (statuses: ReadonlyArray<string>): JsonObject =>
  Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/${responseName(status)}` }]),
  );

const CALL_FAILURES = failuresWith(STATUS_LINES.map(([status]) => status));

const SEED: JsonObject = {
  name: "seed",
  in: "query",
  required: false,
  description: "Seed of the call's randomness, for repeatable results",
  schema: { type: "string" },
};

/** `{ ok: true, value }`, with what the value is. */
const okValue = (value: JsonObject): JsonObject =>
  jsonContent({
    type: "object",
    properties: { ok: { const: true }, value },
    required: ["ok", "value"],
    additionalProperties: false,
  });

const exampleName = (index: number, title: string | undefined): string => title ?? `example ${index + 1}`;

const pathOf = (operation: AnyOperation): { readonly item: JsonObject; readonly schemas: JsonObject } => {
  const id = operation.id;
  const input = fit(inputSchemaOf(operation), COMPONENTS, `${id}.input.`);
  const output = fit(outputSchemaOf(operation), COMPONENTS, `${id}.output.`);
  const event = fit(eventSchemaOf(operation) ?? {}, COMPONENTS, `${id}.event.`);
  const examples = Object.fromEntries(
    operation.examples.map((shown, index) => [exampleName(index, shown.title), { value: shown.input }]),
  );
  const needs = [...operation.effects, ...operation.kinds];
  const item = {
    post: {
      operationId: id,
      tags: [namespaceOf(id)],
      summary: operation.summary,
      description: [
        needs.length === 0 ? "Needs no authority." : `Needs: ${needs.join(", ")}.`,
        `Work: ${operation.cost.compute}. ${operation.idempotent ? "Idempotent." : "Not idempotent."}`,
        `Ask for \`text/event-stream\` or \`application/x-ndjson\` to receive ${
          operation.event === undefined ? "progress" : "events and progress"
        } while it runs.`,
      ].join(" "),
      ...(operation.stability === "stable" ? {} : { "x-rmi-stability": operation.stability }),
      parameters: [SEED],
      requestBody: {
        required: true,
        content: { "application/json": { schema: { $ref: `${COMPONENTS}${id}.input` }, examples } },
      },
      responses: {
        "200": {
          description: "The answer; for streams one line or event a step, the answer last",
          content: {
            ...okValue({ $ref: `${COMPONENTS}${id}.output` }),
            "application/x-ndjson": { schema: { type: "string" } },
            "text/event-stream": { schema: { type: "string" } },
          },
        },
        ...CALL_FAILURES,
      },
    },
  };
  const schemas: JsonObject = {
    [`${id}.input`]: input.schema,
    [`${id}.output`]: output.schema,
    ...(operation.event === undefined ? {} : { [`${id}.event`]: event.schema }),
    ...input.definitions,
    ...output.definitions,
    ...event.definitions,
  };
  return { item, schemas };
};

const textAnswer = (operationId: string, summary: string, type: string): JsonObject => ({
  get: {
    operationId,
    tags: ["discovery"],
    summary,
    responses: { "200": { description: summary, content: { [type]: { schema: { type: "string" } } } } },
  },
});

const LISTED: JsonObject = {
  type: "array",
  items: {
    type: "object",
    properties: { id: { type: "string" }, summary: { type: "string" } },
    required: ["id", "summary"],
  },
};

const discovery = (): JsonObject => ({
  "/v1/manifest": textAnswer("manifest", "The whole system in under 1,000 tokens", "text/plain"),
  "/v1/operations": {
    get: {
      operationId: "operations",
      tags: ["discovery"],
      summary: "Every operation the caller may know",
      responses: { "200": { description: "Ids with one line each", content: okValue(LISTED) } },
    },
  },
  "/v1/operations/{id}": {
    get: {
      operationId: "describe",
      tags: ["discovery"],
      summary: "Everything about one operation",
      parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
      responses: {
        "200": { description: "Schemas, examples, effects, cost, failures", content: okValue({ type: "object" }) },
        ...failuresWith(["404"]),
      },
    },
  },
  "/v1/search": {
    get: {
      operationId: "search",
      tags: ["discovery"],
      summary: "Operations ranked for a query",
      parameters: [
        { name: "q", in: "query", required: true, schema: { type: "string" } },
        { name: "limit", in: "query", required: false, schema: { type: "integer", minimum: 1, maximum: 50 } },
      ],
      responses: {
        "200": { description: "Ids, best first", content: okValue({ type: "object" }) },
        ...failuresWith(["400"]),
      },
    },
  },
  "/llms.txt": textAnswer("llms", "What this server offers, for language models", "text/plain"),
  "/healthz": {
    get: {
      operationId: "health",
      tags: ["discovery"],
      summary: "Whether the server answers",
      security: [],
      responses: { "200": { description: "It does", content: jsonContent({ type: "object" }) } },
    },
  },
});

/** The OpenAPI 3.1 document of a server that offers these operations. */
export const openApiOf = (operations: ReadonlyArray<AnyOperation>, options: OpenApiOptions): Json => {
  const sorted = [...operations].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const projected = sorted.map((operation) => [operation.id, pathOf(operation)] as const);
  return {
    openapi: "3.1.0",
    info: {
      title: "RMI",
      version: options.version,
      summary: "A microkernel of typed operations for agents and people",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    servers: [{ url: options.url }],
    ...(options.secured ? { security: [{ token: [] }] } : {}),
    paths: {
      ...discovery(),
      ...Object.fromEntries(projected.map(([id, { item }]) => [`/v1/operations/${id}`, item])),
    },
    components: {
      schemas: {
        ...FAILURE.definitions,
        Failed: FAILED,
        ...Object.assign({}, ...projected.map(([, { schemas }]) => schemas)),
      },
      responses: FAILURE_RESPONSES,
      ...(options.secured ? { securitySchemes: { token: { type: "http", scheme: "bearer" } } } : {}),
    },
  };
};
