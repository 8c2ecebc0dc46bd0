/**
 * Program: the winner as text, and every byte of it with what it says.
 *
 * @module
 */
import { isFailure } from "../../../../kernel/failure.ts";
import { anatomy, type BytePart } from "../../../rmil/library.ts";
import type { CreateResult } from "../../create/result.ts";
import { count, shortDigest } from "../format.ts";
import { type Content, element, whole } from "../markup.ts";
import { digest, lead, more, type Section, table } from "./parts.ts";

/** Most bytes that are shown one by one. */
export const MAX_SHOWN_BYTES = 2_048;

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

const INDENT = "\u2003";

const partsOf = (bytes: Uint8Array): ReadonlyArray<BytePart> => {
  try {
    return anatomy(bytes);
  } catch (thrown) {
    if (isFailure(thrown)) return [];
    throw thrown;
  }
};

const decoded = (bytes: Uint8Array): Content => {
  const parts = partsOf(bytes);
  if (parts.length === 0) return element("pre", {}, whole(hex(bytes)));
  return table(
    "Bytes of the program",
    ["at", "bytes", "says"],
    parts.map(({ at, length, depth, says }) => [
      String(at),
      element("code", {}, whole(hex(bytes.subarray(at, at + length)))),
      `${INDENT.repeat(depth)}${says}`,
    ]),
    "hex",
  );
};

/** What it is. */
export const programSection = ({ model }: CreateResult): Section => {
  const { text, base64, digest: identity } = model.program;
  const bytes = Uint8Array.fromBase64(base64);
  return {
    id: "program",
    title: `The program: ${count(bytes.length)} bytes`,
    content: [
      lead(
        "It is sent, checked and costed as these bytes; its identity is their digest, ",
        digest(identity, shortDigest(identity)),
        ".",
      ),
      element("pre", { tabindex: 0, "aria-label": "The program's text" }, whole(text)),
      bytes.length > MAX_SHOWN_BYTES
        ? lead(`Its ${count(bytes.length)} bytes are in the exported file.`)
        : more("Every byte, and what it says", decoded(bytes)),
    ],
  };
};
