/**
 * Ledger: the run's events, each bound to the one before by its hash.
 *
 * @module
 */
import type { CreateResult } from "../../create/result.ts";
import { count } from "../format.ts";
import { code, digest, lead, type Section, table, tag } from "./parts.ts";

/** Most events that are listed; the last ones. */
export const MAX_EVENTS = 200;

const HASH = 12;

/** What was written down. */
export const ledgerSection = ({ ledger }: CreateResult): Section => {
  const rows = ledger.rows.slice(-MAX_EVENTS);
  return {
    id: "ledger",
    title: "What the ledger says",
    content: [
      lead(
        ledger.verified ? tag("verified", "good") : tag("not verified", "bad"),
        ` The whole chain has ${count(ledger.head.count)} events and ends in `,
        digest(ledger.head.hash, ledger.head.hash.slice(0, HASH)),
        `; ${count(ledger.rows.length)} of them are this run's`,
        rows.length < ledger.rows.length ? `, the last ${count(rows.length)} are listed.` : ".",
        " Check it yourself: ",
        code("rmi ledger verify"),
      ),
      table(
        "Events",
        [{ name: "no.", numeric: true }, "when", "event", "by", "about", "hash"],
        rows.map(({ seq, at, type, actor, about, hash }) => [
          count(seq),
          at.replace("T", " ").replace(/\.\d+Z$/u, ""),
          code(type),
          actor,
          about,
          digest(hash, hash.slice(0, HASH)),
        ]),
      ),
    ],
  };
};
