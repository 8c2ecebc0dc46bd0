/**
 * Features: what an editor asks of a text: faults, explanations, completions, places of names, and edits.
 *
 * Not the protocol's session (server.ts).
 * Invariant: an edit offered here keeps the meaning of a program without faults; what cannot be kept is refused with
 * the reason.
 *
 * @module
 */
import { print, printType } from "../../syntax/printer.ts";
import { KEYWORDS, showName } from "../../syntax/lexer.ts";
import { applyEdit, type Diagnostic, type Span, type TextEdit } from "../../syntax/diagnostics.ts";
import { Tag } from "../../expression.ts";
import { isOpName, OP_NAMES, opNamed } from "../../opcodes.ts";
import { OP_EFFECTS, OPERAND_KINDS, type OpRow } from "../../ops/row.ts";
import { alphaEqual } from "../canonical.ts";
import { analyse, type Analysis, type Binding, bindingAt, nameAt, visibleAt } from "./analysis.ts";
import type { Range } from "./positions.ts";

/** Severity numbers of the protocol. */
const SEVERITY = { error: 1, warning: 2 } as const;

/** Kinds of completion items and of symbols, by the protocol's numbers. */
const ITEM = { function: 3, variable: 6, property: 10, keyword: 14 } as const;
const SYMBOL = { function: 12, variable: 13 } as const;

/** Longest excerpt of a program in an explanation. */
const MAX_EXCERPT = 400;

/** What a check knows of a program, in lines for a person; nothing where it knows nothing. */
export type Explain = (analysis: Analysis) => ReadonlyArray<string>;

/** A fault as the protocol spells it. */
export interface LspDiagnostic {
  /** Where. */
  readonly range: Range;
  /** 1 for errors, 2 for warnings. */
  readonly severity: number;
  /** Stable code. */
  readonly code: string;
  /** Who says so. */
  readonly source: "rmil";
  /** What is wrong. */
  readonly message: string;
}

/** An edit as the protocol spells it. */
export interface LspEdit {
  /** What is replaced. */
  readonly range: Range;
  /** What stands there then. */
  readonly newText: string;
}

const lspDiagnostic = ({ lines }: Analysis, { span, severity, failure }: Diagnostic): LspDiagnostic => ({
  range: lines.range(span),
  severity: SEVERITY[severity],
  code: failure.code,
  source: "rmil",
  message: failure.fix === undefined ? failure.message : `${failure.message}. ${failure.fix.summary}`,
});

/** Faults of a text: those of its form, and where it has none, those that the check finds. */
export const diagnosticsOf = (
  analysis: Analysis,
  judged: ReadonlyArray<Diagnostic>,
): ReadonlyArray<LspDiagnostic> =>
  [...analysis.parsed.diagnostics, ...(analysis.parsed.ok ? judged : [])].map((each) => lspDiagnostic(analysis, each));

/** An edit that mends, and what it does. */
export interface Mending {
  /** What it does, in one sentence. */
  readonly title: string;
  /** The edit. */
  readonly edit: TextEdit;
}

/** A mending as the protocol spells it, with the faults it is for. */
export interface QuickFix {
  /** What it does. */
  readonly title: string;
  /** The faults it mends. */
  readonly diagnostics: ReadonlyArray<LspDiagnostic>;
  /** The edit. */
  readonly edit: LspEdit;
  /** Whether it is the one to take where several are offered. */
  readonly isPreferred: boolean;
}

/** Who mends faults of meaning. */
export interface Mender {
  /** The edit that mends one of several faults. */
  readonly mend: (analysis: Analysis, fault: Diagnostic, all: ReadonlyArray<Diagnostic>) => Mending | undefined;
  /** The edit that mends all of them. */
  readonly mendAll: (analysis: Analysis, all: ReadonlyArray<Diagnostic>) => Mending | undefined;
}

const ownMending = ({ edit, failure }: Diagnostic): Mending | undefined =>
  edit === undefined ? undefined : { title: failure.fix?.summary ?? `Write ${edit.text}`, edit };

/** Edits that mend faults within a range, and the one that mends all there are. */
export const quickFixes = (
  analysis: Analysis,
  judged: ReadonlyArray<Diagnostic>,
  { start, end }: Span,
  mender: Mender,
): ReadonlyArray<QuickFix> => {
  const touches = ({ span }: Diagnostic): boolean => span.start <= end && start <= span.end;
  const spelled = (mending: Mending | undefined, faults: ReadonlyArray<Diagnostic>): ReadonlyArray<QuickFix> =>
    mending === undefined ? [] : [{
      title: mending.title,
      diagnostics: faults.map((fault) => lspDiagnostic(analysis, fault)),
      edit: { range: analysis.lines.range(mending.edit), newText: mending.edit.text },
      isPreferred: faults.length === 1,
    }];
  const near = judged.filter(touches);
  return [
    ...analysis.parsed.diagnostics.filter(touches).flatMap((fault) => spelled(ownMending(fault), [fault])),
    ...near.flatMap((fault) => spelled(mender.mend(analysis, fault, judged), [fault])),
    ...near.length === 0 || judged.length < 2 ? [] : spelled(mender.mendAll(analysis, judged), judged),
  ];
};

const clipped = (text: string): string => text.length <= MAX_EXCERPT ? text : `${text.slice(0, MAX_EXCERPT)}…`;

const code = (text: string): string => `\`\`\`rmil\n${clipped(text)}\n\`\`\``;

/** `linear(x, width, bias: …)`: how an op is written. */
export const signatureOf = ({ name, operands, attributes, result }: OpRow): string => {
  const places = operands.map(({ name: place, optional, repeats }) =>
    `${place}${repeats ? "…" : ""}${optional ? "?" : ""}`
  );
  const named = attributes.map(({ name: attribute, default: value }) =>
    value === undefined ? attribute : `${attribute} = ${String(value)}`
  );
  const all = [...places, ...named];
  return `${name}${all.length === 0 ? "" : `(${all.join(", ")})`} : ${result}`;
};

const opHover = (row: OpRow): ReadonlyArray<string> => [
  code(signatureOf(row)),
  row.doc,
  ...row.operands.map(({ name, takes }) => `- \`${name}\`: ${OPERAND_KINDS[takes]}`),
  ...row.attributes.map(({ name, doc }) => `- \`${name}\`: ${doc}`),
  `Effect: ${row.effect} (${OP_EFFECTS[row.effect].doc}). ${
    row.parameters.length === 0 ? "No parameters" : `Parameters: ${row.parameters.map(({ name }) => name).join(", ")}`
  }. ${row.differentiable ? "Differentiable" : "Not differentiable"}.`,
];

const bindingHover = ({ parsed }: Analysis, { name, node, position }: Binding): ReadonlyArray<string> =>
  node.tag === Tag.Let
    ? [code(`let ${showName(name)} = ${print(node.children[0], parsed.symbols)}`)]
    : [code(`${showName(name)}: ${printType(node.parameters[position].type)}`), "Parameter."];

/** Explanations of words and marks that are no names. */
const MARKS: { readonly [mark: string]: string } = {
  ">>": "`a >> b`: the output of a is the input of b.",
  "|": "`a | b`: both get the same input; the results are paired.",
  "->": "`\\(name: type) -> body`: a function.",
  let: "`let name = bound in body`: names a value, or a function that may call itself.",
  in: "`let name = bound in body`: the body sees the name.",
  if: "`if predicate then a else b`: the branch that is not taken never runs.",
  then: "`if predicate then a else b`: what is taken where the predicate is true.",
  else: "`if predicate then a else b`: what is taken where the predicate is false.",
  nil: "The absent value.",
  true: "A boolean.",
  false: "A boolean.",
};

const WORD = />>|->|\||[A-Za-z_]\w*/gu;

const wordAt = (source: string, offset: number): (Span & { readonly text: string }) | undefined => {
  // A word cannot be longer than what is looked at here and still be a mark or a keyword.
  const from = Math.max(0, offset - 8);
  for (const { 0: text, index } of source.slice(from, offset + 8).matchAll(WORD)) {
    const start = from + index;
    if (start <= offset && offset < start + text.length) return { text, start, end: start + text.length };
  }
  return undefined;
};

const attributeHover = (analysis: Analysis, name: string, offset: number): ReadonlyArray<string> => {
  const row = enclosingOp(analysis.source, offset);
  const attribute = row?.attributes.find((each) => each.name === name);
  return attribute === undefined ? [] : [code(`${row!.name}(${name}: …)`), attribute.doc];
};

/** The explanation of what stands at an offset. */
export const hoverAt = (
  analysis: Analysis,
  offset: number,
  explain: Explain,
): { readonly contents: { readonly kind: "markdown"; readonly value: string }; readonly range: Range } | null => {
  const use = nameAt(analysis, offset);
  const answer = (parts: ReadonlyArray<string>, span: Span) =>
    parts.length === 0 ? null : {
      contents: { kind: "markdown" as const, value: parts.join("\n\n") },
      range: analysis.lines.range(span),
    };
  if (use?.role === "op") return answer([...opHover(opNamed(use.name)!), ...explain(analysis)], use);
  if (use?.role === "attribute") return answer(attributeHover(analysis, use.name, use.start), use);
  if (use !== undefined) {
    const binding = bindingAt(analysis, use);
    const own = binding === undefined
      ? [code(showName(use.name)), use.role === "symbol" ? "A symbol." : "Not bound here: an input or a host function."]
      : bindingHover(analysis, binding);
    return answer([...own, ...explain(analysis)], use);
  }
  const word = wordAt(analysis.source, offset);
  if (word === undefined || !Object.hasOwn(MARKS, word.text)) return null;
  return answer([MARKS[word.text], ...explain(analysis)], word);
};

/** How far back the op around a place is looked for. */
const MAX_LOOKBACK = 4096;

/** The op whose brackets are open at an offset. */
export const enclosingOp = (source: string, offset: number): OpRow | undefined => {
  let depth = 0;
  const least = Math.max(0, offset - MAX_LOOKBACK);
  for (let at = offset - 1; at >= least; at--) {
    if (source[at] === ")") depth++;
    if (source[at] !== "(" || depth-- > 0) continue;
    const name = /[A-Za-z_]\w*$/u.exec(source.slice(Math.max(0, at - 64), at))?.[0];
    return name === undefined ? undefined : opNamed(name);
  }
  return undefined;
};

/** One completion. */
export interface Completion {
  /** The word. */
  readonly label: string;
  /** The protocol's kind. */
  readonly kind: number;
  /** One line about it. */
  readonly detail: string;
  /** What is inserted, where it is not the word. */
  readonly insertText?: string;
  /** What comes first. */
  readonly sortText: string;
}

/** Words that can stand at an offset: names in scope, attributes of the op around it, ops and keywords. */
export const completionsAt = (analysis: Analysis, offset: number): ReadonlyArray<Completion> => {
  const { source } = analysis;
  const start = offset - (/[A-Za-z_]\w*$/u.exec(source.slice(Math.max(0, offset - 128), offset))?.[0].length ?? 0);
  const before = source.slice(Math.max(0, start - 64), start);
  // A new name follows: nothing that exists can stand there.
  if (/\blet\s+$/u.test(before) || /#$/u.test(before) || /\/\/[^\n]*$/u.test(before)) return [];
  const names = visibleAt(analysis, start).map(({ name, node }): Completion => ({
    label: name,
    kind: node.tag === Tag.Let && node.children[0].tag === Tag.Lam ? ITEM.function : ITEM.variable,
    detail: node.tag === Tag.Let ? "let" : "parameter",
    insertText: isOpName(name) && !before.endsWith("$") ? `$${name}` : showName(name),
    sortText: `0${name}`,
  }));
  if (before.endsWith("$")) return names;
  const attributes = (enclosingOp(source, start)?.attributes ?? []).map(({ name, doc }): Completion => ({
    label: name,
    kind: ITEM.property,
    detail: doc,
    insertText: `${name}: `,
    sortText: `1${name}`,
  }));
  const ops = OP_NAMES.map((name): Completion => ({
    label: name,
    kind: ITEM.function,
    detail: opNamed(name)!.doc,
    sortText: `2${name}`,
  }));
  const keywords = [...KEYWORDS].map((label): Completion => ({
    label,
    kind: ITEM.keyword,
    detail: "keyword",
    sortText: `3${label}`,
  }));
  return [...names, ...attributes, ...ops, ...keywords];
};

/** The binder and the uses of the name at an offset; free names have uses alone. */
export const placesAt = (
  analysis: Analysis,
  offset: number,
): { readonly name: string; readonly binder: Span | undefined; readonly uses: ReadonlyArray<Span> } | undefined => {
  const use = nameAt(analysis, offset);
  if (use === undefined || use.role === "op" || use.role === "attribute" || use.role === "symbol") return undefined;
  const binding = bindingAt(analysis, use);
  if (binding !== undefined) return { name: binding.name, binder: binding.span, uses: binding.uses };
  return { name: use.name, binder: undefined, uses: analysis.free.get(use.name) ?? [] };
};

/** Longest new name. */
export const MAX_NAME_LENGTH = 1024;

/** Edits that rename what a name at an offset binds, or why it cannot be renamed. */
export const renameAt = (
  analysis: Analysis,
  offset: number,
  newName: string,
): { readonly edits: ReadonlyArray<LspEdit> } | { readonly refused: string } => {
  const places = placesAt(analysis, offset);
  if (places?.binder === undefined) return { refused: "No name that this program binds stands here" };
  if (newName === "" || newName.length > MAX_NAME_LENGTH || !newName.isWellFormed()) {
    return { refused: `A name has 1 to ${MAX_NAME_LENGTH} characters` };
  }
  if (!analysis.parsed.ok) return { refused: "The text has errors; mend them first" };
  const { source, parsed } = analysis;
  const written = showName(newName);
  const edits = [places.binder, ...places.uses].toSorted((a, b) => b.start - a.start).map((span) => {
    // An op's name is read as the op unless `$` says that it is a name.
    const isUse = span.start !== places.binder!.start;
    const text = isUse && isOpName(newName) && source[span.start - 1] !== "$" ? `$${written}` : written;
    return { start: span.start, end: span.end, text };
  });
  const renamed = analyse(edits.reduce(applyEdit, source));
  const kept = renamed.parsed.ok && alphaEqual(parsed, renamed.parsed);
  if (!kept) return { refused: `"${newName}" means something else here already` };
  return { edits: edits.toReversed().map((edit) => ({ range: analysis.lines.range(edit), newText: edit.text })) };
};

/** Names that a text binds by `let`, for an outline. */
export const outlineOf = (
  { bindings, lines, parsed }: Analysis,
): ReadonlyArray<{
  readonly name: string;
  readonly kind: number;
  readonly range: Range;
  readonly selectionRange: Range;
}> =>
  bindings.filter(({ node }) => node.tag === Tag.Let).map(({ name, node, span }) => ({
    name: name === "" ? "``" : name,
    kind: node.children[0].tag === Tag.Lam ? SYMBOL.function : SYMBOL.variable,
    range: lines.range(parsed.spans.get(node) ?? span),
    selectionRange: lines.range(span),
  }));
