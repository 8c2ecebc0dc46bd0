/**
 * The doctor on described machines, against texts that were read and approved by a person; and on this one.
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import { doctorReport, doctorText, type Finding, type Machine, Report } from "../../kernel/doctor.ts";
import { readMachine } from "../../kernel/platform/machine.ts";

const permissions = (states: Record<string, "all" | "some" | "none">): Machine["permissions"] =>
  ["read", "write", "net", "env", "sys", "ffi", "run"].map((name) => ({ name, state: states[name] ?? "none" }));

const packages = [
  { name: "onnxruntime-node", version: "1.30.0", sizeMb: 288, purpose: "run whole ONNX graphs on native engines" },
  { name: "z3-solver", version: "5.2.0", sizeMb: 35, purpose: "solve constraints over integers and reals" },
];

const MACHINES: Record<string, Machine> = {
  linux: {
    os: "linux",
    osRelease: "6.1.0-18-amd64",
    arch: "x64",
    cores: 16,
    memoryMb: 131_072,
    versions: [["rmi", "0.1.0"], ["deno", "2.9.6"], ["v8", "15.0.1"], ["typescript", "6.0.3"]],
    mode: "supervised",
    permissions: permissions({ read: "some", write: "some", sys: "all" }),
    residentGuard: "enforced",
    devices: [{ kind: "webgpu", name: "NVIDIA H100 PCIe", software: false }],
    packages: packages.map((row, index) => ({ ...row, installed: index === 0 })),
  },
  macos: {
    os: "darwin",
    osRelease: "25.1.0",
    arch: "arm64",
    cores: 10,
    memoryMb: 32_768,
    versions: [["rmi", "0.1.0"], ["deno", "2.9.6"], ["v8", "15.0.1"], ["typescript", "6.0.3"]],
    mode: "library",
    permissions: permissions({ read: "all", write: "all", net: "all", env: "all", sys: "all", ffi: "all", run: "all" }),
    residentGuard: "watched",
    devices: [{ kind: "webgpu", name: "Apple M4", software: false }],
    packages: packages.map((row) => ({ ...row, installed: false })),
  },
  windows: {
    os: "windows",
    arch: "x64",
    cores: 8,
    versions: [["rmi", "0.1.0"], ["deno", "2.9.6"], ["v8", "15.0.1"], ["typescript", "6.0.3"]],
    mode: "library",
    permissions: permissions({ read: "some" }),
    residentGuard: "none",
    devices: [],
    packages,
  },
};

for (const [name, machine] of Object.entries(MACHINES)) {
  Deno.test(`the text for a ${name} machine is the approved one`, () => {
    const golden = Deno.readTextFileSync(new URL(`./doctor/${name}.txt`, import.meta.url));
    assert.equal(doctorText(doctorReport(machine)), golden);
  });
}

const finding = (machine: Machine, title: string, what: string): Finding => {
  const section = doctorReport(machine).sections.find((section) => section.title === title);
  const found = section?.findings.find((finding) => finding.what === what);
  assert.ok(found, `${title}: ${what}`);
  return found;
};

Deno.test("where a resident limit cannot be had, the doctor says so and what to do", () => {
  const { standing, detail, get } = finding(MACHINES.windows, "Sandbox", "memory limit");
  assert.equal(standing, "absent");
  assert.match(detail, /array buffers of a child are not bounded/u);
  assert.ok(get);
});

Deno.test("used as a library the doctor says that the host's permissions apply", () => {
  assert.match(finding(MACHINES.macos, "Permissions", "mode").detail, /host program's permissions apply/u);
  assert.match(finding(MACHINES.linux, "Permissions", "mode").detail, /supervised/u);
});

Deno.test("a library that may not start processes has no sandbox children, a supervised one has", () => {
  assert.equal(finding(MACHINES.windows, "Sandbox", "child processes").standing, "absent");
  assert.equal(finding(MACHINES.linux, "Sandbox", "child processes").standing, "ok");
});

Deno.test("every absent thing says how to get it, except a device that no step of a person's brings", () => {
  for (const machine of Object.values(MACHINES)) {
    for (const { findings } of doctorReport(machine).sections) {
      for (const { standing, what, get } of findings) if (standing === "absent") assert.ok(get, what);
    }
  }
  assert.equal(finding({ ...MACHINES.macos, devices: [] }, "Devices", "webgpu").get, undefined);
});

Deno.test("a software adapter is told apart from a device", () => {
  const machine = { ...MACHINES.linux, devices: [{ kind: "webgpu" as const, name: "llvmpipe", software: true }] };
  assert.equal(finding(machine, "Devices", "webgpu").standing, "note");
});

Deno.test("a report survives its schema", () => {
  for (const machine of Object.values(MACHINES)) {
    const report = doctorReport(machine);
    assert.deepEqual(Schema.decodeUnknownSync(Report)(JSON.parse(JSON.stringify(report))), report);
  }
});

Deno.test("this machine is described, and what is not there is said to be absent", async () => {
  const machine = await Effect.runPromise(readMachine([
    { name: "effect", version: "4.1.0", sizeMb: 61, purpose: "everything" },
    { name: "no-such-package", version: "1.0.0", sizeMb: 1, purpose: "nothing" },
  ]));
  assert.equal(machine.os, Deno.build.os);
  assert.equal(machine.cores, navigator.hardwareConcurrency);
  assert.equal(machine.mode, "library");
  assert.deepEqual(machine.packages.map(({ installed }) => installed), [true, false]);
  assert.deepEqual(machine.permissions.find(({ name }) => name === "read"), { name: "read", state: "all" });
  assert.ok(doctorText(doctorReport(machine)).length > 0);
});
