/**
 * Name candidates: what a name that nothing binds may have been meant to be.
 *
 * Invariant: nothing here is known to mend; every candidate is tried by a check before it is offered (repair.ts).
 *
 * @module
 */
import { nearest } from "../../../kernel/mod.ts";
import { app, ref, Tag } from "../expression.ts";
import { nearestOps, opNamed } from "../opcodes.ts";
import { nodeAtPath } from "../tools/ast_path.ts";
import { type Faulty, likelyNames, namesIn, parentOf, shown } from "./candidate.ts";
import { type Candidate, change } from "./edits.ts";
import type { Fault } from "./fault.ts";

/** For names that nothing binds. */
export function* unbound(fault: Fault, faulty: Faulty): Generator<Candidate> {
  const { program, symbols } = faulty;
  const node = nodeAtPath(program, fault.path);
  const wanted = String(fault.failure.suggestions[0] ?? symbols.nameOf(node.code) ?? "");
  const name = node.tag === Tag.Ref ? symbols.nameOf(node.code) ?? wanted : wanted;
  const names = namesIn(fault.scope, faulty);
  const near = nearest(name, names.map((each) => each.name), 3);
  for (const text of near) {
    const { sym } = names.find((each) => each.name === text)!;
    yield change(`Did you mean ${shown(text)}?`, fault.path, (own) => own.tag === Tag.Ref ? ref(sym) : undefined);
  }
  const called = parentOf(fault.path, "/func");
  for (const op of nearestOps(name, 3)) {
    const code = opNamed(op)!.code;
    if (called === undefined) {
      yield change(`Did you mean ${op}?`, fault.path, (own) => own.tag === Tag.Ref ? app(code) : undefined);
    } else yield change(`Did you mean ${op}?`, called, (own) => app(code, own.children.slice(1)));
  }
  for (const { sym, name: text } of likelyNames(fault, faulty)) {
    yield change(`Use ${shown(text)}`, fault.path, (own) => own.tag === Tag.Ref ? ref(sym) : undefined);
  }
}
