/**
 * Files: what was written, with identities, and who ran it or read it back.
 *
 * @module
 */
import type { CreateResult, ExportRecord } from "../../create/result.ts";
import { bytes, count, number, shortDigest } from "../format.ts";
import { type Content, joined } from "../markup.ts";
import { code, digest, lead, type Section, table, tag } from "./parts.ts";

const verified = ({ verified: found }: ExportRecord): Content =>
  "absent" in found ? joined(tag("not checked"), ` ${found.absent}`) : joined(
    found.otherAnswers === 0 ? tag("agrees", "good") : tag("differs", "bad"),
    ` ${found.by}: ${count(found.samples)} samples, ${count(found.otherAnswers)} answered otherwise, largest distance ${
      number(found.distance, 2)
    }`,
  );

/** A model's name, whichever version it has next. */
const nameOf = ([name = ""]: ReadonlyArray<string>): string => name.replace(/@\d+$/u, "");

/** What was written. */
export const filesSection = ({ exports, model, data }: CreateResult): Section => ({
  id: "files",
  title: "Files",
  content: [
    lead("The model is kept as ", digest(model.digest, shortDigest(model.digest)), ` (${model.names.join(", ")}).`),
    data.columns === undefined ? undefined : lead(
      "The files take columns that were made fit; the model itself takes rows as they are: ",
      code(`rmi neural predict ${nameOf(model.names)} --data '{"path":"new rows.csv"}'`),
    ),
    table(
      "Files",
      ["format", "file", { name: "size", numeric: true }, "identity", "checked by"],
      exports.map((one) => [
        one.format,
        code(one.file),
        bytes(one.bytes),
        digest(one.digest, shortDigest(one.digest)),
        verified(one),
      ]),
    ),
  ],
});
