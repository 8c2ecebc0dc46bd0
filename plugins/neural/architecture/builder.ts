/**
 * Builder: architectures written line by line, and ready-made ones.
 *
 * A builder is a place in an architecture under construction; a fork is another place in the same one.
 * Invariant: all places of one construction see each other's nodes.
 *
 * @module
 */
import { badArchitecture } from "../failures.ts";
import type { Settings } from "../layers/settings.ts";
import { type Architecture, emptyArchitecture, INPUT, nodeNamed } from "./architecture.ts";
import { applyEdit, type Edit, freshName, type NodeSpec } from "./edit.ts";

/** A place in an architecture under construction. */
export class ArchitectureBuilder {
  private constructor(private readonly made: { architecture: Architecture }, private at: string | undefined) {}

  /** Begins an architecture. */
  static of(name: string): ArchitectureBuilder {
    return new ArchitectureBuilder({ architecture: emptyArchitecture(name) }, undefined);
  }

  /** The architecture as it is. */
  get architecture(): Architecture {
    return this.made.architecture;
  }

  /** The id of the node added last at this place. */
  get current(): string | undefined {
    return this.at;
  }

  /** Changes the architecture that all places share. */
  private edit(edit: Edit): void {
    this.made.architecture = applyEdit(this.made.architecture, edit).architecture;
  }

  /** Adds a node, which is then the place. */
  private add(node: NodeSpec): string {
    const id = `n${this.made.architecture.next}`;
    this.edit({ edit: "add", node });
    this.at = id;
    return id;
  }

  /** An input. */
  input(name: string, type: string): this {
    this.add({ name, kind: INPUT, type });
    return this;
  }

  /** A layer on what is here. */
  layer(name: string, kind: string, settings: Settings = {}): this {
    const before = this.at;
    const id = this.add({ name, kind, settings });
    if (before !== undefined) this.edit({ edit: "connect", from: before, to: id });
    return this;
  }

  /** What is here plus what another node gives; the other one is the second input. */
  residualAdd(name: string, from: string): this {
    return this.join(name, "sum", [from]);
  }

  /** A layer on what is here and on what other nodes give, by their names. */
  join(name: string, kind: string, others: ReadonlyArray<string>, settings: Settings = {}): this {
    const ids = others.map((other) => this.idOf(other));
    this.layer(name, kind, settings);
    for (const from of ids) this.edit({ edit: "connect", from, to: this.at! });
    return this;
  }

  /** The id of a name. */
  private idOf(name: string): string {
    const found = nodeNamed(this.made.architecture, name);
    if (found === undefined) throw badArchitecture({ what: "join", reason: `there is no node called ${name}` });
    return found.id;
  }

  /** Another place that begins here. */
  fork(): ArchitectureBuilder {
    return new ArchitectureBuilder(this.made, this.at);
  }

  /** What is here is given out. */
  output(): this {
    if (this.at === undefined) throw badArchitecture({ what: "give outputs", reason: "nothing is here yet" });
    this.edit({ edit: "outputs", ids: [...this.made.architecture.outputs, this.at] });
    return this;
  }

  /** The architecture; what is here is given out where nothing is yet. */
  build(): Architecture {
    if (this.made.architecture.outputs.length === 0 && this.at !== undefined) this.output();
    return this.made.architecture;
  }
}

/** Layers of the widths given with an activation between them. */
export const mlpArchitecture = (
  input: string,
  widths: ReadonlyArray<number>,
  { name = "mlp", activation = "relu" }: { readonly name?: string; readonly activation?: string } = {},
): Architecture => {
  const builder = ArchitectureBuilder.of(name).input("x", input);
  widths.forEach((width, i) => {
    builder.layer(`linear${i + 1}`, "linear", { width });
    if (i + 1 < widths.length) builder.layer(freshName(builder.architecture, `${activation}${i + 1}`), activation);
  });
  return builder.build();
};

/** What a transformer block is told. */
export interface TransformerBlockOptions {
  /** Features of a position. */
  readonly hidden: number;
  /** Features inside the feed-forward part. */
  readonly inner: number;
  /** Heads of attention. */
  readonly heads: number;
  /** Positions; any number, `S`, where absent. */
  readonly positions?: number;
  /** Whether a position sees only itself and earlier ones. */
  readonly causal?: boolean;
}

/** A transformer block with norms before: attention and a feed-forward part, each added to what goes in (9 nodes). */
export const transformerBlockArchitecture = (
  { hidden, inner, heads, positions, causal = false }: TransformerBlockOptions,
): Architecture =>
  ArchitectureBuilder.of("transformer_block")
    .input("x", `f32[B,${positions ?? "S"},${hidden}]`)
    .layer("ln1", "layer_norm")
    .layer("attn", "attn", { heads, causal })
    .residualAdd("residual1", "x")
    .layer("ln2", "layer_norm")
    .layer("ffn1", "linear", { width: inner })
    .layer("gelu", "gelu")
    .layer("ffn2", "linear", { width: hidden })
    .residualAdd("residual2", "residual1")
    .build();
