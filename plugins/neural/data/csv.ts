/**
 * CSV: records of comma-separated text (RFC 4180), read in parts as they come.
 *
 * Our own rather than a package's: it runs in browsers, takes parts of any size, bounds every field, and names the row
 * and the column of whatever is wrong. A line ends with LF, CRLF or CR; empty lines are passed over.
 * Invariant: how the text is cut into parts makes no difference.
 *
 * @module
 */
import { dataLimit, malformedData } from "../failures.ts";

/** Most characters of a field. */
export const MAX_FIELD = 1_048_576;

/** Most fields of a record. */
export const MAX_FIELDS = 16_384;

/** What may stand between fields, the likeliest first. */
export const DELIMITERS = [",", ";", "\t", "|"] as const;

const QUOTE = 34;
const LF = 10;
const CR = 13;

enum Place {
  Start,
  Plain,
  Quoted,
  Closed,
}

/** The delimiter of a text: the one that the first line has most of, outside quotes. */
export const delimiterOf = (text: string): string => {
  const counts = new Map<string, number>(DELIMITERS.map((delimiter) => [delimiter, 0]));
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    else if (!quoted && (character === "\n" || character === "\r")) break;
    else if (!quoted && counts.has(character)) counts.set(character, counts.get(character)! + 1);
  }
  return [...counts].reduce((best, one) => one[1] > best[1] ? one : best)[0];
};

/** Reads records from bytes that come in parts. */
export class CsvReader {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #delimiter: number;
  #place: Place = Place.Start;
  #record: Array<string> = [];
  /** What of the field lies in earlier parts, or before a doubled quote. */
  #held = "";
  #afterReturn = false;
  #row = 1;
  #quoted = false;

  /** A reader of fields that this character separates. */
  constructor(delimiter: string) {
    if (delimiter.length !== 1 || /["\r\n]/u.test(delimiter)) {
      throw malformedData({
        format: "CSV",
        at: "its delimiter",
        reason: "it is one character, no quote and no line end",
      });
    }
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /** The records that a part completes. */
  push(bytes: Uint8Array): ReadonlyArray<ReadonlyArray<string>> {
    return this.#take(this.#decode(bytes, true));
  }

  /** The last record, where the text does not end with a line end. */
  end(): ReadonlyArray<ReadonlyArray<string>> {
    const records = [...this.#take(this.#decode(new Uint8Array(), false))];
    if (this.#place === Place.Quoted) throw this.#refuse("a quoted field is not closed");
    this.#endRecord(records);
    return records;
  }

  #decode(bytes: Uint8Array, stream: boolean): string {
    // UTF-16, and every binary format, has zero bytes; text has none.
    if (bytes.includes(0)) throw this.#refuse("it holds a zero byte: it is binary, or not UTF-8");
    try {
      return this.#decoder.decode(bytes, { stream });
    } catch {
      throw this.#refuse("it is not UTF-8");
    }
  }

  #refuse(reason: string) {
    return malformedData({ format: "CSV", at: `row ${this.#row}, column ${this.#record.length + 1}`, reason });
  }

  #endField(rest: string): void {
    const field = this.#held + rest;
    if (field.length > MAX_FIELD) {
      throw dataLimit({ what: `the field in row ${this.#row}`, limit: MAX_FIELD, found: field.length });
    }
    if (this.#record.length >= MAX_FIELDS) {
      throw dataLimit({ what: `the record in row ${this.#row}`, limit: MAX_FIELDS, found: this.#record.length + 1 });
    }
    this.#record.push(field);
    this.#held = "";
    this.#place = Place.Start;
  }

  #endRecord(into: Array<ReadonlyArray<string>>): void {
    const empty = this.#record.length === 0 && this.#held === "" && !this.#quoted;
    if (!empty) {
      this.#endField("");
      into.push(this.#record);
    }
    this.#record = [];
    this.#quoted = false;
    this.#place = Place.Start;
  }

  #hold(text: string): void {
    if (this.#held.length + text.length > MAX_FIELD) {
      throw dataLimit({
        what: `the field in row ${this.#row}`,
        limit: MAX_FIELD,
        found: this.#held.length + text.length,
      });
    }
    this.#held += text;
  }

  #take(text: string): ReadonlyArray<ReadonlyArray<string>> {
    const records: Array<ReadonlyArray<string>> = [];
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (this.#place === Place.Quoted) {
        if (code !== QUOTE) continue;
        this.#hold(text.slice(from, at));
        this.#place = Place.Closed;
        from = at + 1;
        continue;
      }
      const pending = this.#afterReturn;
      this.#afterReturn = false;
      if (pending && code === LF) {
        from = at + 1;
        continue;
      }
      if (this.#place === Place.Closed && code === QUOTE) {
        // A doubled quote is one quote of the text: it begins what is held next.
        this.#place = Place.Quoted;
        from = at;
        continue;
      }
      if (code === this.#delimiter || code === LF || code === CR) {
        this.#hold(text.slice(from, at));
        from = at + 1;
        if (code === this.#delimiter) this.#endField("");
        else {
          this.#endRecord(records);
          this.#row++;
          this.#afterReturn = code === CR;
        }
      } else if (this.#place === Place.Closed) throw this.#refuse("a quoted field goes on after its quote");
      else if (code === QUOTE) {
        if (this.#place !== Place.Start) throw this.#refuse("a quote stands in a field that does not begin with one");
        this.#place = Place.Quoted;
        this.#quoted = true;
        from = at + 1;
      } else this.#place = Place.Plain;
    }
    this.#hold(text.slice(from));
    return records;
  }
}
