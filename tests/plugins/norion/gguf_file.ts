/** Writes small GGUF files by the format's own description, for tests of what reads them. */

const text = (value: string): Uint8Array => {
  const bytes = new TextEncoder().encode(value);
  return join(u64(bytes.length), bytes);
};

const join = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: number): Uint8Array => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);

/** A tensor of F32 to write. */
export interface WrittenTensor {
  /** Its name. */
  readonly name: string;
  /** Its sizes. */
  readonly shape: ReadonlyArray<number>;
}

/** A GGUF file of version 3 with facts (numbers as u32) and zeroed F32 tensors. */
export const ggufFile = (
  facts: { readonly [name: string]: number | string },
  tensors: ReadonlyArray<WrittenTensor>,
): Uint8Array => {
  const written = Object.entries(facts).map(([name, value]) =>
    join(text(name), typeof value === "string" ? join(u32(8), text(value)) : join(u32(4), u32(value)))
  );
  let offset = 0;
  const infos = tensors.map(({ name, shape }) => {
    const info = join(text(name), u32(shape.length), ...shape.map(u64), u32(0), u64(offset));
    offset += Math.ceil(4 * shape.reduce((a, b) => a * b, 1) / 32) * 32;
    return info;
  });
  const head = join(
    new TextEncoder().encode("GGUF"),
    u32(3),
    u64(tensors.length),
    u64(written.length),
    ...written,
    ...infos,
  );
  return join(head, new Uint8Array((32 - head.length % 32) % 32), new Uint8Array(offset));
};
