/**
 * CPU: programs as WebAssembly, in Deno, Node and browsers.
 *
 * @module
 */
export {
  CACHED_PROGRAMS,
  cpuBackend,
  cpuBackendWith,
  type CpuVariant,
  DEFAULT_MAX_TURNS,
  MAX_MEMORY_PAGES,
} from "./backend.ts";
