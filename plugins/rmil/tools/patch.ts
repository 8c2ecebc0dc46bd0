/**
 * Patch: applying what `diff` found, and patches as JSON.
 *
 * Not a merge: a patch applies to the one program it was made from.
 * Invariant: the result has the digest that the patch promises, or nothing is answered but a failure.
 *
 * @module
 */
import { isDigest, isJsonObject, type Json, type JsonObject } from "../../../kernel/mod.ts";
import { fromAst, type NameOf, toAst } from "../ast.ts";
import type { Program } from "../codec/v1.ts";
import { type Expression, lit, MAX_DEPTH, Tag, withChildren } from "../expression.ts";
import { tooDeep } from "../failures.ts";
import { patchMisfit } from "./failures.ts";
import { Symbols } from "../symbols.ts";
import { NIL } from "../value.ts";
import { movedInto, renumbered } from "./canonical.ts";
import { MAX_DIFF_NODES, type Patch, type PatchEdit, type Path, type Template } from "./diff.ts";
import { boundedCount, namedDigest } from "./key.ts";
import { childrenOf, leastChildren, withStages } from "./stages.ts";

/** Most edits of a patch. */
export const MAX_EDITS = MAX_DIFF_NODES;

/** A path as text: `/0/2`. */
export const showPath = (path: Path): string => path.map((index) => `/${index}`).join("");

const misfit = (path: Path, reason: string) => patchMisfit({ reason, path: showPath(path) });

type Splice = PatchEdit & { readonly edit: "splice" };

/** Edits arranged along the tree that they edit. */
interface Site {
  readonly path: Path;
  replace?: Template;
  relabel?: Expression;
  readonly splices: Array<Splice>;
  readonly below: Map<number, Site>;
}

const newSite = (path: Path): Site => ({ path, splices: [], below: new Map() });

const arranged = (edits: ReadonlyArray<PatchEdit>): Site => {
  const top = newSite([]);
  for (const edit of edits) {
    let site = top;
    edit.path.forEach((index, depth) => {
      let next = site.below.get(index);
      if (next === undefined) site.below.set(index, next = newSite(edit.path.slice(0, depth + 1)));
      site = next;
    });
    if (edit.edit === "splice") {
      site.splices.push(edit);
      continue;
    }
    if (site[edit.edit] !== undefined) throw misfit(edit.path, `two edits ${edit.edit} the same node`);
    if (edit.edit === "replace") site.replace = edit.with;
    else site.relabel = edit.head;
  }
  return top;
};

class Application {
  #left = MAX_DIFF_NODES;

  constructor(readonly old: Expression) {}

  #at(path: Path): Expression {
    let node = this.old;
    for (const index of path) {
      const child = childrenOf(node)[index];
      if (child === undefined) throw misfit(path, "the program has nothing at this path to copy");
      node = child;
    }
    return node;
  }

  #build(template: Template): Expression {
    if ("copy" in template) {
      const part = this.#at(template.copy);
      this.#left -= boundedCount(part, "patch's result", Math.max(this.#left, 0));
      return part;
    }
    this.#left--;
    const parts = template.parts.map((part) => this.#build(part));
    checkCount(template.head, parts.length, []);
    return withStages(template.head, parts);
  }

  run(node: Expression, site: Site): Expression {
    if (site.replace !== undefined) {
      if (site.relabel !== undefined || site.splices.length > 0 || site.below.size > 0) {
        throw misfit(site.path, "one edit replaces what others change inside");
      }
      return this.#build(site.replace);
    }
    const children = [...childrenOf(node)];
    const changed = children.map((child, index) => {
      const below = site.below.get(index);
      return below === undefined ? child : this.run(child, below);
    });
    for (const index of site.below.keys()) {
      if (index >= children.length) throw misfit([...site.path, index], "the program has nothing at this path");
    }
    const head = site.relabel ?? node;
    if (head.tag !== node.tag) throw misfit(site.path, "a node keeps its kind when it is relabelled");
    const spliced = this.#spliced(changed, site);
    checkCount(head, spliced.length, site.path);
    return withStages(head, spliced);
  }

  #spliced(children: ReadonlyArray<Expression>, site: Site): ReadonlyArray<Expression> {
    if (site.splices.length === 0) return children;
    const result: Array<Expression> = [];
    let next = 0;
    for (const { at, remove, insert } of [...site.splices].sort((a, b) => a.at - b.at || a.remove - b.remove)) {
      if (at < next) throw misfit(site.path, "two edits remove the same child");
      if (at + remove > children.length) throw misfit(site.path, `there are ${children.length} children`);
      for (let index = at; index < at + remove; index++) {
        if (site.below.has(index)) throw misfit([...site.path, index], "one edit removes what another changes inside");
      }
      result.push(...children.slice(next, at), ...insert.map((template) => this.#build(template)));
      next = at + remove;
    }
    return [...result, ...children.slice(next)];
  }
}

/** Tags with a fixed number of children. */
const FIXED: { readonly [tag: number]: number } = {
  [Tag.Lit]: 0,
  [Tag.Ref]: 0,
  [Tag.Cond]: 3,
  [Tag.Let]: 2,
  [Tag.Lam]: 1,
};

const checkCount = (head: Expression, count: number, path: Path): void => {
  const fixed = FIXED[head.tag];
  if (fixed === undefined ? count < leastChildren(head.tag) : count !== fixed) {
    throw misfit(path, `a node of this kind cannot have ${count} children`);
  }
};

/** Applies a patch. Throws `RMIL_PATCH` where the program is not the one it was made from, or its edits do not fit. */
export const applyPatch = (patch: Patch, program: Program): Program => {
  boundedCount(program.root, "program", MAX_DIFF_NODES);
  const found = namedDigest(program);
  if (found !== patch.from) {
    throw patchMisfit({ reason: "it was made from another program", expected: patch.from, actual: found });
  }
  const symbols = new Symbols();
  for (const name of program.symbols.names) symbols.intern(name);
  const old = movedInto(symbols, program);
  const brought = (head: Expression): Expression => movedInto(symbols, { symbols: patch.symbols, root: head });
  const moved = (template: Template): Template =>
    "copy" in template ? template : { head: brought(bare(template.head)), parts: template.parts.map(moved) };
  const edits = patch.edits.map((edit): PatchEdit => {
    if (edit.edit === "replace") return { ...edit, with: moved(edit.with) };
    return edit.edit === "relabel"
      ? { ...edit, head: brought(bare(edit.head)) }
      : { ...edit, insert: edit.insert.map(moved) };
  });
  const result = { symbols, root: new Application(old).run(old, arranged(edits)) };
  const made = namedDigest(result);
  if (made !== patch.to) {
    throw patchMisfit({ reason: "its edits do not make what it promises", expected: patch.to, actual: made });
  }
  return result;
};

const NOTHING = lit(NIL);

/** The node over empty children: its head alone, cheap to move and to write. */
const bare = (node: Expression): Expression => withChildren(node, node.children.map(() => NOTHING));

// ---- JSON ----------------------------------------------------------------------------------------------------------

/** Members of a node's JSON form that hold single children, by tag. */
const MEMBERS: { readonly [tag: number]: ReadonlyArray<string> } = {
  [Tag.Cond]: ["pred", "yes", "no"],
  [Tag.Let]: ["val", "body"],
  [Tag.Lam]: ["body"],
};

/** Members that stand for children and are written as templates, not as programs. */
const CHILD_MEMBERS = ["pred", "yes", "no", "val", "body", "a", "b", "func", "args", "exprs"] as const;

const headJson = (node: Expression, nameOf: NameOf): JsonObject => {
  const json = toAst(bare(node), nameOf) as JsonObject;
  const children: ReadonlyArray<string> = node.tag === Tag.Lit ? [] : CHILD_MEMBERS;
  return Object.fromEntries(Object.entries(json).filter(([key]) => !children.includes(key)));
};

const templateJson = (template: Template, nameOf: NameOf): Json =>
  "copy" in template ? { copy: showPath(template.copy) } : {
    ...headJson(template.head, nameOf),
    ...(template.parts.length === 0 ? {} : { parts: template.parts.map((part) => templateJson(part, nameOf)) }),
  };

/** A patch as JSON: nodes as in the JSON form of programs, their children as `parts`, copies as `{ copy: path }`. */
export const patchToJson = (patch: Patch, nameOf: NameOf): Json => {
  // Names in the order in which the templates need them, and no others.
  const needed = new Symbols();
  const own = (head: Expression): Expression =>
    renumbered(bare(head), (symbol) => needed.intern(patch.symbols.nameOf(symbol) ?? ""));
  const inOwn = (template: Template): Template =>
    "copy" in template ? template : { head: own(template.head), parts: template.parts.map(inOwn) };
  const edits = patch.edits.map((edit): Json => {
    const path = showPath(edit.path);
    if (edit.edit === "replace") return { edit: edit.edit, path, with: templateJson(inOwn(edit.with), nameOf) };
    if (edit.edit === "relabel") return { edit: edit.edit, path, head: headJson(own(edit.head), nameOf) };
    const insert = edit.insert.map((template) => templateJson(inOwn(template), nameOf));
    return { edit: edit.edit, path, at: edit.at, remove: edit.remove, insert };
  });
  return { from: patch.from, to: patch.to, symbols: needed.names.slice(1), edits };
};

const malformed = (at: string, reason: string) => patchMisfit({ reason: `${reason} is expected`, path: at });

const pathAt = (json: Json | undefined, at: string): Path => {
  if (typeof json !== "string" || !/^(?:\/(?:0|[1-9]\d{0,8}))*$/u.test(json)) throw malformed(at, "a path like /0/2");
  const path = json.split("/").slice(1).map(Number);
  if (path.length > MAX_DEPTH) throw tooDeep({ what: "patch", limit: MAX_DEPTH, path: at });
  return path;
};

const countAt = (json: Json | undefined, at: string): number => {
  if (typeof json !== "number" || !Number.isSafeInteger(json) || json < 0) throw malformed(at, "a whole number");
  return json;
};

const listAt = (json: Json | undefined, at: string): ReadonlyArray<Json> => {
  if (!Array.isArray(json)) throw malformed(at, "a list");
  return json;
};

const NIL_JSON: Json = { k: "Lit", val: { k: "Nil" } };

/** Where a node's children stand in its JSON form when they are empty: what `fromAst` needs to read a head. */
const emptyChildren = (k: string, count: number): JsonObject => {
  const list = Array.from({ length: count }, () => NIL_JSON);
  if (k === "Seq" || k === "Par") return { a: NIL_JSON, b: NIL_JSON };
  if (k === "App") return { args: list };
  if (k === "Block") return { exprs: list };
  if (k === "Call") return { func: NIL_JSON, args: list.slice(1) };
  const members = MEMBERS[Tag[k as keyof typeof Tag]] ?? [];
  return Object.fromEntries(members.map((member) => [member, NIL_JSON]));
};

const headAt = (json: JsonObject, count: number, at: string): Expression => {
  if (typeof json.k !== "string" || !Object.hasOwn(Tag, json.k)) throw malformed(`${at}/k`, "a kind of expression");
  const { parts: _, ...head } = json;
  return fromAst({ ...head, ...emptyChildren(json.k, count) }, at);
};

const templateAt = (json: Json | undefined, at: string, depth = 1): Template => {
  if (depth > MAX_DEPTH) throw tooDeep({ what: "patch", limit: MAX_DEPTH, path: at });
  if (!isJsonObject(json)) throw malformed(at, "a template");
  if (json.copy !== undefined) return { copy: pathAt(json.copy, `${at}/copy`) };
  const parts = listAt(json.parts ?? [], `${at}/parts`);
  return {
    head: headAt(json, parts.length, at),
    parts: parts.map((part, index) => templateAt(part, `${at}/parts/${index}`, depth + 1)),
  };
};

const editAt = (json: Json, at: string): PatchEdit => {
  if (!isJsonObject(json)) throw malformed(at, "an edit");
  const path = pathAt(json.path, `${at}/path`);
  switch (json.edit) {
    case "replace":
      return { edit: "replace", path, with: templateAt(json.with, `${at}/with`) };
    case "relabel": {
      if (!isJsonObject(json.head)) throw malformed(`${at}/head`, "a node");
      return { edit: "relabel", path, head: headAt(json.head, 0, `${at}/head`) };
    }
    case "splice":
      return {
        edit: "splice",
        path,
        at: countAt(json.at, `${at}/at`),
        remove: countAt(json.remove, `${at}/remove`),
        insert: listAt(json.insert, `${at}/insert`).map((item, i) => templateAt(item, `${at}/insert/${i}`)),
      };
    default:
      throw malformed(`${at}/edit`, "replace, relabel or splice");
  }
};

/** Reads a patch; throws a failure that names the place. */
export const patchFromJson = (json: Json, at = ""): Patch => {
  if (!isJsonObject(json)) throw malformed(at, "a patch");
  const { from, to } = json;
  if (typeof from !== "string" || !isDigest(from)) throw malformed(`${at}/from`, "a digest");
  if (typeof to !== "string" || !isDigest(to)) throw malformed(`${at}/to`, "a digest");
  const names = listAt(json.symbols, `${at}/symbols`).map((name, index) => {
    if (typeof name !== "string") throw malformed(`${at}/symbols/${index}`, "a name");
    return name;
  });
  const edits = listAt(json.edits, `${at}/edits`);
  if (edits.length > MAX_EDITS) throw malformed(`${at}/edits`, `a list of at most ${MAX_EDITS} edits`);
  return { from, to, symbols: Symbols.of(names), edits: edits.map((edit, i) => editAt(edit, `${at}/edits/${i}`)) };
};
