/**
 * Instance: a template filled with what a pattern bound.
 *
 * Invariant: an instance exists only where every name of the template is bound to what its place takes.
 *
 * @module
 */
import { app, type Attribute, block, call, cond, type Expression, lam, letIn, lit, ref } from "../expression.ts";
import { chainOf, spineOf, stagesOf } from "./chains.ts";
import type { Bindings } from "./match.ts";
import type { AttributeTemplate, Tmpl } from "./pattern.ts";

const attributesOf = (template: AttributeTemplate, bound: Bindings): ReadonlyArray<Attribute> | undefined => {
  const { from, set = [] } = template;
  const base = from === undefined ? { k: "attributes", attributes: [] } as const : bound.get(from);
  if (base?.k !== "attributes") return undefined;
  return [...base.attributes.filter(({ name }) => !set.some((other) => other.name === name)), ...set];
};

/** Instances of a list: names of several are spliced in. */
const instances = (templates: ReadonlyArray<Tmpl>, bound: Bindings): ReadonlyArray<Expression> | undefined => {
  const made: Array<Expression> = [];
  for (const template of templates) {
    const binding = template.k === "Rest" || template.k === "Var" ? bound.get(template.name) : undefined;
    if (binding?.k === "many") {
      made.push(...binding.nodes);
      continue;
    }
    const node = instanceOf(template, bound);
    if (node === undefined) return undefined;
    made.push(node);
  }
  return made;
};

const some = <A>(nodes: ReadonlyArray<A> | undefined): nodes is readonly [A, ...Array<A>] =>
  nodes !== undefined && nodes.length > 0;

/** The instance of a template; `undefined` where a name is unbound, or a pipeline would have no stage. */
export const instanceOf = (template: Tmpl, bound: Bindings): Expression | undefined => {
  switch (template.k) {
    case "Var":
    case "Rest": {
      const binding = bound.get(template.name);
      if (binding?.k === "one") return binding.node;
      return binding?.k === "many" && binding.nodes.length === 1 ? binding.nodes[0] : undefined;
    }
    case "Lit":
      return lit(template.val);
    case "Is":
      return template.node;
    case "Ref": {
      const binding = bound.get(template.sym);
      return binding?.k === "symbol" ? ref(binding.sym) : undefined;
    }
    case "App": {
      const args = instances(template.args, bound);
      const attributes = attributesOf(template.attributes ?? {}, bound);
      return args === undefined || attributes === undefined ? undefined : app(template.op, args, attributes);
    }
    case "Seq": {
      const stages = instances(template.items, bound)?.flatMap(stagesOf);
      return some(stages) ? chainOf(stages) : undefined;
    }
    case "Par": {
      const items = instances(template.items, bound);
      return some(items) ? spineOf(items) : undefined;
    }
    case "Block": {
      const items = instances(template.items, bound);
      return items === undefined ? undefined : block(items);
    }
    case "Cond": {
      const parts = instances([template.pred, template.yes, template.no], bound);
      return parts?.length === 3 ? cond(parts[0], parts[1], parts[2]) : undefined;
    }
    case "Let": {
      const name = bound.get(template.sym);
      const parts = instances([template.val, template.body], bound);
      return name?.k === "symbol" && parts?.length === 2 ? letIn(name.sym, parts[0], parts[1]) : undefined;
    }
    case "Lam": {
      const params = bound.get(template.params);
      const body = instanceOf(template.body, bound);
      return params?.k === "parameters" && body !== undefined ? lam(params.parameters, body) : undefined;
    }
    case "Call": {
      const parts = instances([template.func, ...template.args], bound);
      return some(parts) ? call(parts[0], parts.slice(1)) : undefined;
    }
  }
};
