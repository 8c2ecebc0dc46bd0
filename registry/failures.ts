/**
 * The registry's failure catalogue: finding, locking, hosting plugins, and storing artifacts.
 *
 * @module
 */
import { failure, type FailureDefinition, type FailuresOf, type KernelFailure } from "../kernel/mod.ts";

/** A plugin's source cannot be used. */
export const unusableSource: FailureDefinition<"REGISTRY_SOURCE", { source: string; reason: string }> = failure(
  "REGISTRY_SOURCE",
  {
    doc: "A plugin's source is missing, too large, a link, or not a plugin.",
    recoverable: true,
    says: (a) => `Cannot use plugin source "${a.source}": ${a.reason}`,
    fix: () => ({
      summary: "Give a .ts or .js file, a folder with plugin.ts, or an npm: or jsr: specifier in the cache",
    }),
  },
);

/** A plugin asks for something no third-party plugin gets. */
export const pluginRefused: FailureDefinition<"REGISTRY_PLUGIN_REFUSED", { plugin: string; reason: string }> = failure(
  "REGISTRY_PLUGIN_REFUSED",
  {
    doc: "A third-party plugin declares something that only built-in plugins may, or that is already taken.",
    recoverable: true,
    says: (a) => `Cannot add plugin ${a.plugin}: ${a.reason}`,
    fix: (a) => ({ summary: `Change the plugin's manifest: ${a.reason}` }),
  },
);

/** A plugin is not what was approved. */
export const pluginNotApproved: FailureDefinition<
  "REGISTRY_NOT_APPROVED",
  { plugin: string; changes: ReadonlyArray<string> }
> = failure("REGISTRY_NOT_APPROVED", {
  doc: "A plugin is new, was changed, or wants more than was approved.",
  recoverable: true,
  says: (a) => `Cannot use plugin ${a.plugin} yet: ${a.changes.join("; ")}`,
  fix: (a) => ({
    summary: "Look at what it wants, then approve that at a terminal",
    command: `rmi registry look ${a.plugin}`,
  }),
});

/** A plugin's process stopped. */
export const pluginStopped: FailureDefinition<"REGISTRY_PLUGIN_STOPPED", { plugin: string; reason: string }> = failure(
  "REGISTRY_PLUGIN_STOPPED",
  {
    doc: "A plugin's process crashed, hung, flooded its channel, or kept crashing.",
    recoverable: true,
    says: (a) => `Cannot finish the call of plugin ${a.plugin}: ${a.reason}`,
    fix: () => ({ summary: "Call again; if it stays, remove the plugin or report it to its author" }),
  },
);

/** A plugin answered with something it may not say. */
export const pluginMisspoke: FailureDefinition<"REGISTRY_PLUGIN_MISSPOKE", { plugin: string; reason: string }> =
  failure("REGISTRY_PLUGIN_MISSPOKE", {
    doc: "A plugin answered outside its declaration, or in another's name.",
    recoverable: false,
    says: (a) => `Cannot use the answer of plugin ${a.plugin}: ${a.reason}`,
  });

/** The lock cannot be read. */
export const malformedLock: FailureDefinition<"REGISTRY_LOCK", { file: string; reason: string }> = failure(
  "REGISTRY_LOCK",
  {
    doc: "The lock of plugins does not follow its format.",
    recoverable: true,
    says: (a) => `Cannot read ${a.file}: ${a.reason}`,
    fix: (a) => ({ summary: `Restore ${a.file} from version control, or remove it and approve the plugins again` }),
  },
);

/** An artifact's bytes are not what its digest says. */
export const artifactDamaged: FailureDefinition<"REGISTRY_ARTIFACT_DAMAGED", { digest: string; found: string }> =
  failure("REGISTRY_ARTIFACT_DAMAGED", {
    doc: "The stored bytes of an artifact do not have its digest.",
    recoverable: true,
    says: (a) => `Cannot use artifact ${a.digest}: its bytes have digest ${a.found}`,
    fix: () => ({ summary: "Import the artifact again from where it came" }),
  });

/** An artifact is larger than the store takes. */
export const artifactTooLarge: FailureDefinition<"REGISTRY_ARTIFACT_SIZE", { size: number; limit: number }> = failure(
  "REGISTRY_ARTIFACT_SIZE",
  {
    doc: "An artifact is larger than the store takes.",
    recoverable: true,
    says: (a) => `Cannot store ${a.size} bytes as one artifact: the limit is ${a.limit}`,
    fix: (a) => ({ summary: `Split it into artifacts of at most ${a.limit} bytes` }),
  },
);

/** An artifact refers to one that is not stored. */
export const artifactDangling: FailureDefinition<"REGISTRY_ARTIFACT_REFERENCE", { reference: string }> = failure(
  "REGISTRY_ARTIFACT_REFERENCE",
  {
    doc: "An artifact refers to one that is not stored.",
    recoverable: true,
    says: (a) => `Cannot refer to artifact ${a.reference}: it is not stored`,
    fix: () => ({ summary: "Put or import the artifact it refers to first" }),
  },
);

const rows = [
  unusableSource,
  pluginRefused,
  pluginNotApproved,
  pluginStopped,
  pluginMisspoke,
  malformedLock,
  artifactDamaged,
  artifactTooLarge,
  artifactDangling,
] as const;

/** What the registry's services can fail with. */
export type RegistryFailure = KernelFailure | FailuresOf<typeof rows[number]>;

/** Every failure of the registry. */
export const registryFailures: typeof rows = rows;
