/**
 * Platform frames: lines in and out of a process through its standard streams, measured while they arrive.
 *
 * Not a protocol (registry/protocol.ts says what a line means).
 * Invariant: no more than one line's limit is ever held; a longer line ends the stream.
 *
 * @module
 */
import process from "node:process";
import { StringDecoder } from "node:string_decoder";

/** Cuts chunks of bytes into lines; answers false when a line passed the limit, after which nothing more is taken. */
export const lineSplitter = (
  limit: number,
  take: (line: string) => void,
): (chunk: Uint8Array) => boolean => {
  const decoder = new StringDecoder("utf8");
  let parts: Array<string> = [];
  let held = 0;
  let broken = false;
  return (chunk) => {
    if (broken) return false;
    const pieces = decoder.write(chunk).split("\n");
    for (let index = 0; index < pieces.length; index++) {
      parts.push(pieces[index]);
      held += pieces[index].length;
      if (held > limit) {
        broken = true;
        parts = [];
        return false;
      }
      if (index < pieces.length - 1) {
        const line = parts.join("");
        parts = [];
        held = 0;
        take(line);
      }
    }
    return true;
  };
};

/** This process's own lines: `take` gets each line of standard input; the answer writes one to standard output. */
export const ownLines = (limit: number, take: (line: string) => void, ended: () => void): (line: string) => void => {
  const split = lineSplitter(limit, take);
  process.stdin.on("data", (chunk: Uint8Array) => void split(chunk));
  process.stdin.on("end", ended);
  return (line) => void process.stdout.write(`${line}\n`);
};
