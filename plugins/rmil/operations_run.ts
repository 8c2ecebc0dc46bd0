/**
 * Operations on the meaning of programs: check and run.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { operation } from "../../kernel/operation.ts";
import { rmilFailures } from "./failures.ts";
import { runFailures } from "./interpreter/failures.ts";
import { hostFailures } from "./hosts/failures.ts";
import { ActingHosts, HOST_LIMITS, hostAuthorities, type HostsGiven, LookingHosts } from "./hosts/operations.ts";
import { Allowed, type GivenProgram, kindsOf, type ProgramKind, ProgramSource, toRead } from "./program_source.ts";
import { ValueJson } from "./value_json.ts";

const InputTypes = Schema.optionalKey(
  Schema.Record(Schema.String, Schema.String).annotate({
    description:
      "types by name, such as f32[8,32]; names the program reads are bound, the others are its input; absent: unknown",
  }),
);

const Training = Schema.optionalKey(
  Schema.Boolean.annotate({ description: "whether dropout drops and statistics are kept" }),
);

const Size = Schema.Union([Schema.Int, Schema.String]).annotate({
  description: "a number, or a polynomial of the sizes that are not known",
});

const declare = {
  failures: [...rmilFailures, ...runFailures, ...hostFailures],
  idempotent: true,
  reversible: true,
  stability: "unstable" as const,
};

const Check = operation("rmil.check", {
  ...declare,
  summary: "Infer a program's type, parameters, effects and cost without running it.",
  input: { program: ProgramSource, inputs: InputTypes, training: Training, hosts: ActingHosts },
  output: Schema.Struct({
    type: Schema.String.annotate({
      description: "τn: anything; ⊥0 a program, ⊥1 a buffer, ⊥2 a term, ⊥3 a tuple whose length only the run knows",
    }),
    parameters: Schema.Array(
      Schema.Struct({ path: Schema.String, type: Schema.String, count: Size, learned: Schema.Boolean }),
    ),
    parameterCount: Size,
    effects: Schema.Array(Schema.String),
    kinds: Schema.Array(Schema.String),
    flops: Size,
    bytes: Size,
    peakBytes: Schema.optionalKey(Schema.Int),
    exact: Schema.Boolean.annotate({ description: "false where a loop, a branch or an input leaves the cost open" }),
    needs: Schema.optionalKey(
      Schema.Array(Schema.String).annotate({
        description: "where no inputs were given: the names it reads; the empty one is the pipeline's input",
      }),
    ),
    signatures: Schema.optionalKey(
      Schema.Array(Schema.Struct({ input: Schema.String, type: Schema.String, parameterCount: Size, flops: Size }))
        .annotate({ description: "what it gives for inputs of common shapes, sizes by name" }),
    ),
  }),
  effects: ["readLocal"],
  refine: ({ program }) => toRead(program),
  cost: { compute: "linear in nodes, for functions at every call" },
  examples: [
    {
      input: { program: { source: "linear(64) >> relu" }, inputs: { x: "f32[8,32]" } },
      output: { type: "f32[8,64]", flops: 33_280, parameterCount: 2112, effects: [], exact: true },
    },
    {
      title: "polymorphic: no inputs are said",
      input: { program: { source: "linear(64) >> relu" } },
      output: { needs: [""], type: "τ2", exact: false },
    },
    {
      title: "several faults in one answer, with the patch that mends them all",
      input: { program: { source: "{ drop(20); if 3 then 1 else 2 }" }, inputs: { x: "f32[2]" } },
      failure: "RMIL_ATTRIBUTE",
    },
    {
      title: "shapes that do not fit",
      input: { program: { source: "matmul(identity, $w)" }, inputs: { x: "f32[2,3]", w: "f32[4,5]" } },
      failure: "RMIL_LAST_AXIS",
    },
  ],
});

const running = {
  program: ProgramSource,
  inputs: Schema.optionalKey(
    Schema.Record(Schema.String, ValueJson).annotate({
      description: "values by name; names the program reads are bound, the others are its input",
    }),
  ),
  seed: Schema.optionalKey(Schema.Int.annotate({ description: "where parameters and draws start; 0 where absent" })),
  fuel: Schema.optionalKey(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)).annotate({ description: "most steps" }),
  ),
  training: Training,
  allow: Allowed,
};

interface Running {
  readonly program: GivenProgram;
  readonly hosts?: HostsGiven;
  readonly allow?: ReadonlyArray<ProgramKind>;
}

const needs = ({ program, hosts, allow }: Running) => {
  const { effects, kinds } = hostAuthorities(hosts);
  return { effects: [...toRead(program).effects, ...effects], kinds: [...kindsOf(program, allow), ...kinds] };
};

const Ran = Schema.Struct({ value: ValueJson, fuelUsed: Schema.Int });

const Run = operation("rmil.run", {
  ...declare,
  summary: "Run a program by the reference interpreter, within fuel, on given inputs.",
  input: { ...running, hosts: LookingHosts },
  output: Ran,
  ...HOST_LIMITS.looking,
  refine: needs,
  cost: { compute: "the program's steps, at most fuel" },
  examples: [
    {
      input: {
        program: { source: "let square = \\(x: f32) -> mul($x, $x) in $square(3.0)" },
      },
      output: { value: { type: "f32", values: [9] } },
    },
    {
      title: "a pipeline on an input",
      input: { program: { source: "add(1) >> mul(2)" }, inputs: { x: { type: "i64", values: ["20"] } } },
      output: { value: { type: "i64", values: ["42"] } },
    },
    {
      title: "an operation of the system as a function of the program",
      input: {
        program: "bytes_of(#relu)",
        hosts: {
          bytes_of: {
            operation: "rmil.encode",
            takes: [{ type: "sym", into: "/source" }],
            gives: { type: "i64", from: "/bytes" },
          },
        },
      },
      output: { value: { type: "i64", values: ["23"] } },
    },
    {
      title: "a program rewritten as data",
      input: { program: { source: "rewrite(rule(X >> identity, X), linear >> identity >> relu)" } },
      output: { value: { program: "linear >> relu" } },
    },
    { title: "division by zero", input: { program: { source: "div(1, 0)" } }, failure: "RMIL_DOMAIN" },
  ],
});

const Act = operation("rmil.act", {
  ...declare,
  summary: "Run a program whose host functions may write, reach the network or ask models, as rmil.run does otherwise.",
  input: { ...running, hosts: ActingHosts },
  output: Ran,
  ...HOST_LIMITS.acting,
  refine: needs,
  // What its host functions do can be anything that they declare.
  idempotent: false,
  reversible: false,
  cost: { compute: "the program's steps, at most fuel, and what its host functions cost" },
  examples: [
    {
      title: "a program that stores programs",
      input: {
        program: "map($keep, (#relu, #tanh))",
        hosts: {
          keep: {
            operation: "rmil.store",
            takes: [{ type: "sym", into: "/program" }],
            gives: { type: "i64", from: "/bytes" },
            effects: ["readLocal", "writeLocal"],
          },
        },
      },
      output: { value: { tuple: [{ type: "i64", values: ["10"] }, { type: "i64", values: ["10"] }] } },
    },
  ],
});

/** The declarations, in order. */
export const runOperations = [Check, Run, Act] as const;
