/** What the runs that are killed are asked. */
import type { JsonObject } from "../../../../kernel/mod.ts";

/** Two spheres in twelve variables, one around 0 and one around 2, saved after every generation. */
export const asked = (workers: number): JsonObject => ({
  over: { reals: 12, lower: -4, upper: 4 },
  objective: {
    program: "(mul(identity, identity) >> reduce(add)) | (sub(2.0) >> mul(identity, identity) >> reduce(add))",
    constraints: "sub(-3.0, gather(identity, 0))",
  },
  population: 16,
  generations: 40,
  seed: 11,
  every: 1,
  workers,
  name: "spheres",
});
