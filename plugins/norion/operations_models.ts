/**
 * Declarations of devices, models and gates: `norion.devices`, `norion.models`, `norion.gate`.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { operation, role } from "../../kernel/operation.ts";
import { declare } from "./declaration.ts";
import { REACHES } from "./models/reach.ts";

const Words = Schema.Array(Schema.String);
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const Origin = Schema.Literals(["measured", "assumed", "override"]);

const DeviceRow = Schema.Struct({
  name: Schema.String,
  aliases: Words,
  memoryMiB: Count,
  parallel: Count,
  prefetch: Count,
  latencyMs: Schema.Finite,
  cacheBits: Count,
});

/** `norion.devices`. */
export const Devices = operation("norion.devices", {
  ...declare,
  summary: "Say what requests are planned for: this machine, the named devices, and the backends found here.",
  input: {
    measure: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "whether to look at this machine; needs sys. Default false" }),
    ),
  },
  output: Schema.Struct({
    here: Schema.Struct({
      device: DeviceRow,
      cores: Schema.optionalKey(Count),
      load: Schema.Struct({ cpu: Schema.Finite, gpu: Schema.Finite, memory: Schema.Finite, disk: Schema.Finite }),
      provenance: Schema.Struct({ descriptor: Origin, load: Origin }),
      assumed: Words.annotate({ description: "numbers nobody measured" }),
      contract: Schema.String.annotate({ description: "what a short request may use, as one line of JSON" }),
    }),
    presets: Schema.Array(DeviceRow),
    backends: Schema.Array(
      Schema.Struct({ id: Schema.String, devices: Words, absence: Schema.optionalKey(Schema.String) }),
    ),
  }),
  effects: [],
  kinds: ["sys"],
  refine: ({ measure }) => ({ effects: [], kinds: measure === true ? ["sys"] : [] }),
  idempotent: true,
  cost: { compute: "one look at the machine and at each backend" },
  examples: [
    {
      input: {},
      output: {
        here: { device: { name: "cpu" }, provenance: { descriptor: "assumed", load: "assumed" } },
        presets: [{ name: "cpu" }, { name: "integrated-gpu" }],
      },
    },
    { title: "measured", input: { measure: true }, output: { here: { provenance: { descriptor: "measured" } } } },
  ],
});

/** `norion.models`. */
export const ModelsFor = operation("norion.models", {
  ...declare,
  summary: "List the models that may answer: the embedded one and those of rmi.models.json, with what each can do.",
  input: {
    reach: Schema.optionalKey(
      Schema.Literals(REACHES).annotate({ description: "how far a request may travel; network where absent" }),
    ),
  },
  output: Schema.Struct({
    models: Schema.Array(Schema.Struct({
      id: Schema.String,
      kind: Schema.String,
      locality: Schema.String,
      quality: Schema.Finite,
      cost: Schema.Finite,
      window: Count,
      latencyMs: Schema.Finite,
      streaming: Schema.Boolean,
      deterministic: Schema.Boolean,
      countsTokens: Schema.Boolean,
      cacheBlocks: Schema.Boolean,
      notes: Words,
    })),
  }),
  effects: ["readLocal"],
  idempotent: true,
  cost: { compute: "linear in the list; no model is asked" },
  examples: [{
    input: {},
    output: { models: [{ id: "heuristic", kind: "heuristic", locality: "process", streaming: false }] },
  }],
});

/** The gates, with what each looks at. */
export const GATES = {
  device: "the plans for every named device, and the devices found here by computing with them",
  manifest: "a runtime's manifest and its files: digests, containers, shapes, adapters",
  memory: "everything that is remembered, for contradictions in itself",
  trace: "the record of requests: claims without the events that they claim",
  benchmark: "a measurement of a genome against the one before",
} as const;

/** `norion.gate`. */
export const Gate = operation("norion.gate", {
  ...declare,
  summary:
    "Check a part of norion for CI: succeeds where every check holds, fails with the reasons where one does not.",
  input: {
    kind: Schema.Literals(Object.keys(GATES) as ReadonlyArray<keyof typeof GATES>).annotate({
      description: Object.entries(GATES).map(([kind, what]) => `${kind}: ${what}`).join("; "),
    }),
    file: Schema.optionalKey(role("readPath", "the manifest, or the measurement to judge")),
    baseline: Schema.optionalKey(role("readPath", "the measurement before")),
    device: Schema.optionalKey(
      Schema.String.annotate({
        description: "a device by name: the only one planned for, or the one that must be supported",
      }),
    ),
  },
  output: Schema.Struct({
    kind: Schema.String,
    checks: Schema.Array(Schema.Struct({ name: Schema.String, state: Schema.String, detail: Schema.String })),
    unchecked: Words.annotate({ description: "what this gate did not look at" }),
  }),
  effects: ["readLocal"],
  idempotent: true,
  cost: { compute: "linear in what is looked at; for devices, seconds" },
  examples: [
    {
      title: "one device",
      input: { kind: "device", device: "microcontroller" },
      output: { kind: "device", checks: [{ name: "preset microcontroller", state: "holds" }] },
    },
    {
      given: [{ operation: "norion.remember", input: { text: "The deploy window is Friday." } }],
      input: { kind: "memory" },
      output: { kind: "memory", checks: [{ name: "strengths are within their bounds", state: "holds" }] },
    },
    {
      given: [{ operation: "norion.ask", input: { prompt: "What is 2 + 2?" } }],
      input: { kind: "trace" },
      output: { kind: "trace" },
    },
    { title: "no such device", input: { kind: "device", device: "toaster" }, failure: "NORION_DEVICE" },
    { title: "a gate that needs a file", input: { kind: "manifest" }, failure: "KERNEL_INVALID_INPUT" },
  ],
});

/** Declarations of devices, models and gates. */
export const MODEL_OPERATIONS = [Devices, ModelsFor, Gate] as const;
