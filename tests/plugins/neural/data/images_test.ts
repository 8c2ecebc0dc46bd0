/**
 * Tests of data/images.ts on pictures that Pillow wrote, pixel by pixel as Pillow reads them.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { gather } from "../../../../plugins/neural/data/dataset.ts";
import { memoryFiles } from "../../../../plugins/neural/data/files.ts";
import { type Image, imageFolder, MAX_IMAGE_PIXELS, readImage } from "../../../../plugins/neural/data/images.ts";
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

Deno.test("a picture that declares too many pixels is refused before it is unpacked, and one at the limit is not", async () => {
  const of = (width: number, height: number) => {
    const made = fixture("grey.png");
    new DataView(made.buffer).setUint32(16, width);
    new DataView(made.buffer).setUint32(20, height);
    return made;
  };
  assert.equal(await codeOfImage("a.png", of(MAX_IMAGE_PIXELS + 1, 1)), "NEURAL_DATA_LIMIT");
  assert.equal(await codeOfImage("a.png", of(0, 1)), "NEURAL_DATA_MALFORMED");
  // Allowed by its size, and then found to lack the pixels it declares.
  assert.equal(await codeOfImage("a.png", of(MAX_IMAGE_PIXELS, 1)), "NEURAL_DATA_MALFORMED");
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

Deno.test("pictures of another size than the first, and a folder without any, are refused by name", async () => {
  const message = (pictures: { readonly [path: string]: string }) =>
    Effect.runPromise(Effect.flip(imageFolder(folder(pictures), "pets", "pets"))).then((failure) => failure.message);
  assert.match(
    await message({ "a/1.png": "grey.png", "b/1.png": "colour.png" }),
    /pets\/b\/1.png.*7 × 5 × 3.*7 × 5 × 1/u,
  );
  assert.match(await message({ "1.png": "grey.png" }), /folders with pictures/u);
});
