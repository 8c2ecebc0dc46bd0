/**
 * Let programs evolve until one explains the data: how far a thing falls, from measurements with errors. The run is kept,
 * so the same call goes on where it stopped. Run it in a folder of your own:
 *
 *     deno run --allow-read --allow-write=. examples/evolve_a_formula.ts
 */
import { rmi } from "@rmi/rmi";

const seconds = Array.from({ length: 60 }, (_, i) => i / 10);
const errors = seconds.map((_, i) => 0.02 * Math.sin(i * 12.9898));
const metres = seconds.map((t, i) => 4.905 * t * t + errors[i]);

await using system = rmi({ workspace: Deno.cwd() });
const found = await system.call("evolution.discover", {
  data: { columns: { seconds, metres } },
  target: "metres",
  operators: ["add", "sub", "mul"],
  budget: { epochs: 2, work: 10_000_000 },
  seed: 1,
}) as { formula: { chosen: { formula: string; program: string; size: number; heldOut: number } }; tried: number };

const { formula, program, size, heldOut } = found.formula.chosen;
console.log(`tried     ${found.tried} formulas`);
console.log(`formula   metres = ${formula}`);
console.log(`program   ${program} (${size} nodes)`);
console.log(`held out  ${(heldOut * 100).toPrecision(1)} % of the variance is left on points it never saw`);
