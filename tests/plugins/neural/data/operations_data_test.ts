/**
 * Tests of data.list and data.describe through the kernel, and of reading in parts under a grant.
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import assert from "node:assert/strict";
import { applyPatch, caps, type Failure, isJsonObject, type Json, type Kernel } from "../../../../kernel/mod.ts";
import { fileParts, PART_BYTES } from "../../../../plugins/neural/platform/file_parts.ts";
import { callAs, inWorkspace } from "../../../workspace.ts";
