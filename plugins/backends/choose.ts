/**
 * Choose: which device runs a program. It runs whole on one; among those that can, the one that measurements say is
 * fastest.
 *
 * Not a measurement (calibrate.ts).
 * Invariant: a pure function of program, candidates and speeds; ties go to the backend that stands first in the table.
 *
 * @module
 */
import type { Program } from "../ir/contract.ts";
import { costOf } from "../ir/library.ts";
import type { Speed } from "./calibrate.ts";
import type { Candidate, Choice, Deviation, Device, Unsupported } from "./contract.ts";
import type { Sizes } from "./signature.ts";

/** A device that may be chosen. */
export interface Contender {
  /** The backend's id. */
  readonly backend: string;
  /** The device; absent where the backend has none. */
  readonly device?: Device;
  /** Why the backend has none. */
  readonly absent?: string;
  /** Nodes it cannot run. */
  readonly unsupported: ReadonlyArray<Unsupported>;
  /** In what it differs from the reference. */
  readonly deviations?: ReadonlyArray<Deviation>;
  /** Its measured speed, where it can run the program. */
  readonly speed?: Speed;
}

/** What the program asks of a device besides its nodes. */
export interface Needs {
  /** Numbers for named sizes. */
  readonly sizes: Sizes;
  /** Whether a `while` needs a device on which it can be interrupted. */
  readonly interruptible: boolean;
  /** Whether results must be those of every other device. Default false. */
  readonly strict?: boolean;
}

/** Whether some function of a program repeats until a condition fails, so that its end is not known. */
export const mayNotEnd = (program: Program): boolean =>
  [...program.functions.values()].some(({ nodes }) => nodes.some(({ op }) => op === "while"));

/** Milliseconds a step takes at a speed: overhead, arithmetic and memory one after another. */
export const estimateMs = (program: Program, sizes: Sizes, speed: Speed): number => {
  const { flops, bytes } = costOf(program, sizes);
  return speed.overheadMs + Number(flops) / speed.flopsPerMs + Number(bytes) / speed.bytesPerMs;
};

const dtypesOf = (program: Program): ReadonlySet<string> =>
  new Set(
    [...program.functions.values()].flatMap(({ parameters, nodes }) => [
      ...parameters.map(({ type }) => type.dtype),
      ...nodes.flatMap(({ results }) => results.map(({ dtype }) => dtype)),
    ]),
  );

const ONE_REASON = 1;

const reasonOf = (unsupported: ReadonlyArray<Unsupported>): string => {
  const [first] = unsupported;
  const more = unsupported.length > ONE_REASON ? ` and ${unsupported.length - ONE_REASON} more nodes` : "";
  return `${first.op} at ${first.path}: ${first.reason}${more}`;
};

/** Why a device does not qualify; undefined when it does. */
export const refusalOf = (program: Program, contender: Contender, needs: Needs): string | undefined => {
  const { device, unsupported, absent } = contender;
  if (device === undefined) return absent ?? "it has no device here";
  const without = [...dtypesOf(program)].filter((dtype) => !(device.dtypes as ReadonlyArray<string>).includes(dtype));
  if (without.length > 0) return `it does not compute with ${without.join(", ")}`;
  if (unsupported.length > 0) return reasonOf(unsupported);
  const { deviations = [] } = contender;
  if (needs.strict === true && deviations.length > 0) {
    return `it differs from the reference in ${deviations.join(", ")}`;
  }
  const { peakBytes } = costOf(program, needs.sizes);
  if (peakBytes !== undefined && peakBytes > device.memoryBytes) {
    return `it has ${device.memoryBytes} bytes, and ${peakBytes} are needed`;
  }
  if (needs.interruptible && mayNotEnd(program) && !device.features.includes("interruptible")) {
    return "the program has a while loop, and a step on it cannot be interrupted";
  }
  return undefined;
};

/** Ranks devices for a program; the choice is absent where none qualifies. */
export const rank = (
  program: Program,
  contenders: ReadonlyArray<Contender>,
  needs: Needs,
): { readonly choice?: Choice; readonly candidates: ReadonlyArray<Candidate> } => {
  const judged = contenders.map((contender): Candidate => {
    const at = {
      backend: contender.backend,
      ...(contender.device === undefined ? {} : { device: contender.device.id }),
    };
    const refused = refusalOf(program, contender, needs);
    if (refused !== undefined) return { ...at, refused };
    if (contender.speed === undefined) return { ...at, refused: "its speed is not known" };
    return { ...at, estimateMs: estimateMs(program, needs.sizes, contender.speed) };
  });
  const able = judged.filter(({ refused }) => refused === undefined)
    .toSorted((a, b) => a.estimateMs! - b.estimateMs!);
  const candidates = [...able, ...judged.filter(({ refused }) => refused !== undefined)];
  const [best] = able;
  if (best === undefined) return { candidates };
  return { choice: { backend: best.backend, device: best.device!, candidates }, candidates };
};
