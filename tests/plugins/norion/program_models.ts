/** Workspaces with programs as models: each prints one answer whatever it is asked. */
import * as Effect from "effect/Effect";
import type { Failure, Json, JsonObject, Kernel } from "../../../kernel/mod.ts";
import { openRmi } from "../../../plugins/open.ts";
import { callAs } from "../../workspace.ts";

/** A program that is a model. */
export interface ProgramModel {
  /** What it answers. */
  readonly answer: string;
  /** What routing knows of it. */
  readonly quality: number;
  /** Likewise. */
  readonly cost: number;
}

/** Runs in a workspace whose models are `command:<name>`, under a policy that allows everything. */
export const withPrograms = async (
  models: { readonly [name: string]: ProgramModel },
  body: (kernel: Kernel, folder: string) => Effect.Effect<void, unknown>,
): Promise<void> => {
  const folder = Deno.realPathSync(Deno.makeTempDirSync());
  const write = (name: string, value: unknown) =>
    Deno.writeTextFileSync(`${folder}/${name}`, JSON.stringify(value as Json));
  try {
    const names = Object.keys(models);
    for (const name of names) write(`${name}.json`, { version: 1, answer: models[name].answer });
    write("rmi.policy.json", {
      format: 1,
      rules: [{ name: "all", decision: "allow" }],
      programs: names.map((name) => ({ name, command: "/bin/cat", arguments: [`${folder}/${name}.json`] })),
    });
    write("rmi.models.json", {
      format: 1,
      models: names.map((name) => {
        const { quality, cost } = models[name];
        return { id: `command:${name}`, program: name, quality, cost };
      }),
    });
    await Effect.runPromise(
      Effect.scoped(Effect.flatMap(openRmi({ workspace: folder }), (kernel) => body(kernel, folder))) as Effect.Effect<
        void
      >,
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
};

/** Calls an operation whose answer is an object. */
export const call = (kernel: Kernel, operation: string, input: JsonObject): Effect.Effect<JsonObject, Failure> =>
  callAs(kernel, operation, input) as Effect.Effect<JsonObject, Failure>;
