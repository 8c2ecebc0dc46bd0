/**
 * Images: a folder with a folder of pictures for each class, as samples of one size.
 *
 * PNG and JPEG, by the optional packages that read them; grey or colour, brightness from 0 to 1, channels first.
 * Invariant: a picture's declared size is checked before it is unpacked; all pictures have the size of the first.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { KernelFailure } from "../../../kernel/mod.ts";
import { loadOptional } from "../../../registry/optional.ts";
import { tensorOf } from "../../ir/library.ts";
import {
  absentFile,
  attemptEffect,
  attemptPromise,
  badData,
  dataLimit,
  malformedData,
  type NeuralFailure,
} from "../failures.ts";
import { type MemoryDataset, memoryDataset, tensorColumn, uniformly } from "./dataset.ts";
import { type DataFiles, readWhole } from "./files.ts";
import { neededPng } from "../formats/png_parts.ts";
import { classColumn } from "./generated.ts";
import { type SplitRule, splitSamples } from "./splits.ts";

/** Most pixels of one picture. */
export const MAX_IMAGE_PIXELS = 16_777_216;

/** Most bytes of one picture's file. */
export const MAX_IMAGE_BYTES = 67_108_864;

/** Most bytes of all pictures together, unpacked. */
export const MAX_IMAGES_BYTES = 1_073_741_824;

/** Most classes. */
export const MAX_IMAGE_CLASSES = 10_000;

/** A picture: bytes, channels first. */
export interface Image {
  /** Pixels of a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** One for grey, three for colour. */
  readonly channels: 1 | 3;
  /** Brightness, channel by channel. */
  readonly bytes: Uint8Array;
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray | Uint16Array;
  readonly depth?: number;
  readonly channels?: number;
  readonly palette?: ReadonlyArray<ReadonlyArray<number>>;
}

interface PngReader {
  readonly decode: (bytes: Uint8Array, options: { readonly checkCrc: boolean }) => Pixels;
  readonly convertIndexedToRgb: (image: Pixels) => Uint8Array;
}

interface JpegReader {
  readonly decode: (
    bytes: Uint8Array,
    options: { readonly useTArray: true; readonly maxResolutionInMP: number; readonly maxMemoryUsageInMB: number },
  ) => Pixels;
}

const MEGA = 1_048_576;
const COLOURS = 3;

const checkSize = (width: number, height: number): void => {
  if (!(width > 0 && height > 0)) {
    throw malformedData({ format: "the picture", at: "its size", reason: `${width} × ${height}` });
  }
  if (width * height > MAX_IMAGE_PIXELS) {
    throw dataLimit({ what: "the pixels of a picture", limit: MAX_IMAGE_PIXELS, found: width * height });
  }
};

/** Channels side by side, as readers give them, put one after another; transparency is left out. */
const planes = (data: Pixels["data"], pixels: number, given: number, kept: 1 | 3, shift: number): Uint8Array => {
  const bytes = new Uint8Array(pixels * kept);
  for (let channel = 0; channel < kept; channel++) {
    for (let i = 0; i < pixels; i++) bytes[channel * pixels + i] = data[i * given + channel] >> shift;
  }
  return bytes;
};

/** Grey levels of one, two and four bits lie several to a byte, rows beginning on a byte. */
const unpacked = ({ data, width, height, depth = 8 }: Pixels): Uint8Array => {
  const bytes = new Uint8Array(width * height);
  const line = Math.ceil(width * depth / 8);
  const most = (1 << depth) - 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const level = (data[y * line + (bit >> 3)] >> (8 - depth - (bit & 7))) & most;
      bytes[y * width + x] = Math.round(level * 255 / most);
    }
  }
  return bytes;
};

const readPng = (bytes: Uint8Array, reader: PngReader): Image => {
  const image = reader.decode(bytes, { checkCrc: true });
  const { width, height, depth = 8, channels: given = 1 } = image;
  const pixels = width * height;
  if (image.palette !== undefined) {
    const colours = image.palette[0]?.length ?? COLOURS;
    return { width, height, channels: 3, bytes: planes(reader.convertIndexedToRgb(image), pixels, colours, 3, 0) };
  }
  if (depth < 8) return { width, height, channels: 1, bytes: unpacked(image) };
  const channels = given >= COLOURS ? 3 : 1;
  return { width, height, channels, bytes: planes(image.data, pixels, given, channels, depth === 16 ? 8 : 0) };
};

const readJpeg = (bytes: Uint8Array, reader: JpegReader): Image => {
  const image = reader.decode(bytes, {
    useTArray: true,
    maxResolutionInMP: MAX_IMAGE_PIXELS / MEGA,
    maxMemoryUsageInMB: MAX_IMAGE_BYTES / MEGA * 4,
  });
  const { width, height, data } = image;
  checkSize(width, height);
  return { width, height, channels: 3, bytes: planes(data, width * height, 4, 3, 0) };
};

/** What reads a picture, by the end of its name. */
const READERS: {
  readonly [suffix: string]: {
    readonly format: string;
    readonly package: string;
    readonly read: (bytes: Uint8Array, reader: never) => Image;
  };
} = {
  png: { format: "PNG", package: "fast-png", read: readPng },
  jpg: { format: "JPEG", package: "jpeg-js", read: readJpeg },
  jpeg: { format: "JPEG", package: "jpeg-js", read: readJpeg },
};

const suffixOf = (name: string): string => name.slice(name.lastIndexOf(".") + 1).toLowerCase();

/** Whether a file's name is a picture's. */
export const isImage = (name: string): boolean => Object.hasOwn(READERS, suffixOf(name));

/** Reads a picture; `name` tells its format and names it in failures. */
export const readImage = (name: string, bytes: Uint8Array): Effect.Effect<Image, NeuralFailure | KernelFailure> =>
  Effect.gen(function* () {
    if (!isImage(name)) return yield* badData({ what: name, reason: "pictures are PNG or JPEG" });
    const row = READERS[suffixOf(name)];
    const module = yield* loadOptional<{ readonly default?: unknown }>(row.package);
    const reader = row.package === "jpeg-js" ? module.default ?? module : module;
    const needed = row.format === "PNG"
      ? yield* attemptPromise(() => neededPng(bytes, MAX_IMAGE_PIXELS, `PNG ${name}`))
      : bytes;
    return yield* attemptEffect(() => {
      try {
        return row.read(needed, reader as never);
      } catch (thrown) {
        // Its reader throws plain errors on anything that is wrong; ours are failures already.
        if (!(thrown instanceof Error) || "code" in thrown) throw thrown;
        throw malformedData({ format: row.format, at: name, reason: thrown.message.slice(0, 200) });
      }
    });
  });

/** The pictures of a folder with a folder for each class. */
export const imageFolder = <R>(
  files: DataFiles<R>,
  folder: string,
  name: string,
  rule: SplitRule = {},
): Effect.Effect<MemoryDataset, NeuralFailure | KernelFailure, R> =>
  Effect.gen(function* () {
    const labels: Array<string> = [];
    const found: Array<readonly [file: string, label: number]> = [];
    for (const entry of yield* files.list(folder)) {
      if ((yield* files.stat(`${folder}/${entry}`))?.kind !== "folder") continue;
      const pictures = (yield* files.list(`${folder}/${entry}`)).filter(isImage);
      if (pictures.length === 0) continue;
      for (const picture of pictures) found.push([`${folder}/${entry}/${picture}`, labels.length]);
      labels.push(entry);
    }
    if (labels.length === 0) {
      return yield* absentFile({ file: folder, reason: "it holds no folders with pictures, one for each class" });
    }
    if (labels.length > MAX_IMAGE_CLASSES) {
      return yield* dataLimit({ what: "the classes of pictures", limit: MAX_IMAGE_CLASSES, found: labels.length });
    }
    let all: Uint8Array<ArrayBuffer> | undefined;
    let first: Image | undefined;
    for (const [index, [file]] of found.entries()) {
      const image = yield* Effect.flatMap(
        readWhole(files, file, MAX_IMAGE_BYTES),
        (bytes) => readImage(file, bytes),
      );
      if (first === undefined) {
        const total = found.length * image.bytes.length;
        if (total > MAX_IMAGES_BYTES) {
          return yield* dataLimit({ what: "the pictures together", limit: MAX_IMAGES_BYTES, found: total });
        }
        first = image;
        all = new Uint8Array(total);
      }
      if (image.width !== first.width || image.height !== first.height || image.channels !== first.channels) {
        const size = (of: Image) => `${of.width} × ${of.height} × ${of.channels}`;
        return yield* malformedData({
          format: "the pictures",
          at: file,
          reason: `it is ${size(image)}, and the first is ${size(first)}`,
        });
      }
      all!.set(image.bytes, index * image.bytes.length);
    }
    const { channels, height, width } = first!;
    const classes = Int32Array.from(found, ([, label]) => label);
    return yield* attemptEffect(() =>
      memoryDataset({
        name,
        inputs: [
          tensorColumn(
            "image",
            tensorOf("u8", [found.length, channels, height, width], all!),
            "f32",
            uniformly(1 / 255),
          ),
        ],
        target: classColumn("class", classes, labels),
        length: found.length,
        splits: splitSamples(found.length, rule, classes),
      })
    );
  });
