/**
 * Sizes: what the shapes of operands say about an op's sizes, and the small rules over them that rows hold.
 *
 * @module
 */
import type { Dimension, Shape } from "../../ir/contract.ts";
import { dimension, multiplyDimensions, quotientOf } from "../../ir/library.ts";
import { lastAxisMismatch, wrongShape } from "../interpreter/failures.ts";
import type { Settings } from "./lowering.ts";

/** Starts the names of sizes that are unknown and may turn out to be any. */
export const OPEN_PREFIX = "_";

/** Whether a size is unknown and not named. */
export const isOpen = (size: Dimension): boolean => typeof size === "string" && /^_[0-9]+$/u.test(size);

/** Sizes by name. */
export type Sizes = Map<string, Dimension>;

const printed = (shape: Shape): string => `[${shape.map((size) => isOpen(size) ? "?" : size).join(",")}]`;

/**
 * Binds the names of a pattern such as `[..., n]` to the sizes of a shape, and gives the shape with open sizes that the
 * names determine put in.
 */
export const matchShape = (op: string, operand: string, pattern: string, shape: Shape, sizes: Sizes): Shape => {
  const names = pattern.slice(1, -1).split(",").map((name) => name.trim());
  const dots = names.indexOf("...");
  const named = names.length - (dots < 0 ? 0 : 1);
  if (dots < 0 ? shape.length !== named : shape.length < named) {
    throw wrongShape({
      op,
      reason: `its ${operand} is ${printed(shape)}, and it takes ${pattern}`,
      expected: pattern,
      actual: printed(shape),
    });
  }
  return shape.map((size, axis) => {
    const fromEnd = axis - shape.length + names.length;
    const name = dots < 0 || axis < dots ? names[axis] : fromEnd > dots ? names[fromEnd] : undefined;
    if (name === undefined || name === "..." || name === "") return size;
    const known = sizes.get(name);
    if (known === undefined || isOpen(known)) {
      if (known === undefined || !isOpen(size)) sizes.set(name, size);
      return size;
    }
    if (known === size || isOpen(size)) return known;
    throw mismatch(op, operand, name, axis === shape.length - 1, size, known);
  });
};

const mismatch = (op: string, operand: string, name: string, isLast: boolean, found: Dimension, wanted: Dimension) =>
  isLast
    ? lastAxisMismatch({ op, found, wanted, expected: wanted, actual: found })
    : op === "matmul"
    ? lastAxisMismatch({ op, found: wanted, wanted: found, expected: found, actual: wanted })
    : wrongShape({
      op,
      reason: `${name} is ${found} in its ${operand}, and ${wanted} before`,
      expected: wanted,
      actual: found,
    });

/** Puts sizes of other operands in for open ones where operands broadcast. */
export const closeBroadcast = (shapes: ReadonlyArray<Shape>): ReadonlyArray<Shape> => {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const common = Array.from({ length: rank }, (_, fromStart) => {
    const at = shapes.map((shape) => shape[fromStart - rank + shape.length]).filter((size) => size !== undefined);
    return at.find((size) => size !== 1 && !isOpen(size)) ?? at.find(isOpen);
  });
  return shapes.map((shape) =>
    shape.map((size, axis) => isOpen(size) ? common[axis - shape.length + rank] ?? size : size)
  );
};

const elementOf = (settings: Settings, name: string): Dimension | undefined => {
  const indexed = /^([a-z]+)([0-9])$/u.exec(name);
  const whole = settings[indexed === null ? name : indexed[1]];
  if (indexed === null) return typeof whole === "number" || typeof whole === "string" ? whole : undefined;
  return typeof whole === "number" ? whole : (whole as ReadonlyArray<number> | undefined)?.[Number(indexed[2])];
};

/** A rule's size: `n`, `3*width`, `c/groups`; throws `RMIL_SHAPE` where it does not divide. */
export const sizeOfRule = (op: string, rule: string, sizes: Sizes, settings: Settings): Dimension => {
  const read = (text: string): Dimension => {
    if (/^[0-9]+$/u.test(text)) return Number(text);
    const found = elementOf(settings, text) ?? sizes.get(text);
    if (found === undefined) throw wrongShape({ op, reason: `its size ${text} follows from nothing given` });
    return dimension(found);
  };
  return rule.split("*").map((factor) => {
    const [numerator, ...divisors] = factor.split("/").map(read);
    return divisors.reduce((left, divisor) => {
      const quotient = quotientOf(left, divisor);
      if (quotient !== undefined) return quotient;
      throw wrongShape({ op, reason: `${divisor} does not divide ${left}`, expected: divisor, actual: left });
    }, numerator);
  }).reduce((product, factor) => multiplyDimensions(product, factor));
};
