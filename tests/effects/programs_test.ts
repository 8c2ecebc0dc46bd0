/** A person's programs, really started: what they get, how they end, and that nothing else can be started. */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import assert from "node:assert/strict";
import { readPolicy } from "../../effects/policy_file.ts";
import { layerPrograms, type ProgramEnd, type ProgramLimits, Programs } from "../../effects/programs.ts";
import type { Json, KernelFailure } from "../../kernel/mod.ts";
import { layerSupervisorLocal } from "../../kernel/platform/supervisor.ts";
import { granted } from "../grants.ts";
import { inWorkspace } from "./workspace.ts";

const POLICY = {
  format: 1,
  rules: [],
  programs: [
    { name: "echo", command: "cat" },
    { name: "words", command: "printf", arguments: ["%s|", "a b", "$HOME", "; true"] },
    { name: "variables", command: "env", variables: ["RMI_TEST_VARIABLE"] },
    { name: "slow", command: "sleep", arguments: ["60"] },
    { name: "flood", command: "yes" },
    { name: "failing", command: "ls", arguments: ["/no/such/folder"] },
    { name: "nowhere", command: "/no/such/program" },
  ],
};

const running = (
  program: string,
  input: Json = null,
  limits?: Partial<ProgramLimits>,
  options: Parameters<typeof granted>[1] = {},
): Promise<ProgramEnd | KernelFailure> =>
  inWorkspace((folder) => {
    Deno.writeTextFileSync(`${folder}/rmi.policy.json`, JSON.stringify(POLICY));
    const place = layerSupervisorLocal({ workspace: folder, root: import.meta.resolve("../../"), optional: {} });
    const body = Effect.flatMap(Programs, (programs) => granted(programs.run(program, input, limits), options)).pipe(
      Effect.provide(layerPrograms.pipe(Layer.provide(place))),
      Effect.catch((failure) => Effect.succeed(failure)),
    );
    return Effect.runPromise(body);
  });

Deno.test("a program gets its input as one line of JSON and its arguments as the file has them, through no shell", async () => {
  const uses: string[] = [];
  const input = { text: "line\nbreak", n: [1, 2] };
  const end = await running("echo", input, {}, { uses }) as ProgramEnd;
  assert.deepEqual(end, { code: 0, output: JSON.stringify(input) + "\n", complaint: "" });
  assert.deepEqual(uses, ["exec echo"]);
  assert.equal((await running("words") as ProgramEnd).output, "a b|$HOME|; true|");
});

Deno.test("a program sees no variable that was not named for it", async () => {
  Deno.env.set("RMI_TEST_VARIABLE", "seen");
  Deno.env.set("RMI_TEST_SECRET", "hidden");
  try {
    const { output } = await running("variables") as ProgramEnd;
    assert.match(output, /^RMI_TEST_VARIABLE=seen$/mu);
    assert.doesNotMatch(output, /RMI_TEST_SECRET|hidden/u);
  } finally {
    Deno.env.delete("RMI_TEST_VARIABLE");
    Deno.env.delete("RMI_TEST_SECRET");
  }
});

Deno.test("time and output are bounded, and what cannot be started or fails says so", async () => {
  assert.equal((await running("slow", null, { wallMs: 100 }) as ProgramEnd).stopped, "timeout");
  assert.equal((await running("flood", null, { outputBytes: 1000 }) as ProgramEnd).stopped, "output");
  const failing = await running("failing") as ProgramEnd;
  assert.ok(failing.code > 0 && failing.complaint.includes("/no/such/folder") && failing.stopped === undefined);
  assert.equal((await running("nowhere") as ProgramEnd).stopped, "absent");
});

Deno.test("what the policy file does not name, or a person does not allow, is not started", async () => {
  const unknown = await running("rm") as KernelFailure;
  assert.equal(unknown.code, "KERNEL_PROTOCOL");
  assert.match(unknown.message, /names no program "rm"/u);
  assert.equal((await running("echo", null, {}, { refuse: ["echo"] }) as KernelFailure).code, "KERNEL_DENIED");
  const beyond = await running("echo", null, { wallMs: 1e12 }) as KernelFailure;
  assert.equal(beyond.code, "KERNEL_PROTOCOL");
});

Deno.test("a policy file with a malformed program is refused at its place", () => {
  const fault = (program: unknown, more: ReadonlyArray<unknown> = []) => {
    const read = readPolicy(JSON.stringify({ format: 1, rules: [], programs: [program, ...more] }));
    return read._tag === "Failure" ? `${read.failure.code} ${read.failure.path}` : "read";
  };
  assert.equal(fault({ name: "a", command: "cat", arguments: ["-u"], variables: ["HOME"] }), "read");
  assert.match(fault({ name: "a", command: "sub/dir" }), /\/programs\/0\/command$/u);
  assert.match(fault({ name: "a", command: "cat", shell: true }), /\/programs\/0/u);
  assert.match(fault({ name: "a", command: "cat" }, [{ name: "a", command: "ls" }]), /\/programs\/1\/name$/u);
});
