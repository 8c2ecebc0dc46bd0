/**
 * E-graph: many equal terms held at once, as classes of nodes over classes.
 *
 * Knows nothing of programs: an operator is a number, and what it stands for is the caller's affair.
 * Invariant, after `rebuild`: every live node's children are canonical, no two live nodes are equal, and classes are
 * closed under congruence. Source: Willsey et al., "egg: fast and extensible equality saturation", 2021.
 *
 * @module
 */

/** What is known of a class, as bits: facts that hold of the value of every member. */
export type Facts = number;

/** Facts of a node from its operator and the facts of its children. Must be monotone in the children's facts. */
export type FactsOf = (operator: number, childFacts: ReadonlyArray<Facts>) => Facts;

const FIRST_CAPACITY = 64;

const grown = (from: Int32Array, least: number): Int32Array<ArrayBuffer> => {
  const into = new Int32Array(Math.max(least, from.length * 2));
  into.set(from);
  return into;
};

const noFacts: FactsOf = () => 0;

/** A set of equal terms, growing. */
export class EGraph {
  #operators = new Int32Array(FIRST_CAPACITY);
  #starts = new Int32Array(FIRST_CAPACITY + 1);
  #children = new Int32Array(FIRST_CAPACITY * 2);
  #owners = new Int32Array(FIRST_CAPACITY);
  #dead = new Uint8Array(FIRST_CAPACITY);
  #nodes = 0;
  #live = 0;
  #table = new Int32Array(FIRST_CAPACITY * 4);
  #filled = 0;
  #leaders = new Int32Array(FIRST_CAPACITY);
  readonly #members: Array<Array<number>> = [];
  readonly #parents: Array<Array<number>> = [];
  readonly #facts: Array<Facts> = [];
  readonly #byOperator = new Map<number, Array<number>>();
  readonly #factsOf: FactsOf;
  #dirty: Array<number> = [];
  #classes = 0;
  #unions = 0;

  /** An empty graph; `factsOf` is what its classes know. */
  constructor(factsOf: FactsOf = noFacts) {
    this.#factsOf = factsOf;
  }

  /** Number of classes. */
  get classCount(): number {
    return this.#classes;
  }

  /** Number of distinct nodes. */
  get nodeCount(): number {
    return this.#live;
  }

  /** Number of unions so far: it grows exactly when something new became equal. */
  get unionCount(): number {
    return this.#unions;
  }

  /** One more than the largest class id ever given. */
  get classBound(): number {
    return this.#members.length;
  }

  /** The canonical id of a class. */
  find(id: number): number {
    const leaders = this.#leaders;
    let root = id;
    while (leaders[root] !== root) root = leaders[root];
    for (let at = id; at !== root;) {
      const next = leaders[at];
      leaders[at] = root;
      at = next;
    }
    return root;
  }

  /** The class of an operator over classes; a node that stands already is not added again. */
  add(operator: number, children: ReadonlyArray<number>): number {
    const canonical = children.map((child) => this.find(child));
    const known = this.#lookup(operator, canonical);
    if (known >= 0) return this.find(this.#owners[known]);
    const node = this.#store(operator, canonical);
    const id = this.#makeClass(node);
    this.#owners[node] = id;
    this.#insert(node);
    for (const child of canonical) this.#parents[child].push(node);
    const list = this.#byOperator.get(operator);
    if (list === undefined) this.#byOperator.set(operator, [node]);
    else list.push(node);
    this.#facts[id] = this.#factsOfNode(node);
    return id;
  }

  /** The class that already holds an operator over classes, or −1. */
  classWith(operator: number, children: ReadonlyArray<number>): number {
    const node = this.#lookup(operator, children.map((child) => this.find(child)));
    return node < 0 ? -1 : this.find(this.#owners[node]);
  }

  /** Makes two classes equal; call `rebuild` before searching again. */
  union(a: number, b: number): number {
    let keep = this.find(a);
    let drop = this.find(b);
    if (keep === drop) return keep;
    if (this.#parents[keep].length < this.#parents[drop].length) [keep, drop] = [drop, keep];
    this.#leaders[drop] = keep;
    this.#classes--;
    this.#unions++;
    // What one side knew and the other did not must reach the parents of both: every parent is looked at again.
    for (const node of this.#members[drop]) this.#members[keep].push(node);
    for (const node of this.#parents[drop]) this.#parents[keep].push(node);
    this.#facts[keep] |= this.#facts[drop];
    this.#members[drop] = [];
    this.#parents[drop] = [];
    this.#dirty.push(keep);
    return keep;
  }

  /** Restores the invariant after unions. */
  rebuild(): void {
    while (this.#dirty.length > 0) {
      const work = new Set(this.#dirty.map((id) => this.find(id)));
      this.#dirty = [];
      for (const id of work) this.#repair(id);
    }
  }

  /** Facts of a class. */
  facts(id: number): Facts {
    return this.#facts[this.find(id)];
  }

  /** Nodes of a class, in the order in which they came. */
  nodesOf(id: number): ReadonlyArray<number> {
    const root = this.find(id);
    const members = this.#members[root];
    if (!members.some((node) => this.#dead[node] === 1)) return members;
    return this.#members[root] = members.filter((node) => this.#dead[node] === 0);
  }

  /** Live nodes of an operator, in the order in which they came. */
  nodesWith(operator: number): ReadonlyArray<number> {
    const nodes = this.#byOperator.get(operator) ?? [];
    const live = nodes.filter((node) => this.#dead[node] === 0);
    if (live.length < nodes.length) this.#byOperator.set(operator, live);
    return live;
  }

  /** Canonical class ids, ascending. */
  classes(): ReadonlyArray<number> {
    return this.#members.flatMap((_, id) => this.#leaders[id] === id ? [id] : []);
  }

  /** Operator of a node. */
  operatorOf(node: number): number {
    return this.#operators[node];
  }

  /** The class that a node belongs to. */
  classOf(node: number): number {
    return this.find(this.#owners[node]);
  }

  /** Number of a node's children. */
  arityOf(node: number): number {
    return this.#starts[node + 1] - this.#starts[node];
  }

  /** The class of a node's child. */
  childOf(node: number, index: number): number {
    return this.find(this.#children[this.#starts[node] + index]);
  }

  #factsOfNode(node: number): Facts {
    const children: Array<Facts> = [];
    for (let i = 0; i < this.arityOf(node); i++) children.push(this.#facts[this.childOf(node, i)]);
    return this.#factsOf(this.#operators[node], children);
  }

  #store(operator: number, children: ReadonlyArray<number>): number {
    const node = this.#nodes++;
    const start = this.#starts[node];
    if (node >= this.#operators.length) {
      this.#operators = grown(this.#operators, node + 1);
      this.#owners = grown(this.#owners, node + 1);
      this.#starts = grown(this.#starts, this.#operators.length + 1);
      const dead = new Uint8Array(this.#operators.length);
      dead.set(this.#dead);
      this.#dead = dead;
    }
    if (start + children.length > this.#children.length) {
      this.#children = grown(this.#children, start + children.length);
    }
    this.#operators[node] = operator;
    this.#children.set(children, start);
    this.#starts[node + 1] = start + children.length;
    this.#live++;
    return node;
  }

  #makeClass(node: number): number {
    const id = this.#members.length;
    if (id >= this.#leaders.length) this.#leaders = grown(this.#leaders, id + 1);
    this.#leaders[id] = id;
    this.#members.push([node]);
    this.#parents.push([]);
    this.#facts.push(0);
    this.#classes++;
    return id;
  }

  #repair(id: number): void {
    const root = this.find(id);
    const parents = this.#parents[root];
    this.#parents[root] = [];
    const kept = new Set<number>();
    for (const node of parents) {
      if (this.#dead[node] === 1 || kept.has(node)) continue;
      for (let at = this.#starts[node]; at < this.#starts[node + 1]; at++) {
        this.#children[at] = this.find(this.#children[at]);
      }
      const twin = this.#twinOf(node);
      if (twin < 0) {
        kept.add(node);
        this.#insert(node);
        this.#learn(node);
        continue;
      }
      if (twin === node) {
        kept.add(node);
        this.#learn(node);
        continue;
      }
      this.#dead[node] = 1;
      this.#live--;
      this.union(this.#owners[twin], this.#owners[node]);
    }
    const into = this.#parents[this.find(root)];
    for (const node of kept) into.push(node);
  }

  /** Tells a node's class what its children have come to know. */
  #learn(node: number): void {
    const owner = this.find(this.#owners[node]);
    const facts = this.#facts[owner] | this.#factsOfNode(node);
    if (facts === this.#facts[owner]) return;
    this.#facts[owner] = facts;
    this.#dirty.push(owner);
  }

  #hash(operator: number, children: (index: number) => number, count: number): number {
    let hash = Math.imul(operator ^ 0x9e3779b9, 0x85ebca6b);
    for (let i = 0; i < count; i++) {
      hash = Math.imul(hash ^ children(i), 0xc2b2ae35);
      hash ^= hash >>> 15;
    }
    return hash ^ (hash >>> 13);
  }

  #equals(node: number, operator: number, children: ReadonlyArray<number>): boolean {
    const start = this.#starts[node];
    if (this.#operators[node] !== operator || this.#starts[node + 1] - start !== children.length) return false;
    for (let i = 0; i < children.length; i++) if (this.#children[start + i] !== children[i]) return false;
    return true;
  }

  #lookup(operator: number, children: ReadonlyArray<number>): number {
    const mask = this.#table.length - 1;
    let slot = this.#hash(operator, (i) => children[i], children.length) & mask;
    for (; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const node = this.#table[slot] - 1;
      if (this.#dead[node] === 0 && this.#equals(node, operator, children)) return node;
    }
    return -1;
  }

  /** The live node in the table that equals a node (itself, where it stands at its place), or −1. */
  #twinOf(node: number): number {
    const start = this.#starts[node];
    const children = Array.from(this.#children.subarray(start, this.#starts[node + 1]));
    return this.#lookup(this.#operators[node], children);
  }

  #insert(node: number): void {
    if ((this.#filled + 1) * 2 > this.#table.length) this.#rehash();
    this.#place(node);
  }

  #place(node: number): void {
    const mask = this.#table.length - 1;
    const start = this.#starts[node];
    const count = this.#starts[node + 1] - start;
    let slot = this.#hash(this.#operators[node], (i) => this.#children[start + i], count) & mask;
    while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
    this.#table[slot] = node + 1;
    this.#filled++;
  }

  /**
   * Builds the table anew. Entries whose children have changed since stand at a wrong place until their class is
   * repaired, which cannot mislead: a lookup compares what it finds. The new table leaves the dead out.
   */
  #rehash(): void {
    const size = Math.max(this.#live * 4, FIRST_CAPACITY * 4);
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(size)));
    this.#filled = 0;
    const seen = this.#nodes;
    for (let node = 0; node < seen; node++) if (this.#dead[node] === 0) this.#place(node);
  }
}
