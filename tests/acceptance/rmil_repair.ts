/**
 * Figures of repair: how often a broken program's refusal carries a patch, and how often the program passes the check
 * when the patch is applied blindly; the same of texts that cannot be read. Programs are well-typed ones broken in the
 * ways of tests/plugins/rmil/broken.ts, texts those of slips.ts.
 */
import { applyPatch, type Failure, isFailure, type Json } from "../../kernel/mod.ts";
import { checkAll } from "../../plugins/rmil/check.ts";
import { checkMending } from "../../plugins/rmil/check/mend.ts";
import { atOnce } from "../../plugins/rmil/check/walk.ts";
import { mendSource } from "../../plugins/rmil/syntax/mend.ts";
import { parse, parseSource } from "../../plugins/rmil/syntax/parser.ts";
import { showType } from "../../plugins/rmil/types.ts";
import { readType } from "../../plugins/rmil/value_json.ts";
import { BREAKS, type Broken, brokenPrograms } from "../plugins/rmil/broken.ts";
import { slippedTexts } from "../plugins/rmil/slips.ts";
import { type Figure, type Measured, rounded } from "./figure.ts";

/** Seeds fixed before the code they judge, and one it has not seen. */
const SEEDS = [...Array.from({ length: 16 }, (_, i) => `rmil-repair-${i}`), "unseen-2026"];

interface Trial {
  readonly by: string;
  readonly source: string;
  readonly code: string;
  readonly patched: boolean;
  readonly mended: boolean;
  /** Whether the mended program gives what the program gave before it was broken. */
  readonly restored: boolean;
}

type Inputs = Broken["inputs"];

const typesOf = (inputs: Inputs) =>
  Object.fromEntries(Object.entries(inputs).map(([name, type]) => [name, readType(name, type)]));

const typeOf = (source: string, inputs: Inputs): string | undefined => {
  const { root, symbols } = parse(source);
  const { judgement } = checkAll(root, symbols, { inputs: typesOf(inputs) });
  return judgement === undefined ? undefined : showType(judgement.type);
};

const refusal = (source: string, inputs: Inputs): Failure | undefined => {
  try {
    atOnce(checkMending({ source }, parse(source), { inputs: typesOf(inputs) }));
    return undefined;
  } catch (thrown) {
    if (isFailure(thrown)) return thrown;
    throw thrown;
  }
};

const trialOf = ({ by, from, source, inputs }: Broken): ReadonlyArray<Trial> => {
  const failure = refusal(source, inputs);
  // A break that leaves a program well-typed is none.
  if (failure === undefined) return [];
  const { patch } = failure.fix ?? {};
  const trial = { by, source, code: failure.code };
  if (patch === undefined) return [{ ...trial, patched: false, mended: false, restored: false }];
  const { program } = applyPatch(patch, { program: { source } }) as { readonly program: { readonly source: string } };
  const type = typeOf(program.source, inputs);
  return [{
    ...trial,
    patched: true,
    mended: type !== undefined,
    restored: type !== undefined && type === typeOf(from.source, from.inputs),
  }];
};

let measured: ReadonlyArray<Trial> | undefined;

const allTrials = (progress: (done: number, total: number) => void): ReadonlyArray<Trial> =>
  measured ??= SEEDS.flatMap((seed, done) => {
    progress(done, SEEDS.length);
    return brokenPrograms(seed).flatMap(trialOf);
  });

const share = (part: number, whole: number): number => whole === 0 ? 0 : rounded(100 * part / whole);

const byBreak = (trials: ReadonlyArray<Trial>): Json =>
  Object.fromEntries(
    Object.keys(BREAKS).map((name) => {
      const same = trials.filter(({ by }) => by === name);
      const count = (key: "patched" | "mended" | "restored"): number => same.filter((trial) => trial[key]).length;
      return [name, {
        faults: same.length,
        patched: count("patched"),
        mended: count("mended"),
        restored: count("restored"),
      }];
    }),
  );

const shareOf = (
  key: "patched" | "mended" | "restored",
  of: (trial: Trial) => boolean,
  least: number,
): Figure["measure"] =>
({ progress }): Promise<Measured> => {
  const trials = allTrials(progress);
  const whole = trials.filter(of);
  const value = share(whole.filter((trial) => trial[key]).length, whole.length);
  return Promise.resolve({ value, ok: value >= least, detail: { of: whole.length, byBreak: byBreak(trials) } });
};

const textsMended = (progress: (done: number, total: number) => void): Measured => {
  let [broken, mended, reads] = [0, 0, 0];
  for (const [done, seed] of SEEDS.entries()) {
    progress(done, SEEDS.length);
    for (const { text } of slippedTexts(seed)) {
      broken++;
      const made = mendSource(text);
      if (made === undefined) continue;
      mended++;
      if (parseSource(made.text).ok) reads++;
    }
  }
  return {
    value: share(mended, broken),
    ok: mended >= 0.7 * broken && reads === mended,
    detail: { broken, mended, reads },
  };
};

/** The figures of the area. */
export const figures: ReadonlyArray<Figure> = [
  {
    name: "broken programs whose refusal carries a patch",
    unit: "%",
    goal: "≥ 70 %",
    measure: shareOf("patched", () => true, 70),
  },
  {
    name: "patches after which the program passes when applied blindly",
    unit: "%",
    goal: "≥ 90 %",
    measure: shareOf("mended", ({ patched }) => patched, 90),
  },
  {
    name: "mended programs that give the type they gave before they were broken",
    unit: "%",
    goal: "≥ 50 %",
    measure: shareOf("restored", ({ mended }) => mended, 50),
  },
  {
    name: "texts that are no programs whose refusal carries a text that reads",
    unit: "%",
    goal: "≥ 70 %, and all of them read",
    measure: ({ progress }) => Promise.resolve(textsMended(progress)),
  },
];
