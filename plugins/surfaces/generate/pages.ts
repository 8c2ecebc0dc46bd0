/**
 * Pages: the reference pages, written from the declarations and the failure catalogues.
 *
 * Invariant: a pure function of the declarations; every failure's `docs` link leads to its heading.
 *
 * @module
 */
import {
  type AnyFailureDefinition,
  type AnyOperation,
  declarationJson,
  isJsonObject,
  type Json,
  namespaceOf,
  type Plugin,
} from "../../../kernel/mod.ts";
import { commandLine } from "../cli/command_line.ts";
import { PROGRAM } from "../cli/commands.ts";
import { type Grammar, grammarOf, type Parameter, valueName } from "../cli/grammar.ts";
import { verbOf } from "../cli/vocabulary.ts";

/** Longest JSON shown in an example, in characters. */
const MAX_EXAMPLE = 600;

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

const code = (text: string): string => `\`${text}\``;

const row = (cells: ReadonlyArray<string>): string => `| ${cells.map(cell).join(" | ")} |`;

const flagCells = (parameter: Parameter): ReadonlyArray<string> => [
  code(parameter.field),
  code(`--${parameter.flag}`),
  code(valueName(parameter.value)) + (parameter.repeated ? ", repeated" : ""),
  parameter.required ? "yes" : "",
  parameter.description,
];

const inputTable = ({ parameters }: Grammar): ReadonlyArray<string> =>
  parameters.length === 0 ? ["No input."] : [
    row(["Field", "Flag", "Value", "Required", "Meaning"]),
    "|---|---|---|---|---|",
    ...parameters.map((parameter) => row(flagCells(parameter))),
  ];

const failureLink = (failure: string): string => `[${code(failure)}](failures.md#${failure.toLowerCase()})`;

const shortJson = (value: Json): string => {
  const text = JSON.stringify(value);
  return text.length <= MAX_EXAMPLE ? text : `${text.slice(0, MAX_EXAMPLE)}…`;
};

const examplesOf = (declared: AnyOperation, grammar: Grammar): ReadonlyArray<string> => {
  const words = [PROGRAM, namespaceOf(declared.id), verbOf(declared.id)];
  return declared.examples.flatMap(({ title, given = [], input, output, failure }) => [
    ...title === undefined ? [] : [`${title[0].toUpperCase()}${title.slice(1)}:`, ""],
    "```sh",
    ...given.map((call) => `rmi call ${call.operation} '${shortJson(call.input)}'`),
    commandLine(words, grammar, input),
    ...failure === undefined ? [] : [`# fails with ${failure}`],
    ...output === undefined ? [] : [`# ${shortJson(output)}`],
    "```",
    "",
  ]);
};

const operationSection = (declared: AnyOperation): ReadonlyArray<string> => {
  const { effects, kinds, refined, cost, ...facts } = declarationJson(declared);
  const grammar = grammarOf(facts.input);
  const authority = [...effects, ...kinds];
  const compute = isJsonObject(cost) && typeof cost.compute === "string" ? cost.compute : "";
  return [
    `### ${declared.id}`,
    "",
    declared.summary,
    "",
    ...inputTable(grammar),
    "",
    `- Authority: ${authority.length === 0 ? "none (pure)" : authority.map(code).join(", ")}` +
    (refined ? "; a call may need less, depending on its input" : ""),
    `- Cost: ${compute}`,
    `- ${facts.idempotent ? "Idempotent" : "Not idempotent"}, ${facts.reversible ? "reversible" : "not reversible"}, ` +
    facts.stability + (declared.event === undefined ? "" : ", streams events"),
    ...facts.failures.length === 0
      ? []
      : [`- Failures: ${facts.failures.map((each) => failureLink(each.code)).join(", ")}`],
    "",
    ...examplesOf(declared, grammar),
  ];
};

const page = (lines: ReadonlyArray<string>): string => `${lines.join("\n").trimEnd()}\n`;

/** `docs/operations.md`. */
export const operationsPage = (plugins: ReadonlyArray<Plugin>, operations: ReadonlyArray<AnyOperation>): string =>
  page([
    "# Operations",
    "",
    "Every operation, from its declaration. `rmi <namespace> <verb> [flags]` for people, `rmi call <operation> '<json>'`",
    "for programs; both decode the same input. Written by `deno task docs`; do not edit.",
    "",
    ...plugins.flatMap(({ namespaces }) => namespaces).flatMap(({ name, summary, recipes = [] }) => {
      const own = operations.filter(({ id }) => namespaceOf(id) === name);
      return own.length === 0 ? [] : [
        `## ${name}`,
        "",
        `${summary[0].toUpperCase()}${summary.slice(1)}`,
        "",
        ...recipes.map(({ task, steps }) => `- To ${task}: ${steps.map(code).join(" → ")}`),
        ...recipes.length === 0 ? [] : [""],
        ...own.flatMap(operationSection),
      ];
    }),
  ]);

/** The failures of one room. */
export interface FailureCatalogue {
  /** Where the catalogue is. */
  readonly room: string;
  /** Its rows. */
  readonly rows: ReadonlyArray<AnyFailureDefinition>;
}

/** `docs/failures.md`. */
export const failuresPage = (catalogues: ReadonlyArray<FailureCatalogue>): string =>
  page([
    "# Failures",
    "",
    "Every expected error, by room. A failure carries its code, the path into the input, what was expected and found,",
    "and where it is known the fix: a sentence, and a JSON patch of the input or a command. Written by `deno task docs`.",
    "",
    ...catalogues.filter(({ rows }) => rows.length > 0).flatMap(({ room, rows }) => [
      `## ${room}`,
      "",
      ...[...rows].sort((a, b) => a.code < b.code ? -1 : 1).flatMap((each) => [
        `### ${each.code}`,
        "",
        `${each.doc} ${each.recoverable ? "Recoverable." : "Not recoverable."}`,
        "",
      ]),
    ]),
  ]);
