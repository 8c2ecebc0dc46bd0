/**
 * Reader: data of any form as functions, every misfit reported.
 *
 * Invariant: total; what is marked sound has the form of the types in graph.ts, whatever it says.
 *
 * @module
 */
import type { Attribute, Attributes, IrFunction, Node } from "../graph.ts";
import { MAX_ATTRIBUTE_DEPTH } from "../text.ts";
import { isDtype, type TensorType, tensorType } from "../types.ts";
import { isTensor, type Tensor, tensorOf } from "../value.ts";
import { type Findings, isObject } from "./findings.ts";

const isAttribute = (value: unknown, depth = 0): value is Attribute => {
  if (Array.isArray(value)) {
    return depth < MAX_ATTRIBUTE_DEPTH && Array.from(value).every((item) => isAttribute(item, depth + 1));
  }
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean" || isTensor(value);
};

/** Reads data of any form into functions, reporting what does not fit. */
export class Reader {
  /** Reports to findings. */
  constructor(private readonly findings: Findings) {}

  /** A type; undefined where it is none. */
  type(value: unknown, path: string): TensorType | undefined {
    const { dtype, shape } = isObject(value) ? value : { dtype: undefined, shape: undefined };
    const isSize = (size: unknown) =>
      typeof size === "string" || (typeof size === "number" && Number.isSafeInteger(size) && size >= 0);
    if (!isDtype(dtype) || !Array.isArray(shape) || !Array.from(shape).every(isSize)) {
      this.findings.malformed(path, "a type", "a dtype and a list of sizes", value);
      return undefined;
    }
    return this.findings.attempt(path, () => tensorType(dtype, shape));
  }

  /** A list, empty where it is none. */
  private list(value: unknown, path: string, what: string): ReadonlyArray<unknown> {
    // Holes of a list count as what they read as.
    if (Array.isArray(value)) return Array.from(value);
    this.findings.malformed(path, what, "a list", value);
    return [];
  }

  /** Numbers, none where some item is none. */
  private numbers(value: unknown, path: string, what: string): ReadonlyArray<number> {
    const items = this.list(value, path, what);
    if (items.every((item) => typeof item === "number")) return items as ReadonlyArray<number>;
    this.findings.malformed(path, what, "value numbers", items.find((item) => typeof item !== "number"));
    return [];
  }

  /** Texts, none where some item is none. */
  private texts(value: unknown, path: string, what: string): ReadonlyArray<string> {
    const items = this.list(value, path, what);
    if (items.every((item) => typeof item === "string")) return items as ReadonlyArray<string>;
    this.findings.malformed(path, what, "texts", items.find((item) => typeof item !== "string"));
    return [];
  }

  /** Attributes, without those that are none. */
  private attributes(value: unknown, path: string): Attributes {
    if (!isObject(value)) {
      this.findings.malformed(path, "attributes", "an object", value);
      return {};
    }
    return Object.fromEntries(
      Object.entries(value).filter(([name, item]) => {
        if (!isAttribute(item)) {
          this.findings.malformed(
            `${path}/${name}`,
            "an attribute",
            "a number, text, truth value, tensor or list",
            item,
          );
          return false;
        }
        if (!isTensor(item)) return true;
        return this.tensor(item as Tensor, `${path}/${name}`);
      }),
    ) as Attributes;
  }

  /** Whether a literal's data fits its type. */
  private tensor(value: Tensor, path: string): boolean {
    const type = this.type({ dtype: value.dtype, shape: value.shape }, path);
    if (type === undefined) return false;
    return this.findings.attempt(path, () => tensorOf(value.dtype, value.shape, value.data)) !== undefined;
  }

  /** A node; undefined where data is none at all. */
  private node(value: unknown, path: string): Checkable | undefined {
    if (!isObject(value) || typeof value.op !== "string") {
      this.findings.malformed(path, "a node", "an object with an op", value);
      return undefined;
    }
    const before = this.findings.counts.error;
    const location = typeof value.location === "string" ? { location: value.location } : {};
    if (value.location !== undefined && typeof value.location !== "string") {
      this.findings.malformed(path, "a location", "a text", value.location);
    }
    const results = this.list(value.results, `${path}/results`, "result types")
      .map((type, i) => this.type(type, `${path}/results/${i}`));
    const node = {
      op: value.op,
      operands: this.numbers(value.operands, `${path}/operands`, "operands"),
      attributes: this.attributes(value.attributes, `${path}/attributes`),
      functions: this.texts(value.functions, `${path}/functions`, "functions"),
      results: results as ReadonlyArray<TensorType>,
      ...location,
    };
    return { node, sound: this.findings.counts.error === before, path: node.location ?? path };
  }

  /** Whether data is an equality of sizes. */
  private constraint(value: unknown, path: string): boolean {
    const isSize = (size: unknown) =>
      typeof size === "string" || (typeof size === "number" && Number.isSafeInteger(size));
    if (Array.isArray(value) && value.length === 2 && Array.from(value).every(isSize)) return true;
    this.findings.malformed(path, "an equality", "two sizes", value);
    return false;
  }

  /** A function; undefined where data is none at all. */
  function(value: unknown, path: string): CheckableFunction | undefined {
    if (!isObject(value) || typeof value.name !== "string") {
      this.findings.malformed(path, "a function", "an object with a name", value);
      return undefined;
    }
    const at = `/functions/${value.name}`;
    const before = this.findings.counts.error;
    const parameters = this.list(value.parameters, `${at}/parameters`, "parameters").map((parameter, i) => {
      const here = `${at}/parameters/${i}`;
      const { name, type } = isObject(parameter) ? parameter : { name: undefined, type: undefined };
      if (typeof name !== "string") this.findings.malformed(here, "a parameter", "a name and a type", parameter);
      return { name: typeof name === "string" ? name : "", type: this.type(type, here) as TensorType };
    });
    const sizes = this.texts(value.sizes, `${at}/sizes`, "sizes");
    const constraints = this.list(value.constraints, `${at}/constraints`, "equalities")
      .filter((item, i) => this.constraint(item, `${at}/constraints/${i}`)) as IrFunction["constraints"];
    const nodes = this.list(value.nodes, `${at}/nodes`, "nodes")
      .map((node, i) => this.node(node, `${at}/nodes/${i}`));
    const returns = this.numbers(value.returns, `${at}/returns`, "returns");
    const sound = this.findings.counts.error === before;
    return { name: value.name, sizes, parameters, constraints, nodes, returns, sound };
  }
}

/** A node as it was read. */
export type Checkable = { readonly node: Node; readonly sound: boolean; readonly path: string };

/** A function as it was read; nodes that could not be are undefined. */
export type CheckableFunction = Omit<IrFunction, "nodes"> & {
  readonly nodes: ReadonlyArray<Checkable | undefined>;
  readonly sound: boolean;
};
