/**
 * Body: what a subject consists of, its bytes in the store, and typed edits of it.
 *
 * Not whether an edit is good (trial.ts). Invariant: an edit gives a body of the same kind or a failure with its reason;
 * the same edit of the same body gives the same bytes.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { canonicalJson, type Json, type JsonObject } from "../../../kernel/json.ts";
import { isFailure } from "../../../kernel/failure.ts";
import { JsonValue } from "../../../kernel/mod.ts";
import { MAX_SOURCE_CHARS } from "../../../kernel/sandbox_limits.ts";
import {
  applyProgramPatch,
  canonical,
  decodeAny,
  editAtPath,
  encodeProgram,
  identity,
  movedInto,
  parse,
  programPatchFromJson,
  seq,
} from "../../rmil/library.ts";
import { unfitChange } from "../failures.ts";
import { checkedSpace, decodeSetting, type Setting, type Space } from "../search/space.ts";
import type { SubjectKind } from "./subject.ts";

/** What a subject consists of. */
export type Body =
  | { readonly kind: "program"; readonly bytes: Uint8Array }
  | { readonly kind: "module"; readonly text: string }
  | { readonly kind: "settings"; readonly values: Setting };

/** Media types of bodies in the store. */
export const BODY_MEDIA: { readonly [K in SubjectKind]: string } = {
  program: "application/x-rmil",
  module: "text/typescript",
  settings: "application/vnd.rmi.evolution.settings+json",
};

/** The bytes of a body. */
export const bodyBytes = (body: Body): Uint8Array => {
  if (body.kind === "program") return body.bytes;
  return new TextEncoder().encode(body.kind === "module" ? body.text : canonicalJson(body.values as Json));
};

/** The body of such bytes. */
export const bodyOf = (kind: SubjectKind, bytes: Uint8Array): Body => {
  if (kind === "program") return { kind, bytes };
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  return kind === "module" ? { kind, text } : { kind, values: JSON.parse(text) };
};

/** An edit of a subject. */
export type BodyEdit =
  /** A node of a program becomes another. */
  | { readonly kind: "replace"; readonly path: string; readonly with: string }
  /** A stage before or after a node of a program. */
  | { readonly kind: "insert"; readonly path: string; readonly stage: string; readonly at?: "before" | "after" }
  /** A node of a program becomes the identity. */
  | { readonly kind: "delete"; readonly path: string }
  /** A patch as `rmil.diff` makes them. */
  | { readonly kind: "patch"; readonly patch: Json }
  /** The whole text of a program or module. */
  | { readonly kind: "text"; readonly text: string }
  /** Some of the settings. */
  | { readonly kind: "set"; readonly values: JsonObject };

const Path = Schema.String.annotate({
  description: "place in the program, as rmil.check names it: /a/b/args/0; the whole: empty",
});
const Source = Schema.String.check(Schema.isMaxLength(MAX_SOURCE_CHARS));

/** Schema of {@link BodyEdit}. */
export const BodyEdit: Schema.Codec<BodyEdit> = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("replace"), path: Path, with: Source }),
  Schema.Struct({
    kind: Schema.Literal("insert"),
    path: Path,
    stage: Source,
    at: Schema.optionalKey(Schema.Literals(["before", "after"])),
  }),
  Schema.Struct({ kind: Schema.Literal("delete"), path: Path }),
  Schema.Struct({ kind: Schema.Literal("patch"), patch: JsonValue }),
  Schema.Struct({ kind: Schema.Literal("text"), text: Source }),
  Schema.Struct({ kind: Schema.Literal("set"), values: Schema.Record(Schema.String, JsonValue) }),
]) as unknown as Schema.Codec<BodyEdit>;

const refuse = (reason: string, path = "/edit"): never => {
  throw unfitChange({ what: "the subject", reason, path });
};

const misfit = (kind: SubjectKind, edit: BodyEdit): never =>
  refuse(`an edit "${edit.kind}" is not one of a ${kind}`, "/edit/kind");

type Spot = Extract<BodyEdit, { readonly path: string }>;

const editedProgram = (bytes: Uint8Array, edit: Spot): Uint8Array => {
  const { symbols, root } = decodeAny(bytes);
  const parsed = (text: string) => movedInto(symbols, parse(text));
  const made = editAtPath(root, edit.path, (node) => {
    if (edit.kind === "replace") return parsed(edit.with);
    if (edit.kind === "delete") return identity;
    return edit.at === "before" ? seq(parsed(edit.stage), node) : seq(node, parsed(edit.stage));
  });
  if (made === undefined) return refuse(`the program has no place ${edit.path || '""'}`, "/edit/path");
  return encodeProgram(canonical({ symbols, root: made }));
};

const edited = (body: Body, edit: BodyEdit, space: Space | undefined): Body => {
  switch (edit.kind) {
    case "text":
      if (body.kind === "settings") return misfit(body.kind, edit);
      return body.kind === "module"
        ? { kind: "module", text: edit.text }
        : { kind: "program", bytes: encodeProgram(canonical(parse(edit.text))) };
    case "set":
      if (body.kind !== "settings" || space === undefined) return misfit(body.kind, edit);
      return { kind: "settings", values: decodeSetting(space, { ...body.values, ...edit.values }) };
    case "patch": {
      if (body.kind !== "program") return misfit(body.kind, edit);
      const patch = programPatchFromJson(edit.patch, "/edit/patch");
      return { kind: "program", bytes: encodeProgram(canonical(applyProgramPatch(patch, decodeAny(body.bytes)))) };
    }
    default:
      return body.kind === "program"
        ? { kind: "program", bytes: editedProgram(body.bytes, edit) }
        : misfit(body.kind, edit);
  }
};

/** Throws EVOLUTION_CHANGE with the reason of whatever room found it. */
const explained = <A>(path: string, make: () => A): A => {
  try {
    return make();
  } catch (thrown) {
    if (!isFailure(thrown) || thrown.code === "EVOLUTION_CHANGE") throw thrown;
    throw unfitChange({ what: "the subject", reason: thrown.message, path });
  }
};

/** The body after an edit; throws EVOLUTION_CHANGE. */
export const editBody = (body: Body, edit: BodyEdit, space?: Json): Body =>
  explained("/edit", () => {
    const made = edited(body, edit, space === undefined ? undefined : checkedSpace(space as unknown as Space));
    const [before, after] = [bodyBytes(body), bodyBytes(made)];
    const same = before.length === after.length && before.every((byte, index) => byte === after[index]);
    return same ? refuse("the edit changes nothing") : made;
  });

/** A first body as it was given; throws EVOLUTION_CHANGE. */
export const settingsBody = (values: Json, space: Json): Body =>
  explained("/settings", () => ({
    kind: "settings",
    values: decodeSetting(checkedSpace(space as unknown as Space), values),
  }));
