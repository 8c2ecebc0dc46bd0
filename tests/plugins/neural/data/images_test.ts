/**
 * Tests of data/images.ts on pictures that Pillow wrote, pixel by pixel as Pillow reads them.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { gather } from "../../../../plugins/neural/data/dataset.ts";
import { memoryFiles } from "../../../../plugins/neural/data/files.ts";
import { type Image, imageFolder, MAX_IMAGE_PIXELS, readImage } from "../../../../plugins/neural/data/images.ts";
import { deflate } from "../../../../plugins/neural/formats/inflate.ts";
import { crc32 } from "../../../../plugins/neural/formats/zip.ts";
import { editsOf, fixture } from "../hostile.ts";

type Grey = ReadonlyArray<ReadonlyArray<number>>;
type Colour = ReadonlyArray<ReadonlyArray<ReadonlyArray<number>>>;

const PIXELS: {
  readonly grey: Grey;
  readonly colour: Colour;
  readonly palette: Colour;
  readonly smooth_decoded: Colour;
  readonly grey_decoded: Grey;
} = JSON.parse(new TextDecoder().decode(fixture("pixels.json")));

const read = (name: string): Promise<Image> => Effect.runPromise(readImage(name, fixture(name)));

const planes = (pixels: Colour) => [0, 1, 2].flatMap((channel) => pixels.flat().map((pixel) => pixel[channel]));

Deno.test("grey and colour PNG are read, channels first", async () => {
  const grey = await read("grey.png");
  assert.deepEqual([grey.width, grey.height, grey.channels], [7, 5, 1]);
  assert.deepEqual([...grey.bytes], PIXELS.grey.flat());
  const colour = await read("colour.png");
  assert.deepEqual([colour.width, colour.height, colour.channels], [7, 5, 3]);
  assert.deepEqual([...colour.bytes], planes(PIXELS.colour));
});

Deno.test("transparency is left out; a palette, one bit and sixteen bits become bytes", async () => {
  assert.deepEqual([...(await read("alpha.png")).bytes], planes(PIXELS.colour));
  assert.deepEqual([...(await read("palette.png")).bytes], planes(PIXELS.palette));
  assert.deepEqual([...(await read("bits.png")).bytes], PIXELS.grey.flat().map((level) => level > 127 ? 255 : 0));
  assert.deepEqual([...(await read("deep.png")).bytes], PIXELS.grey.flat());
});

Deno.test("JPEG is read to within a few levels of what another reader makes of it", async () => {
  const colour = await read("smooth.jpg");
  assert.deepEqual([colour.width, colour.height, colour.channels], [16, 16, 3]);
  planes(PIXELS.smooth_decoded).forEach((level, i) => assert.ok(Math.abs(level - colour.bytes[i]) <= 6, `${i}`));
  const grey = await read("grey.jpg");
  PIXELS.grey_decoded.flat().forEach((level, i) => assert.ok(Math.abs(level - grey.bytes[i]) <= 3, `${i}`));
});

const codeOfImage = (name: string, bytes: Uint8Array): Promise<string> =>
  Effect.runPromise(
    Effect.match(readImage(name, bytes), { onFailure: ({ code }) => code, onSuccess: () => "taken" }),
  );

/** A grey PNG of a declared size over pixels, each part with a right checksum. */
const png = async (width: number, height: number, pixels: Uint8Array, more: Uint8Array = new Uint8Array()) => {
  const part = (type: string, data: Uint8Array) => {
    const body = Uint8Array.of(...new TextEncoder().encode(type), ...data);
    const made = new Uint8Array(body.length + 8);
    const view = new DataView(made.buffer);
    view.setUint32(0, data.length);
    made.set(body, 4);
    view.setUint32(made.length - 4, crc32(body));
    return made;
  };
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header[8] = 8;
  const packed = await deflate(pixels, "deflate");
  const signature = fixture("grey.png").slice(0, 8);
  return Uint8Array.of(
    ...signature,
    ...part("IHDR", header),
    ...(more.length > 0 ? part("iCCP", more) : []),
    ...part("IDAT", packed),
    ...part("IEND", new Uint8Array()),
  );
};

Deno.test("a picture that declares too many pixels is refused before it is unpacked, and one at the limit is not", async () => {
  const [width, height] = [4_096, MAX_IMAGE_PIXELS / 4_096];
  assert.equal(await codeOfImage("a.png", await png(width, height, new Uint8Array(height * (width + 1)))), "taken");
  assert.equal(await codeOfImage("a.png", await png(width, height + 1, new Uint8Array(9))), "NEURAL_DATA_LIMIT");
  assert.equal(await codeOfImage("a.png", await png(0, 1, new Uint8Array(9))), "NEURAL_DATA_MALFORMED");
});

Deno.test("a picture with fewer or more pixels than it declares is refused, however far they would expand", async () => {
  assert.equal(await codeOfImage("a.png", await png(2, 2, Uint8Array.of(0, 1, 2, 0, 3, 4))), "taken");
  assert.equal(await codeOfImage("a.png", await png(2, 2, Uint8Array.of(0, 1, 2, 0, 3))), "NEURAL_DATA_MALFORMED");
  assert.equal(await codeOfImage("a.png", await png(2, 2, new Uint8Array(10_000_000))), "NEURAL_DATA_LIMIT");
});

Deno.test("what a picture carries besides its pixels is not unpacked", async () => {
  const bomb = Uint8Array.of(65, 0, 0, ...await deflate(new Uint8Array(1_000_000), "deflate"));
  assert.equal(await codeOfImage("a.png", await png(2, 2, Uint8Array.of(0, 1, 2, 0, 3, 4), bomb)), "taken");
});

Deno.test("what is no picture, or none by its name, is refused", async () => {
  assert.equal(await codeOfImage("a.gif", fixture("grey.png")), "NEURAL_DATA_FORMAT");
  assert.equal(await codeOfImage("a.png", fixture("grey.jpg")), "NEURAL_DATA_MALFORMED");
  assert.equal(await codeOfImage("a.jpg", fixture("grey.png")), "NEURAL_DATA_MALFORMED");
});

Deno.test("edited pictures are taken or refused, never worse", async () => {
  for (const name of ["colour.png", "palette.png", "smooth.jpg"]) {
    for (const bytes of editsOf(fixture(name), 60, name)) {
      const code = await codeOfImage(name, bytes);
      assert.ok(["taken", "NEURAL_DATA_MALFORMED", "NEURAL_DATA_LIMIT"].includes(code), `${name}: ${code}`);
    }
  }
});

const folder = (pictures: { readonly [path: string]: string }) =>
  memoryFiles(Object.fromEntries(Object.entries(pictures).map(([path, name]) => [`pets/${path}`, fixture(name)])));

Deno.test("a folder of folders is a set: classes by name in order, brightness from 0 to 1", async () => {
  const files = folder({
    "dog/1.png": "grey.png",
    "cat/1.png": "grey.png",
    "cat/2.png": "deep.png",
    "cat/note.txt": "grey.png",
  });
  const made = await Effect.runPromise(imageFolder(files, "pets", "pets", { validation: 0, test: 0 }));
  assert.deepEqual((made.schema.target as { labels?: unknown }).labels, ["cat", "dog"]);
  assert.deepEqual([...gather(made.target!, [0, 1, 2]).data], [0, 0, 1]);
  assert.deepEqual(made.schema.inputs[0].type, { dtype: "f32", shape: [1, 5, 7] });
  const [, , dog] = [0, 1, 2].map((sample) => [...gather(made.inputs[0], [sample]).data]);
  PIXELS.grey.flat().forEach((level, i) => assert.ok(Math.abs(Number(dog[i]) - level / 255) < 1e-6));
});

Deno.test("pictures of another size than the first or that are none, and a folder without any, are refused by name", async () => {
  const message = (pictures: { readonly [path: string]: string }) =>
    Effect.runPromise(Effect.flip(imageFolder(folder(pictures), "pets", "pets"))).then((failure) => failure.message);
  assert.match(await message({ "a/1.png": "grey.png", "b/1.png": "grey.jpg" }), /PNG pets\/b\/1.png at byte 0/u);
  assert.match(
    await message({ "a/1.png": "grey.png", "b/1.png": "colour.png" }),
    /pets\/b\/1.png.*7 × 5 × 3.*7 × 5 × 1/u,
  );
  assert.match(await message({ "1.png": "grey.png" }), /folders with pictures/u);
});
