/**
 * Figures of the registry: a hostile corpus of artifact frames, attacks of a malicious plugin, an empty package cache,
 * and what a plugin's process costs.
 */
import { random } from "../../kernel/mod.ts";
import type { rmi } from "../../plugins/open.ts";
import { mutate } from "../registry/frame_corpus.ts";
import { fromFileUrl } from "../registry/paths.ts";
import { withPlugin } from "../registry/world.ts";

/** How a figure is measured; `progress` is told while it runs. */
interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly goal: string;
  readonly measure: (
    options: { readonly progress: (done: number, total: number) => void },
  ) => Promise<{ readonly value: number; readonly ok: boolean; readonly detail?: unknown }>;
}

const MUTATIONS = 20_000;
const CALLS = 500;

const GREETER = fromFileUrl(new URL("../../examples/greeter.ts", import.meta.url));
const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** Everything an empty cache may receive on the default path. */
const DEFAULT_PACKAGES = ["@msgpack/msgpack", "@noble/hashes", "effect", "lz4-wasm-nodejs"];

const packagesIn = (folder: string): ReadonlyArray<string> => {
  const registry = [...Deno.readDirSync(`${folder}/npm`)].map(({ name }) => name).sort()[0];
  const root = `${folder}/npm/${registry}`;
  return [...Deno.readDirSync(root)].flatMap(({ name }) =>
    name.startsWith("@") ? [...Deno.readDirSync(`${root}/${name}`)].map((inner) => `${name}/${inner.name}`) : [name]
  ).sort();
};

const median = (values: ReadonlyArray<number>): number => [...values].sort((a, b) => a - b)[values.length >> 1];

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  {
    name: "artifact frames: seeded mutations that crash or decode unstably",
    unit: `of ${2 * MUTATIONS}`,
    goal: "0",
    measure: async ({ progress }) => {
      const known = await mutate("acceptance", MUTATIONS, (done) => progress(done, 2 * MUTATIONS));
      // A seed that the code has not seen.
      const seed = String(random(crypto.randomUUID()).uint32());
      const fresh = await mutate(seed, MUTATIONS, (done) => progress(MUTATIONS + done, 2 * MUTATIONS));
      const value = known.crashed + known.unstable + fresh.crashed + fresh.unstable;
      return { value, ok: value === 0, detail: { known, fresh, seed } };
    },
  },
  {
    name: "packages an empty cache receives on the default path",
    unit: "packages",
    goal: "4, by name",
    measure: async () => {
      const cache = Deno.makeTempDirSync();
      try {
        const { code } = await new Deno.Command(Deno.execPath(), {
          args: ["cache", "--quiet", "--no-lock", "--no-check", "plugins/surfaces/cli/main.ts"],
          cwd: ROOT,
          env: { DENO_DIR: cache },
        }).output();
        const names = code === 0 ? packagesIn(cache) : [];
        const ok = JSON.stringify(names) === JSON.stringify(DEFAULT_PACKAGES);
        return { value: names.length, ok, detail: names };
      } finally {
        Deno.removeSync(cache, { recursive: true });
      }
    },
  },
  {
    name: "a call across processes, median",
    unit: "ms",
    goal: "under 20",
    measure: ({ progress }) =>
      withPlugin(GREETER, async (system: ReturnType<typeof rmi>) => {
        const times: Array<number> = [];
        await system.call("greeter.hello", { name: "first" });
        for (let at = 0; at < CALLS; at++) {
          const start = performance.now();
          await system.call("greeter.hello", { name: "Ada" });
          times.push(performance.now() - start);
          progress(at, CALLS);
        }
        const value = Math.round(median(times) * 100) / 100;
        return { value, ok: value < 20 };
      }),
  },
];
