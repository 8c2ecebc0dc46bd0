/**
 * Picture: pixels in shades of grey as a data URL, without a package.
 *
 * A BMP of 16 shades: enough to see what was misread, and a third of the size of the bytes themselves.
 * Invariant: the same pixels give the same text; a picture of no pixels is refused by its size.
 *
 * @module
 */

const FILE_HEADER = 14;
const INFO_HEADER = 40;
const SHADES = 16;
const START = FILE_HEADER + INFO_HEADER + SHADES * 4;

/** Largest side of a picture that is shown; its address is then short enough for an attribute. */
export const MAX_SIDE = 96;

/** Bits of a shade. */
const BITS = 4;

/** A picture as a data URL; undefined where the pixels are not as many as the sides say. */
export const pictureUrl = (width: number, height: number, pixels: Uint8Array): string | undefined => {
  const isSide = (side: number): boolean => Number.isInteger(side) && side > 0 && side <= MAX_SIDE;
  if (!isSide(width) || !isSide(height) || pixels.length !== width * height) return undefined;
  const row = Math.ceil((width * BITS) / 32) * 4;
  const made = new Uint8Array(START + row * height);
  const view = new DataView(made.buffer);
  made.set([0x42, 0x4d]);
  view.setUint32(2, made.length, true);
  view.setUint32(10, START, true);
  view.setUint32(14, INFO_HEADER, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, BITS, true);
  view.setUint32(34, row * height, true);
  view.setUint32(46, SHADES, true);
  for (let shade = 0; shade < SHADES; shade++) {
    made.fill(shade * 17, START - 4 * (SHADES - shade), START - 4 * (SHADES - shade) + 3);
  }
  // Rows stand from the lowest up, two pixels to a byte.
  for (let y = 0; y < height; y++) {
    const at = START + row * (height - 1 - y);
    for (let x = 0; x < width; x++) {
      const shade = pixels[y * width + x] >> 4;
      made[at + (x >> 1)] |= x % 2 === 0 ? shade << 4 : shade;
    }
  }
  return `data:image/bmp;base64,${made.toBase64()}`;
};
