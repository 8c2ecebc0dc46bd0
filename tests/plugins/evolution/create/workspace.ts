/**
 * Workspace: a fresh folder with a system in it, and the main job called there.
 */
import type { JsonObject } from "../../../../kernel/mod.ts";
import { type Client, rmi } from "../../../../mod.ts";
import type { CreateResult } from "../../../../plugins/evolution/create/result.ts";

/** Uses a system in a folder of its own, which is removed afterwards. */
export const inWorkspace = async <A>(use: (system: Client, folder: string) => Promise<A>): Promise<A> => {
  const folder = Deno.makeTempDirSync();
  try {
    await using system = rmi({ workspace: folder });
    return await use(system, folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
};

/** Calls the main job. */
export const create = async (system: Client, input: JsonObject): Promise<JsonObject> =>
  await system.call("evolution.create", input) as JsonObject;

/** What a run wrote down. */
export const resultIn = (folder: string, run: unknown): CreateResult =>
  JSON.parse(Deno.readTextFileSync(`${folder}/out/${run}/result.json`));
