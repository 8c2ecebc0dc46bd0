/**
 * Tests of picture.ts: the file format as it is specified, read back byte by byte.
 */
import assert from "node:assert/strict";
import { MAX_WHOLE } from "../../../../plugins/evolution/report/markup.ts";
import { MAX_SIDE, pictureUrl } from "../../../../plugins/evolution/report/picture.ts";

const PREFIX = "data:image/bmp;base64,";

/** Shades of a BMP of 4 bits a pixel, from the top row down. */
const shadesOf = (url: string): { readonly width: number; readonly height: number; readonly shades: number[] } => {
  assert.ok(url.startsWith(PREFIX));
  const bytes = Uint8Array.fromBase64(url.slice(PREFIX.length));
  const view = new DataView(bytes.buffer);
  assert.equal(new TextDecoder().decode(bytes.subarray(0, 2)), "BM");
  assert.equal(view.getUint32(2, true), bytes.length);
  const [start, width, height] = [view.getUint32(10, true), view.getInt32(18, true), view.getInt32(22, true)];
  assert.deepEqual([view.getUint32(14, true), view.getUint16(26, true), view.getUint16(28, true)], [40, 1, 4]);
  const row = Math.ceil(width / 8) * 4;
  const shades: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const byte = bytes[start + row * (height - 1 - y) + (x >> 1)];
      const place = x % 2 === 0 ? byte >> 4 : byte & 15;
      // The palette is blue, green, red, nothing.
      const [blue, green, red] = bytes.subarray(54 + 4 * place, 57 + 4 * place);
      assert.ok(blue === green && green === red);
      shades.push(red);
    }
  }
  return { width, height, shades };
};

Deno.test("every pixel is there, from the top left, in the nearest of 16 shades", () => {
  const pixels = Uint8Array.from({ length: 7 * 5 }, (_, i) => (i * 37) % 256);
  const { width, height, shades } = shadesOf(pictureUrl(7, 5, pixels)!);
  assert.deepEqual([width, height], [7, 5]);
  shades.forEach((shade, i) => assert.ok(Math.abs(shade - pixels[i]) <= 16, `${i}: ${shade} for ${pixels[i]}`));
  assert.equal(shades[pixels.indexOf(0)], 0);
  assert.deepEqual(shadesOf(pictureUrl(2, 1, Uint8Array.of(255, 0))!).shades, [255, 0]);
});

Deno.test("a picture as large as the limit fits an attribute; a larger one, or one of other pixels, is none", () => {
  const url = pictureUrl(MAX_SIDE, MAX_SIDE, new Uint8Array(MAX_SIDE ** 2));
  assert.ok(url !== undefined && url.length <= MAX_WHOLE);
  assert.equal(pictureUrl(MAX_SIDE + 1, 1, new Uint8Array(MAX_SIDE + 1)), undefined);
  assert.equal(pictureUrl(2, 2, new Uint8Array(3)), undefined);
  assert.equal(pictureUrl(0, 0, new Uint8Array()), undefined);
  assert.equal(pictureUrl(1.5, 2, new Uint8Array(3)), undefined);
});
