/**
 * Card: the A2A agent card, one skill a namespace.
 *
 * Not a source of authority: a card says what may be asked, the gate decides about every call.
 * Invariant: only what the card's reader may know appears in it.
 *
 * @module
 */
import type { Json } from "../../../kernel/json.ts";
import { type AnyOperation, namespaceOf } from "../../../kernel/operation.ts";
import type { Namespace } from "../../../kernel/plugin.ts";

/** What the card says besides the skills. */
export interface CardOptions {
  /** Version of the system. */
  readonly version: string;
  /** Address of the A2A endpoint. */
  readonly url: string;
  /** Whether requests need an access token. */
  readonly secured: boolean;
}

/** Versions of the A2A protocol that the endpoint speaks, the preferred one first. */
export const A2A_VERSIONS = ["1.0", "0.3"] as const;

/** Examples shown for a skill. */
const EXAMPLES_OF_SKILL = 3;

const MODES = ["application/json", "text/plain"];

const skillOf = (name: string, summary: string, operations: ReadonlyArray<AnyOperation>): Json => ({
  id: name,
  name,
  description: [summary, ...operations.map((operation) => `${operation.id}: ${operation.summary}`)].join("\n"),
  tags: [name, ...operations.map((operation) => operation.id)],
  examples: operations.slice(0, EXAMPLES_OF_SKILL).map((operation) =>
    JSON.stringify({ operation: operation.id, input: operation.examples[0]?.input ?? {} })
  ),
  inputModes: MODES,
  outputModes: MODES,
});

/** The agent card for a reader who may know these operations. */
export const cardOf = (
  operations: ReadonlyArray<AnyOperation>,
  namespaces: ReadonlyArray<Namespace>,
  options: CardOptions,
): Json => {
  const sorted = [...operations].sort((a, b) => (a.id < b.id ? -1 : 1));
  const groups = Map.groupBy(sorted, (operation) => namespaceOf(operation.id));
  const summaries = new Map(namespaces.map((namespace) => [namespace.name, namespace.summary]));
  const skills = [...groups.keys()].sort().map((name) => skillOf(name, summaries.get(name) ?? name, groups.get(name)!));
  return {
    name: "RMI",
    description: "A microkernel of typed operations. Send a data part {operation, input} to call one, " +
      "or a text part to search for one.",
    version: options.version,
    // Members of both protocol generations: readers of 1.0 take the list, readers of 0.3 the single address.
    supportedInterfaces: A2A_VERSIONS.map((protocolVersion) => ({
      url: options.url,
      protocolBinding: "JSONRPC",
      tenant: "",
      protocolVersion,
    })),
    url: options.url,
    preferredTransport: "JSONRPC",
    protocolVersion: "0.3.0",
    capabilities: { streaming: true, pushNotifications: false, extensions: [], extendedAgentCard: false },
    ...(options.secured
      ? {
        securitySchemes: { token: { httpAuthSecurityScheme: { description: "", scheme: "bearer", bearerFormat: "" } } },
        securityRequirements: [{ schemes: { token: { list: [] } } }],
      }
      : { securitySchemes: {}, securityRequirements: [] }),
    defaultInputModes: MODES,
    defaultOutputModes: MODES,
    skills,
    signatures: [],
  };
};
