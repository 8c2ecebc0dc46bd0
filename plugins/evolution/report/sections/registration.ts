/**
 * Registration: by whom the model was admitted, within which bounds, on what evidence, and how its promotion is undone.
 *
 * @module
 */
import type { CreateResult } from "../../create/result.ts";
import { shortDigest } from "../format.ts";
import { type Content, element, joined } from "../markup.ts";
import { digest, lead, pairs, type Section, table, tag } from "./parts.ts";

const RESULTS: { readonly [result: string]: "good" | "bad" } = { pass: "good", fail: "bad" };

/** Whether the last stand of the document is one that was there before. */
const restored = ({ rollback }: CreateResult): boolean => {
  const last = rollback.at(-1);
  return last !== undefined && rollback.slice(0, -1).some(({ document }) => document === last.document);
};

/** How it was admitted. */
export const registrationSection = (result: CreateResult): Section => {
  const { registration, rollback } = result;
  const back: Content = rollback.length < 2
    ? undefined
    : restored(result)
    ? joined(tag("identical", "good"), " The last state has the identity of the one before the promotion.")
    : joined(tag("differs", "bad"), " The last state is none of those before it.");
  return {
    id: "registration",
    title: "Registration, and the way back",
    content: [
      pairs([
        [
          "proposal",
          registration.proposal === undefined
            ? registration.summary
            : joined(digest(registration.proposal, shortDigest(registration.proposal)), ` ${registration.summary}`),
        ],
        ["domain", registration.domain],
        ["state", registration.state],
        ["approved by", registration.by],
        ["within", registration.within],
      ]),
      table(
        "Evidence",
        ["evidence", "by", "result", "found"],
        registration.evidence.map(({ source, by, result: found, summary }) => [
          source,
          by,
          tag(found, RESULTS[found] ?? "soft"),
          summary,
        ]),
      ),
      rollback.length === 0 ? undefined : element("h3", {}, "Promoted, then undone"),
      element(
        "ol",
        { class: "trail" },
        ...rollback.map(({ did, model, document }) =>
          element(
            "li",
            {},
            element("strong", {}, did),
            element("br"),
            "in service: ",
            model === undefined ? "none" : digest(model, shortDigest(model)),
            " · state ",
            digest(document, shortDigest(document)),
          )
        ),
      ),
      back === undefined ? undefined : lead(back),
    ],
  };
};
