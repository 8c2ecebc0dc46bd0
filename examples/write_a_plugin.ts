/**
 * A plugin of one operation, and a call of it: found by search, checked, refused with the fix where it is wrong. Run it
 * in a folder of your own:
 *
 *     deno run --allow-read=. --allow-write=. examples/write_a_plugin.ts
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { isFailure, rmi } from "@rmi/rmi";
import { implementation, operation, type Plugin } from "@rmi/rmi/plugin";

const Leap = operation("calendar.leap", {
  summary: "Say whether a year of the Gregorian calendar is a leap year.",
  input: { year: Schema.Int.check(Schema.isBetween({ minimum: 1583, maximum: 9999 })) },
  output: Schema.Struct({ leap: Schema.Boolean }),
  failures: [],
  effects: [],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable",
  examples: [{ input: { year: 2000 }, output: { leap: true } }],
});

const calendar: Plugin = {
  id: "calendar",
  version: "1.0.0",
  summary: "Knows the calendar.",
  provides: [],
  requires: [],
  effects: [],
  kinds: [],
  stability: "stable",
  namespaces: [{ name: "calendar", summary: "years and their days" }],
  operations: () => [Leap],
  load: () => ({
    default: implementation({
      operations: [Leap],
      requires: [],
      layer: Layer.empty,
      handlers: {
        "calendar.leap": ({ year }) =>
          Effect.succeed({ leap: year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) }),
      },
    }),
  }),
};

await using system = rmi({ workspace: Deno.cwd(), plugins: [calendar] });
const { hits } = await system.call("kernel.search", { query: "is it a leap year", limit: 1 }) as {
  hits: ReadonlyArray<{ id: string }>;
};
console.log(`found     ${hits[0].id}`);
for (const year of [1900, 2000, 2024]) console.log(year, await system.call("calendar.leap", { year }));
const refused = await system.call("calendar.leap", { year: 1500 }).catch((thrown) => thrown);
if (isFailure(refused)) console.log(`refused   ${refused.code}: ${refused.fix?.summary}`);
