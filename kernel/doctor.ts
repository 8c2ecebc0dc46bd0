/**
 * Doctor: what a machine offers and what is absent, with the way to get it: a report computed from a described machine.
 *
 * Not a probe (kernel/platform/machine.ts reads the real one) and not a judgement: absent is a condition, not a fault.
 * Invariant: the same described machine gives the same report and the same text, anywhere.
 *
 * @module
 */
import * as Schema from "effect/Schema";

/** A permission of the process. */
export interface PermissionState {
  /** Deno's name of it. */
  readonly name: string;
  /** Whole, for some paths, hosts or names only, or none. */
  readonly state: "all" | "some" | "none";
}

/** A device that was found. */
export interface Device {
  /** Through what it is reached. */
  readonly kind: "webgpu";
  /** Its own name. */
  readonly name: string;
  /** Whether it is a processor pretending to be one. */
  readonly software: boolean;
}

/** An optional package and whether it is installed. */
export interface PackageState {
  /** Its name in the npm registry. */
  readonly name: string;
  /** The version that would be used. */
  readonly version: string;
  /** Installed size, megabytes. */
  readonly sizeMb: number;
  /** What it is for. */
  readonly purpose: string;
  /** Whether it is installed; absent where this process cannot see. */
  readonly installed?: boolean;
}

/** A machine, and the process on it that asks. */
export interface Machine {
  /** Operating system: `linux`, `darwin`, `windows`, or another. */
  readonly os: string;
  /** Its release, where the process may know. */
  readonly osRelease?: string;
  /** Processor architecture. */
  readonly arch: string;
  /** Logical processors. */
  readonly cores: number;
  /** Memory, MiB, where the process may know. */
  readonly memoryMb?: number;
  /** Versions by name, in the order in which they are told. */
  readonly versions: ReadonlyArray<readonly [name: string, version: string]>;
  /** Whether a launcher stands between this process and the system. */
  readonly mode: "supervised" | "library";
  /** Permissions of the process. */
  readonly permissions: ReadonlyArray<PermissionState>;
  /** How a sandbox child's resident memory is bounded. */
  readonly residentGuard: "enforced" | "watched" | "none";
  /** Devices found. */
  readonly devices: ReadonlyArray<Device>;
  /** Optional packages. */
  readonly packages: ReadonlyArray<PackageState>;
}

/** How one thing stands: there, there with a limit worth knowing, or absent. */
export type Standing = "ok" | "note" | "absent";

/** One line of a report. */
export interface Finding {
  /** How it stands. */
  readonly standing: Standing;
  /** What it is about. */
  readonly what: string;
  /** What was found, in a few words. */
  readonly detail: string;
  /** How to get it, where it is absent: a command or a step. */
  readonly get?: string;
}

/** One part of a report. */
export interface Section {
  /** Its title. */
  readonly title: string;
  /** Its lines. */
  readonly findings: ReadonlyArray<Finding>;
}

/** A report. */
export interface Report {
  /** Its parts. */
  readonly sections: ReadonlyArray<Section>;
}

/** Schema of {@link Section}. */
export const Section: Schema.Codec<Section> = Schema.Struct({
  title: Schema.String,
  findings: Schema.Array(Schema.Struct({
    standing: Schema.Literals(["ok", "note", "absent"]),
    what: Schema.String,
    detail: Schema.String,
    get: Schema.optionalKey(Schema.String),
  })),
}) as unknown as Schema.Codec<Section>;

/** Schema of {@link Report}. */
export const Report: Schema.Struct<{ readonly sections: Schema.$Array<Schema.Codec<Section>> }> = Schema.Struct({
  sections: Schema.Array(Section),
});

const OS_NAMES: { readonly [os: string]: string } = { linux: "Linux", darwin: "macOS", windows: "Windows" };

const gib = (mb: number): string => `${(mb / 1024).toFixed(1)} GiB`;

const machineSection = (machine: Machine): Section => {
  const name = OS_NAMES[machine.os] ?? machine.os;
  return {
    title: "Machine",
    findings: [
      { standing: "ok", what: "system", detail: [name, machine.osRelease, machine.arch].filter(Boolean).join(" ") },
      { standing: "ok", what: "processors", detail: String(machine.cores) },
      machine.memoryMb === undefined
        ? { standing: "note", what: "memory", detail: "not known to this process (it has no sys permission)" }
        : { standing: "ok", what: "memory", detail: gib(machine.memoryMb) },
    ],
  };
};

const versionsSection = ({ versions }: Machine): Section => ({
  title: "Versions",
  findings: versions.map(([what, detail]) => ({ standing: "ok", what, detail })),
});

/** What it means that the process holds a permission whole: worth a note where it is more than a call needs. */
const WIDE: { readonly [name: string]: string } = {
  run: "it can start any program",
  ffi: "it can call any native code, which no other permission bounds",
  write: "it can change any file",
  net: "it can reach any host",
};

const permissionFindings = ({ permissions }: Machine): ReadonlyArray<Finding> => {
  const held = permissions.filter(({ state }) => state !== "none");
  const withheld = permissions.filter(({ state }) => state === "none");
  const names = held.map(({ name, state }) => state === "some" ? `${name} (some)` : name);
  return [
    { standing: "ok", what: "held", detail: names.join(", ") || "none" },
    { standing: "ok", what: "withheld", detail: withheld.map(({ name }) => name).join(", ") || "none" },
    ...held.filter(({ name, state }) => state === "all" && Object.hasOwn(WIDE, name))
      .map(({ name }): Finding => ({ standing: "note", what: name, detail: WIDE[name] })),
  ];
};

const permissionsSection = (machine: Machine): Section => ({
  title: "Permissions",
  findings: [
    machine.mode === "supervised"
      ? { standing: "ok", what: "mode", detail: "supervised: this process holds what its call needs, never run" }
      : {
        standing: "note",
        what: "mode",
        detail: "library: the host program's permissions apply, not the launcher's",
        get: "rmi <command> runs the same operation under the launcher",
      },
    ...permissionFindings(machine),
  ],
});

const GUARDS: { readonly [G in Machine["residentGuard"]]: Finding } = {
  enforced: { standing: "ok", what: "memory limit", detail: "enforced by the system, and watched" },
  watched: {
    standing: "note",
    what: "memory limit",
    detail: "watched: a child is ended shortly after it passes its limit",
  },
  none: {
    standing: "absent",
    what: "memory limit",
    detail: "only the heap flag acts here: array buffers of a child are not bounded",
    get: "run untrusted candidates on Linux or macOS",
  },
};

const sandboxSection = (machine: Machine): Section => {
  const run = machine.permissions.find(({ name }) => name === "run")?.state;
  const canStart = machine.mode === "supervised" || run === "all";
  return {
    title: "Sandbox",
    findings: [
      canStart
        ? {
          standing: "ok",
          what: "child processes",
          detail: machine.mode === "supervised" ? "started by the launcher" : "started by this process",
        }
        : {
          standing: "absent",
          what: "child processes",
          detail: "this process may not start any",
          get: "run the host program with --allow-run, or use rmi's launcher",
        },
      GUARDS[machine.residentGuard],
    ],
  };
};

const DEVICE_ADVICE: { readonly [os: string]: string } = {
  linux: "install a Vulkan driver (package mesa-vulkan-drivers, or the vendor's)",
  windows: "install the graphics vendor's driver",
};

const devicesSection = ({ os, devices }: Machine): Section => ({
  title: "Devices",
  findings: devices.length === 0
    ? [{
      standing: "absent",
      what: "webgpu",
      detail: "no adapter; the processor does all the work",
      ...(Object.hasOwn(DEVICE_ADVICE, os) ? { get: DEVICE_ADVICE[os] } : {}),
    }]
    : devices.map(({ kind, name, software }) => ({
      standing: software ? "note" : "ok",
      what: kind,
      detail: software ? `${name}: software that runs on the processor` : name,
    })),
});

const packageFinding = ({ name, version, sizeMb, purpose, installed }: PackageState): Finding => {
  const what = `${name} ${version}`;
  if (installed === true) return { standing: "ok", what, detail: purpose };
  if (installed === undefined) return { standing: "note", what, detail: `${purpose}; not visible to this process` };
  return { standing: "absent", what, detail: `${purpose} (${sizeMb} MB)`, get: `rmi install ${name}` };
};

const packagesSection = ({ packages }: Machine): ReadonlyArray<Section> =>
  packages.length === 0 ? [] : [{ title: "Optional packages", findings: packages.map(packageFinding) }];

/** The report on a machine. */
export const doctorReport = (machine: Machine): Report => ({
  sections: [
    machineSection(machine),
    versionsSection(machine),
    permissionsSection(machine),
    sandboxSection(machine),
    devicesSection(machine),
    ...packagesSection(machine),
  ],
});

const MARKS: { readonly [S in Standing]: string } = { ok: "+", note: "!", absent: "-" };

/** What the marks mean: the last line of the text. */
const LEGEND = "+ as it should be   ! with a limit   - absent";

/** A report as text: one line a finding, the way to get what is absent below it. */
export const doctorText = ({ sections }: Report): string => {
  const width = Math.max(...sections.flatMap(({ findings }) => findings.map(({ what }) => what.length)));
  const lines = sections.flatMap(({ title, findings }) => [
    title,
    ...findings.flatMap(({ standing, what, detail, get }) => [
      `  ${MARKS[standing]} ${what.padEnd(width)}  ${detail}`,
      ...(get === undefined ? [] : [`    ${"".padEnd(width)}  → ${get}`]),
    ]),
    "",
  ]);
  return [...lines, LEGEND, ""].join("\n");
};
