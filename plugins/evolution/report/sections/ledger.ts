/**
 * Ledger: the run's events, each bound to the one before by its hash.
 *
 * @module
 */
import type { CreateResult } from "../../create/result.ts";
import { brief, count, shortDigest } from "../format.ts";
import { element, type Markup } from "../markup.ts";
import { code, digest, lead, more, type Section, table, tag } from "./parts.ts";

/** Most events that are listed; the last ones. */
export const MAX_EVENTS = 200;

/** Events that are shown without asking. */
const SHOWN = 8;

/** Characters of a day. */
const DAY = 10;

const timeOf = (at: string, withDay: boolean): string => {
  const [day, time = ""] = at.split("T");
  return `${withDay ? `${day} ` : ""}${time.replace(/\.\d+Z$/u, "").replace(/Z$/u, "")}`;
};

/** What was written down. */
export const ledgerSection = ({ ledger }: CreateResult): Section => {
  const rows = ledger.rows.slice(-MAX_EVENTS);
  const days = new Set(rows.map(({ at }) => at.slice(0, DAY)));
  const events = (name: string, listed: typeof rows): Markup =>
    table(
      name,
      [{ name: "no.", numeric: true }, "when", "event", "by", "about", "hash"],
      listed.map(({ seq, at, type, actor, about, hash }) => [
        count(seq),
        element("span", { class: "nowrap" }, timeOf(at, days.size > 1)),
        element("code", { class: "nowrap" }, type),
        actor,
        brief(about),
        digest(hash, shortDigest(hash)),
      ]),
    );
  return {
    id: "ledger",
    title: "What the ledger says",
    content: [
      lead(
        ledger.verified ? tag("verified", "good") : tag("not verified", "bad"),
        ` The whole chain has ${count(ledger.head.count)} events and ends in `,
        digest(ledger.head.hash, shortDigest(ledger.head.hash)),
        `; ${count(ledger.rows.length)} of them are this run's, on ${[...days].join(" and ")} UTC`,
        rows.length < ledger.rows.length ? `, the last ${count(rows.length)} are listed.` : ".",
        " Check it yourself: ",
        code("rmi ledger verify"),
      ),
      events("The last events", rows.slice(-SHOWN)),
      rows.length > SHOWN
        ? more(`All ${count(rows.length)} events that are listed`, events("Events", rows))
        : undefined,
    ],
  };
};
