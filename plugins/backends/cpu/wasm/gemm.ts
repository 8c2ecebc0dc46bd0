/**
 * Matrix product: batches of [m,k] · [k,n] with any strides, after Goto and van de Geijn: panels of both sides are
 * packed where that pays, and register tiles run over them.
 *
 * One or a few rows or columns by a large matrix go to thin.ts, which reads the matrix once.
 * Not for products whose operands must be gathered: those come with a prologue.
 * Invariant: every result is summed in order of k, with the same blocks whatever runs where, so that results do not
 * depend on threads. Reads may go up to 15 bytes past an operand's last element; what is there is not used.
 *
 * @module
 */
import type { ModuleBuilder } from "./assembler.ts";
import { aligned, type Kernel, type Phase } from "./kernel.ts";
import { perPanel, planOf, type Product, threadLayout } from "./product.ts";
import { multiplyPhase, packFunction, packPhase, panelFunctions, type ProductFunctions } from "./product_phases.ts";
import { emitThin, thinness } from "./thin.ts";

export {
  machineTile,
  type Product,
  TILE_16_REGISTERS,
  TILE_32_REGISTERS,
  type TileSize,
  type Tuning,
} from "./product.ts";

/** Writes a product of matrices into a module. */
export const emitProduct = (module: ModuleBuilder, product: Product): Kernel => {
  const plan = planOf(product);
  const { m, n } = product;
  const name = `product ${[...product.batch, m].join("x")}x${product.k}x${n}`;
  if (plan.batches === 0 || m === 0 || n === 0) return { name, phases: [], workspaceBytes: 0, threadBytes: 0 };
  const thin = thinness(product);
  if (thin !== undefined) return emitThin(module, product, thin);
  const shared = plan.packRight && !plan.localRight;
  const rest = m % plan.tile.rows;
  const functions: ProductFunctions = {
    panels: panelFunctions(module, plan),
    right: plan.localRight ? perPanel(plan, (columns) => packFunction(module, plan, "right", columns)) : {},
    left: plan.packLeft
      ? {
        full: m >= plan.tile.rows ? packFunction(module, plan, "left", plan.tile.rows) : undefined,
        last: rest > 0 ? packFunction(module, plan, "left", rest) : undefined,
      }
      : {},
  };
  const phases: Phase[] = [];
  const blockColumns = shared || plan.blocked ? plan.blockColumns : n;
  for (let column = 0; column < n; column += blockColumns) {
    const part = { column, columns: Math.min(blockColumns, n - column) };
    if (shared) phases.push(packPhase(module, plan, part));
    phases.push(multiplyPhase(module, plan, part, functions));
  }
  const padded = Math.ceil(Math.min(n, blockColumns) / plan.width) * plan.width;
  const workspaceBytes = shared ? aligned(plan.rightBatches * plan.terms * padded * plan.unit.bytes) + 16 : 0;
  return { name, phases, workspaceBytes, threadBytes: threadLayout(plan).bytes };
};
