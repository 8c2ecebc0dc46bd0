/**
 * A process that appends to a ledger: `<folder> <name> <appends> <events each>`. It prints the number of each append
 * when the ledger acknowledged it, so that its parent knows what may not be lost.
 */
import * as Effect from "effect/Effect";
import { numbered, withLedger } from "./ledger_fixtures.ts";

const [folder, name, appends, each] = Deno.args;

await withLedger(folder, (ledger) =>
  Effect.gen(function* () {
    for (let n = 1; n <= Number(appends); n++) {
      const events = Array.from(
        { length: Number(each) },
        () => ({ ...numbered(n, name.repeat(40)), actor: `agent:${name}` }),
      );
      const { first } = yield* ledger.append(events);
      Deno.stdout.writeSync(new TextEncoder().encode(`${n} ${first}\n`));
    }
  }));
