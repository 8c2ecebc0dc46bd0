/** Paths of files beside the tests. */
import { fileURLToPath } from "node:url";

/** The path of a file URL. */
export const fromFileUrl = (url: URL): string => fileURLToPath(url);
