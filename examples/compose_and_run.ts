/**
 * Compose a program of three stages, look at its bytes, and run it. It needs nothing from the machine:
 *
 *     deno run examples/compose_and_run.ts
 */
import { anatomy, decodeProgram, encodeProgram, flow, programDigest, runNow, values } from "@rmi/rmi/rmil";

const program = flow("sub", 1.5).andThen("relu").andThen("mul", 2.5);
console.log(`program   ${program}`);

// A few bytes are the whole program; their digest is its identity.
const bytes = encodeProgram(program);
console.log(`bytes     ${bytes.toHex()}`);
console.log(`identity  ${programDigest(program)}`);
for (const { at, length, says } of anatomy(bytes)) {
  console.log(`${String(at).padStart(6)}  ${bytes.subarray(at, at + length).toHex().padEnd(12)}  ${says}`);
}

// Whoever receives the bytes runs them within bounds, and gets the same answer.
const received = decodeProgram(bytes);
const numbers = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
const input = values.tensorValue("f32", [4], numbers);
const { value, fuelUsed } = runNow(received.root, received.symbols, { inputs: { input }, fuel: 10_000 })!;
if (value.k !== "Tensor") throw new Error("the program gives a tensor");
console.log(`answer    ${new Float32Array(value.bytes.slice().buffer).join(" ")}, for ${fuelUsed} steps`);
