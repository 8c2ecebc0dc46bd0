/**
 * The kernel's own plugin: the operations through which callers discover everything else.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { bootTree } from "./boot.ts";
import { CallContext } from "./context.ts";
import { doctorReport, doctorText, type Machine } from "./doctor.ts";
import { failureToJson } from "./failure.ts";
import { facilityAbsent } from "./failures.ts";
import type { Kernel } from "./kernel.ts";
import { BootReport, Describe, Doctor, Manifest, operations, Search } from "./operations.ts";
import { implementation, type Plugin } from "./plugin.ts";
import { VERSION } from "./version.ts";

/** How the machine is described. */
type ReadMachine = Effect.Effect<Machine> | undefined;

/** The plugin `kernel`, answering for the kernel that `self` gives once it is open. */
export const kernelPlugin = (self: () => Kernel, machine?: ReadMachine): Plugin => ({
  id: "kernel",
  version: VERSION,
  summary: "Discovery: what there is, how to call it, how it started.",
  provides: [],
  requires: [],
  effects: ["readLocal"],
  kinds: ["sys", "env"],
  stability: "stable",
  namespaces: [{
    name: "kernel",
    summary: "discover operations: manifest, search, describe, doctor",
    priority: 100,
    aliases: {
      manifest: "kernel.manifest",
      describe: "kernel.describe",
      search: "kernel.search",
      doctor: "kernel.doctor",
    },
    recipes: [
      { task: "find and call an operation", steps: ["kernel.manifest", "kernel.search", "kernel.describe"] },
    ],
  }],
  operations: () => operations,
  load: () => ({ default: handlers(self, machine) }),
});

const handlers = (self: () => Kernel, machine: ReadMachine) =>
  implementation({
    operations: [Manifest, Describe, Search, BootReport, Doctor],
    requires: [],
    layer: Layer.empty,
    handlers: {
      "kernel.manifest": () =>
        Effect.gen(function* () {
          const { actor } = yield* CallContext;
          return { version: VERSION, text: yield* self().manifest(actor) };
        }),
      "kernel.describe": ({ id }) =>
        Effect.gen(function* () {
          const { actor } = yield* CallContext;
          const described = self().describe(id, actor).pipe(
            Effect.map(({ declaration, ...rest }) => ({ ...rest, ...declaration, examples: rest.examples })),
          );
          return yield* Effect.catch(
            described,
            (failure) => failure.code === "KERNEL_UNKNOWN_OPERATION" ? self().explain(id, actor) : Effect.fail(failure),
          );
        }),
      "kernel.search": ({ query, limit }) =>
        Effect.gen(function* () {
          const { actor } = yield* CallContext;
          return { hits: yield* self().search(query, actor, limit) };
        }),
      "kernel.doctor": () =>
        machine === undefined
          ? Effect.fail(
            facilityAbsent({ facility: "the doctor", reason: "this kernel was opened without a machine to look at" }),
          )
          : Effect.map(machine, (found) => {
            const report = doctorReport(found);
            return { text: doctorText(report), report };
          }),
      "kernel.boot": () =>
        Effect.sync(() => {
          const lines = self().boot();
          return {
            tree: bootTree(lines),
            plugins: lines.map(({ failure, ...line }) => ({
              ...line,
              ...(failure ? { failure: failureToJson(failure) } : {}),
            })),
            dangling: self().dangling,
          };
        }),
    },
  });
