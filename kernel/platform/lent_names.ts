/**
 * Lent names: what a plugin that came as an npm package imports by the names that docs/writing-a-plugin.md gives,
 * resolved as our own code resolves them.
 *
 * An import map does not reach into packages, and a second copy of `effect` beside ours would not be ours; so a package
 * needs neither name among its dependencies. Its own dependencies keep theirs.
 * Invariant: only the plugin's own files are lent to, and only these names.
 *
 * @module
 */
import { registerHooks } from "node:module";

const PACKAGE = /^npm:((?:@[^@/]+\/)?[^@/]+)@([^/]+)/u;
const LENT = /^(?:@rmi\/rmi\/plugin|effect\/\w+)$/u;

/** Lends our names to the package of an entry, once in a process; nothing to do where the entry is none. */
export const lendNames = (entry: string): void => {
  const found = PACKAGE.exec(entry);
  if (found === null) return;
  const folder = `/${found[1]}/${found[2]}/`;
  registerHooks({
    resolve: (specifier, context, next) =>
      LENT.test(specifier) && context.parentURL?.includes(folder)
        ? next(specifier, { ...context, parentURL: import.meta.url })
        : next(specifier, context),
  });
};
