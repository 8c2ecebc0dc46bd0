/**
 * Built-in plugins: the manifests that every kernel of this release resolves, in no particular order.
 *
 * Not loaded code: each entry is pure data that knows where its declarations and its implementation are.
 *
 * @module
 */
import { effectsPlugin } from "../effects/manifest.ts";
import type { Plugin } from "../kernel/plugin.ts";
import { registryPlugin } from "../registry/manifest.ts";
import { backendsPlugin } from "./backends/manifest.ts";
import { evolutionPlugin } from "./evolution/manifest.ts";
import { irPlugin } from "./ir/manifest.ts";
import { linalgPlugin } from "./linalg/manifest.ts";
import { neuralPlugin } from "./neural/manifest.ts";
import { norionPlugin } from "./norion/manifest.ts";
import { rmilPlugin } from "./rmil/manifest.ts";
import { surfacesPlugin } from "./surfaces/manifest.ts";

/** Every built-in plugin's manifest. The kernel adds its own. */
export const builtinPlugins: ReadonlyArray<Plugin> = [
  backendsPlugin,
  effectsPlugin,
  evolutionPlugin,
  irPlugin,
  linalgPlugin,
  neuralPlugin,
  norionPlugin,
  registryPlugin,
  rmilPlugin,
  surfacesPlugin,
];
