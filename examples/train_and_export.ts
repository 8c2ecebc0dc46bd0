/**
 * Train a small network on a table, ask it about a new row, and write it for others. Run it in a folder of your own:
 *
 *     deno run --allow-read=. --allow-write=. examples/train_and_export.ts
 */
import { rmi } from "@rmi/rmi";

const flats = Array.from({ length: 300 }, (_, i) => {
  const [size, town] = [30 + ((i * 37) % 90), ["north", "south"][i % 2]];
  return `${size},${i % 13 === 0 ? "" : town},${1_000 * size + (town === "south" ? 40_000 : 0)}`;
});
Deno.writeTextFileSync("flats.csv", ["size,town,price", ...flats].join("\n"));

await using system = rmi({ workspace: Deno.cwd() });
const data = { path: "flats.csv", target: "price", prepare: true };
const program = "linear(16) >> relu >> linear";
const model = await system.call("neural.train", { program, data, epochs: 60, seed: 1, name: "flats" }) as {
  digest: string;
  metrics: { test: { mae: number; r2: number } };
};
console.log(`model     ${model.digest}`);
console.log(
  `held out  off by ${Math.round(model.metrics.test.mae)} on average, R² ${model.metrics.test.r2.toFixed(3)}`,
);

const rows = [{ size: 100, town: "south" }, { size: 40, town: "north" }];
const { outputs } = await system.call("neural.predict", { digest: "flats", rows }) as {
  outputs: { values: ReadonlyArray<number> };
};
outputs.values.forEach((price, i) => console.log(`answer    ${JSON.stringify(rows[i])}: ${Math.round(price)}`));

for (const to of ["onnx", "safetensors", "rmil"] as const) {
  const { bytes } = await system.call("neural.export", { digest: "flats", to, file: `out/flats.${to}` }) as {
    bytes: number;
  };
  console.log(`file      out/flats.${to}, ${bytes} bytes`);
}
