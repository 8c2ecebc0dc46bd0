/**
 * Table: every kind of layer, by name.
 *
 * @module
 */
import { ACTIVATION } from "./activation.ts";
import { ADAPTER } from "./adapter.ts";
import { AFFINE } from "./affine.ts";
import { ATTENTION } from "./attention.ts";
import { ATTENTION_FORMS } from "./attention_forms.ts";
import { CONVOLUTION } from "./convolution.ts";
import { EXPERTS } from "./experts.ts";
import { FEED_FORWARD } from "./feed_forward.ts";
import type { LayerRow } from "./layer.ts";
import { NORMALISATION } from "./normalisation.ts";
import { POOLING } from "./pooling.ts";
import { POSITION } from "./position.ts";
import { RECURRENT } from "./recurrent.ts";
import { REGULARISATION } from "./regularisation.ts";
import { STATE_SPACE } from "./state_space.ts";
import { STRUCTURE } from "./structure.ts";
import { TABLES } from "./tables.ts";
import { TRANSFORMER } from "./transformer.ts";

/** Rows by kind. */
export const LAYERS: ReadonlyMap<string, LayerRow> = new Map(
  [
    ...AFFINE,
    ...CONVOLUTION,
    ...POOLING,
    ...FEED_FORWARD,
    ...EXPERTS,
    ...ADAPTER,
    ...NORMALISATION,
    ...ACTIVATION,
    ...REGULARISATION,
    ...STRUCTURE,
    ...TABLES,
    ...ATTENTION,
    ...ATTENTION_FORMS,
    ...TRANSFORMER,
    ...POSITION,
    ...RECURRENT,
    ...STATE_SPACE,
  ].map((row) => [row.kind, row]),
);
