/**
 * llms.txt: one Markdown page that tells a language model how to use this server.
 *
 * Not the manifest (that is under 1,000 tokens): this one also names every operation, grouped, with links.
 * Invariant: generated from what the reader may know, in a fixed order.
 *
 * @module
 */
import { type AnyOperation, namespaceOf } from "../../../kernel/operation.ts";
import type { Namespace } from "../../../kernel/plugin.ts";

/** What the page says besides the operations. */
export interface LlmsOptions {
  /** Version of the system. */
  readonly version: string;
  /** Address of the server, without a trailing slash. */
  readonly url: string;
}

const intro = ({ version, url }: LlmsOptions): ReadonlyArray<string> => [
  "# RMI",
  "",
  `> A microkernel of typed operations for agents and people, version ${version}. Find an operation, read about it,`,
  "> call it. A refused call says what to change, usually as a JSON Patch on its input.",
  "",
  "Call an operation: `POST /v1/operations/<id>` with its input as a JSON object. The answer is",
  '`{"ok":true,"value":…}` or `{"ok":false,"failure":{code,message,path,expected,actual,fix,suggestions}}`.',
  "Apply `failure.fix.patch` to the input and call again. `failure.fix.command` is for a person to run.",
  "For events and progress send `accept: text/event-stream` or `accept: application/x-ndjson`.",
  "",
  "## Discovery",
  "",
  `- [Manifest](${url}/v1/manifest): the whole system in under 1,000 tokens`,
  `- [Search](${url}/v1/search?q=): operations ranked for a query`,
  `- [Operations](${url}/v1/operations): every operation; \`/v1/operations/<id>\` describes one`,
  `- [OpenAPI 3.1](${url}/openapi.json): this API, machine-readable`,
  `- [Agent card](${url}/.well-known/agent-card.json): the same over A2A`,
  `- MCP (streamable HTTP): \`${url}/mcp\``,
];

/** The page for a reader who may know these operations. */
export const llmsOf = (
  operations: ReadonlyArray<AnyOperation>,
  namespaces: ReadonlyArray<Namespace>,
  options: LlmsOptions,
): string => {
  const groups = Map.groupBy(operations, (operation) => namespaceOf(operation.id));
  const summaries = new Map(namespaces.map((namespace) => [namespace.name, namespace.summary]));
  const sections = [...groups.keys()].sort().flatMap((name) => [
    "",
    `## ${name}`,
    "",
    ...(summaries.has(name) ? [summaries.get(name)!, ""] : []),
    ...[...groups.get(name)!].sort((a, b) => (a.id < b.id ? -1 : 1)).map((operation) =>
      `- [${operation.id}](${options.url}/v1/operations/${operation.id}): ${operation.summary}`
    ),
  ]);
  return [...intro(options), ...sections, ""].join("\n");
};
