/**
 * Buckets: items by id in a fixed number of parts, so that a change of one copies a part and not all.
 *
 * Invariant: plain JSON, never changed in place; an id finds what was put under it, whatever its spelling.
 *
 * @module
 */
import { hashText } from "../text.ts";

/** Items by bucket and id. */
export interface Buckets<A> {
  /** The parts. */
  readonly buckets: { readonly [bucket: string]: { readonly [id: string]: A } };
}

const BUCKETS = 512;

const bucketOf = (id: string): string => String(hashText(id) % BUCKETS);

/** The item of an id. */
export const find = <A>({ buckets }: Buckets<A>, id: string): A | undefined => {
  const bucket = bucketOf(id);
  if (!Object.hasOwn(buckets, bucket)) return undefined;
  return Object.hasOwn(buckets[bucket], id) ? buckets[bucket][id] : undefined;
};

/** With an item under an id. */
export const put = <A>({ buckets }: Buckets<A>, id: string, item: A): Buckets<A> => {
  const bucket = bucketOf(id);
  return { buckets: { ...buckets, [bucket]: { ...buckets[bucket], [id]: item } } };
};

/** Every item, in no order that means anything. */
export const items = <A>({ buckets }: Buckets<A>): ReadonlyArray<A> =>
  Object.values(buckets).flatMap((bucket) => Object.values(bucket));
