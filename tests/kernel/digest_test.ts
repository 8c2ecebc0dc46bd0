import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, createHmac } from "node:crypto";
import {
  canonicalJson,
  digestBytes,
  digestJson,
  digestKeyed,
  digestText,
  isDigest,
  NotCanonical,
  random,
} from "../../kernel/mod.ts";

const bytesOf = (length: number): Uint8Array => {
  const chance = random("digest").split(length);
  return Uint8Array.from({ length }, () => chance.below(256));
};

Deno.test("FIPS 180-4: the published vectors", () => {
  for (
    const [text, hex] of [
      ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
      ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
      [
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      ],
      ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
    ]
  ) assert.equal(digestText(text), `sha256:${hex}`);
});

Deno.test("digests agree with node:crypto at every length around the block size", () => {
  for (let length = 0; length <= 200; length++) {
    const bytes = bytesOf(length);
    assert.equal(digestBytes(bytes), `sha256:${createHash("sha256").update(bytes).digest("hex")}`);
  }
});

Deno.test("keyed digests agree with node:crypto for keys shorter and longer than a block", () => {
  for (const length of [0, 1, 32, 63, 64, 65, 200]) {
    const key = bytesOf(length);
    const bytes = bytesOf(100);
    assert.equal(digestKeyed(key, bytes), `sha256:${createHmac("sha256", key).update(bytes).digest("hex")}`);
  }
});

Deno.test("text is digested as UTF-8, JSON by its canonical text", () => {
  const text = "é中😀";
  assert.equal(digestText(text), digestBytes(new Uint8Array(Buffer.from(text, "utf8"))));
  assert.equal(digestJson({ b: [1, 2], a: text }), digestText(canonicalJson({ a: text, b: [1, 2] })));
  assert.throws(() => digestJson({ a: NaN }), NotCanonical);
});

Deno.test("only the one spelling is a digest", () => {
  const hex = "0123456789abcdef".repeat(4);
  assert(isDigest(`sha256:${hex}`));
  for (
    const text of [
      hex,
      `sha256:${hex.slice(1)}`,
      `sha256:${hex}0`,
      `sha256:${hex.toUpperCase()}`,
      `SHA256:${hex}`,
      `sha256:${hex}\n`,
    ]
  ) {
    assert(!isDigest(text), text);
  }
});
