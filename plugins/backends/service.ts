/**
 * Service: the backends of one kernel. What is loaded, found and measured is kept while the kernel lives.
 *
 * Invariant: nothing native is looked for or run unless the caller says that it may be.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { nearest } from "../../kernel/nearest.ts";
import type { Program } from "../ir/contract.ts";
import { calibrate, type Speed } from "./calibrate.ts";
import { type Contender, type Needs, rank, refusalOf } from "./choose.ts";
import type {
  Backend,
  BackendsShape,
  Choice,
  Compiled,
  Device,
  Found,
  Probe,
  Unsupported,
  Wanted,
} from "./contract.ts";
import { backendAbsent, type BackendsFailure, unknownBackend, unsupported as cannotRun } from "./failures.ts";
import { signatureOf } from "./signature.ts";
import { type BackendRow, BACKENDS } from "./table.ts";

const SUGGESTIONS = 3;

/** What is known of the backends so far. */
class Known {
  private readonly backends = new Map<string, Backend>();
  private readonly probes = new Map<string, Probe>();
  private readonly speeds = new Map<string, Speed>();

  constructor(readonly rows: ReadonlyArray<BackendRow>) {}

  row(id: string): Effect.Effect<BackendRow, BackendsFailure> {
    const found = this.rows.find((row) => row.id === id);
    if (found !== undefined) return Effect.succeed(found);
    const ids = this.rows.map((row) => row.id);
    const [best] = nearest(id, ids, SUGGESTIONS);
    return Effect.fail(unknownBackend({
      backend: id,
      path: "/backend",
      expected: ids,
      actual: id,
      suggestions: best === undefined ? ids : nearest(id, ids, SUGGESTIONS),
      ...(best === undefined
        ? {}
        : { fix: { summary: `Use ${best}`, patch: [{ op: "replace", path: "/backend", value: best }] } }),
    }));
  }

  backend(row: BackendRow): Effect.Effect<Backend> {
    const before = this.backends.get(row.id);
    if (before !== undefined) return Effect.succeed(before);
    return Effect.map(Effect.promise(row.load), (backend) => {
      this.backends.set(row.id, backend);
      return backend;
    });
  }

  probe(row: BackendRow): Effect.Effect<Probe> {
    const before = this.probes.get(row.id);
    if (before !== undefined) return Effect.succeed(before);
    return Effect.map(Effect.flatMap(this.backend(row), ({ probe }) => probe), (found) => {
      this.probes.set(row.id, found);
      return found;
    });
  }

  /** A device's speed; a device that fails while it is measured is as good as not there. */
  speed(backend: Backend, device: Device): Effect.Effect<Speed | undefined> {
    const before = this.speeds.get(device.id);
    if (before !== undefined) return Effect.succeed(before);
    return Effect.map(Effect.result(calibrate(backend, device)), (measured) => {
      if (Result.isFailure(measured)) return undefined;
      this.speeds.set(device.id, measured.success);
      return measured.success;
    });
  }
}

const contenderOf = (
  { id, deviations }: Backend,
  device: Device,
  unsupported: ReadonlyArray<Unsupported>,
): Contender => ({ backend: id, device, unsupported, ...(deviations === undefined ? {} : { deviations }) });

const absenceOf = ({ absence }: Probe): string =>
  absence === undefined
    ? "it has no device here"
    : `${absence.reason}${absence.remedy === undefined ? "" : ` (${absence.remedy})`}`;

/** The device of a backend that was named. */
const named = (
  known: Known,
  program: Program,
  wanted: Wanted & { readonly backend: string },
  needs: Needs,
): Effect.Effect<Choice, BackendsFailure> =>
  Effect.gen(function* () {
    const row = yield* known.row(wanted.backend);
    const backend = yield* known.backend(row);
    const probe = yield* known.probe(row);
    const device = wanted.device === undefined
      ? probe.devices[0]
      : probe.devices.find(({ id }) => id === wanted.device);
    if (device === undefined) {
      return yield* Effect.fail(
        probe.devices.length > 0
          ? unknownBackend({ backend: wanted.device!, expected: probe.devices.map(({ id }) => id) })
          : backendAbsent({ backend: row.id, reason: absenceOf(probe), path: "/backend" }),
      );
    }
    const unsupported = backend.unsupported(program, wanted);
    const refused = refusalOf(program, contenderOf(backend, device, unsupported), needs);
    if (refused !== undefined) {
      const [node] = unsupported;
      return yield* Effect.fail(cannotRun({
        device: device.id,
        op: node?.op ?? "the program",
        reason: node?.reason ?? refused,
        path: node?.path ?? "/program",
      }));
    }
    return { backend: row.id, device: device.id, candidates: [{ backend: row.id, device: device.id }] };
  });

const contenders = (
  known: Known,
  program: Program,
  wanted: Wanted,
  needs: Needs,
): Effect.Effect<ReadonlyArray<Contender>> =>
  Effect.map(
    Effect.forEach(known.rows.filter(({ native }) => !native || wanted.native === true), (row) =>
      Effect.gen(function* () {
        const probe = yield* known.probe(row);
        if (probe.devices.length === 0) {
          return [{ backend: row.id, absent: absenceOf(probe), unsupported: [] }] as ReadonlyArray<Contender>;
        }
        const backend = yield* known.backend(row);
        const unsupported = backend.unsupported(program, wanted);
        return yield* Effect.forEach(probe.devices, (device) =>
          Effect.gen(function* () {
            const contender = contenderOf(backend, device, unsupported);
            if (refusalOf(program, contender, needs) !== undefined) {
              return contender;
            }
            const speed = yield* known.speed(backend, device);
            return speed === undefined ? contender : { ...contender, speed };
          }));
      })),
    (found) =>
      found.flat(),
  );

/** The backends of a table. */
export const makeBackends = (rows: ReadonlyArray<BackendRow> = BACKENDS): BackendsShape => {
  const known = new Known(rows);
  const choose = (program: Program, wanted: Wanted = {}): Effect.Effect<Choice, BackendsFailure> =>
    Effect.gen(function* () {
      const { sizes } = yield* Effect.fromResult(signatureOf(program, wanted));
      const needs: Needs = {
        sizes,
        interruptible: wanted.interruptible === true,
        strict: wanted.numerics === "strict",
      };
      if (wanted.backend !== undefined) {
        return yield* named(known, program, { ...wanted, backend: wanted.backend }, needs);
      }
      const { choice, candidates } = rank(program, yield* contenders(known, program, wanted, needs), needs);
      if (choice !== undefined) return choice;
      return yield* Effect.fail(backendAbsent({
        backend: "any",
        reason: candidates.map(({ backend, refused }) => `${backend}: ${refused}`).join("; "),
      }));
    });
  const compile = (program: Program, wanted: Wanted = {}): ReturnType<BackendsShape["compile"]> =>
    Effect.gen(function* () {
      const choice = yield* choose(program, wanted);
      const backend = yield* known.backend(yield* known.row(choice.backend));
      const executable = yield* backend.compile(program, { ...wanted, device: choice.device });
      return { choice, executable } satisfies Compiled;
    });
  return {
    list: ({ native = false } = {}) =>
      Effect.forEach(known.rows, (row): Effect.Effect<Found> => {
        const { id, doc } = row;
        if (row.native && !native) return Effect.succeed({ id, doc, native: true });
        return Effect.map(known.probe(row), (probe) => ({ id, doc, native: row.native, probe }));
      }),
    get: (id) => Effect.flatMap(known.row(id), (row) => known.backend(row)),
    choose,
    compile,
  };
};
