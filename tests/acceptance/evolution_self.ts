/**
 * Figures of guarded evaluation and self-modification: planted cheats, random patches undone, faults at every write, and
 * kills of a process that changes itself.
 */
import * as Effect from "effect/Effect";
import { faultyDisk } from "../../kernel/disk_faulty.ts";
import { type Kernel, random } from "../../kernel/mod.ts";
import { openRmi } from "../../plugins/open.ts";
import {
  HONEST,
  inRoom as inCheatRoom,
  isIntact,
  LIMITS,
  SUITE as CHEATED,
  tryModule,
  tryProgram,
} from "../plugins/evolution/evaluators/cheat_room.ts";
import { CHEATS } from "../plugins/evolution/evaluators/cheats.ts";
import { PROGRAM_CHEATS } from "../plugins/evolution/evaluators/program_cheats.ts";
import { attempt, judge } from "../plugins/evolution/self/fault_rounds.ts";
import { type Change, editOnce, isSound, registerOnce, subjectOf, undo } from "../plugins/evolution/self/patch_run.ts";
import { APPROVING, failingLedger, newLedger } from "../plugins/evolution/self/room.ts";
import type { Figure } from "./figure.ts";

const PATCHES = 500;
const FAULT_SEEDS = 5;
const KILLS = 30;
const LONGEST_LIFE_MS = 1_500;

type Progress = (done: number, total: number) => void;

const inWorkspace = async <A>(body: (workspace: string) => Promise<A>): Promise<A> => {
  const workspace = Deno.makeTempDirSync({ prefix: "rmi-self-" });
  try {
    return await body(workspace);
  } finally {
    Deno.removeSync(workspace, { recursive: true });
  }
};

const inKernel = <A>(workspace: string, body: (kernel: Kernel) => Effect.Effect<A, unknown>): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(Effect.flatMap(openRmi({ workspace, policy: APPROVING }), body)) as Effect.Effect<A>,
  );

const cheats: Figure = {
  name: "planted cheats and hostile candidates that got a score they did not earn, or harmed the judge",
  unit: "candidates",
  goal: "0 of at least 60",
  measure: ({ progress }) =>
    inCheatRoom(async (room) => {
      const total = CHEATS.length + PROGRAM_CHEATS.length;
      const escaped: Array<string> = [];
      for (const [index, cheat] of CHEATS.entries()) {
        if (await tryModule(room, cheat) !== undefined || !isIntact()) escaped.push(cheat.name);
        progress(index + 1, total);
      }
      for (const [index, cheat] of PROGRAM_CHEATS.entries()) {
        if (await tryProgram(room, cheat) !== undefined) escaped.push(cheat.name);
        progress(CHEATS.length + index + 1, total);
      }
      const { score } = await room({ module: HONEST }, CHEATED, LIMITS);
      return {
        value: escaped.length,
        ok: escaped.length === 0 && total >= 60 && score === 1,
        detail: { candidates: total, honestAfterwards: score, escaped },
      };
    }),
};

const patches = (progress: Progress) =>
  inWorkspace((workspace) =>
    inKernel(workspace, (kernel) =>
      Effect.gen(function* () {
        const seed = crypto.getRandomValues(new Uint32Array(1))[0];
        const chance = random(`patches/${seed}`);
        yield* registerOnce(kernel);
        const start = (yield* subjectOf(kernel)).digest;
        const stack: Array<Change> = [];
        let [admitted, tried, identical] = [0, 0, 0];
        const back = Effect.suspend(() => Effect.map(undo(kernel, stack.pop()!), (same) => void (same && identical++)));
        while (admitted < PATCHES) {
          const made = yield* editOnce(kernel, chance, `try ${tried++}`);
          if (made.state !== "applied") continue;
          stack.push(made);
          progress(++admitted, PATCHES);
          for (let n = chance.below(6) === 0 ? chance.below(8) : 0; n > 0 && stack.length > 0; n--) yield* back;
        }
        while (stack.length > 0) yield* back;
        const same = (yield* subjectOf(kernel)).digest === start;
        return {
          value: identical,
          ok: identical === PATCHES && same && (yield* isSound(kernel)),
          detail: { tried, seed, startAgain: same },
        };
      }))
  );

const patchesUndone: Figure = {
  name: "random admitted patches that roll back to the identical hash",
  unit: "patches",
  goal: `${PATCHES} of ${PATCHES}`,
  measure: ({ progress }) => patches(progress),
};

const faults: Figure = {
  name: "writes of a self-modification at which a failing disk, a power cut or a lost append broke the subject",
  unit: "writes",
  goal: "0",
  measure: async ({ progress }) => {
    const disk = faultyDisk();
    const ledger = failingLedger(await newLedger(), Infinity);
    await attempt({ ledger, disk });
    const [steps, appends] = [disk.steps(), ledger.appends()];
    const broken: Array<string> = [];
    const look = (what: string, ground: Parameters<typeof judge>[0]) =>
      judge(ground, what).then(() => {}, (cause) => void broken.push(`${what}: ${cause}`));
    for (let seed = 0; seed < FAULT_SEEDS; seed++) {
      for (let at = 1; at <= steps; at++) {
        for (const plan of [{ failAt: at, seed }, { powerCutAt: at, seed }]) {
          const kept = await newLedger();
          const breaking = faultyDisk(plan);
          await attempt({ ledger: kept, disk: breaking });
          await look(JSON.stringify(plan), { ledger: kept, disk: breaking.afterPowerCut() });
        }
        progress(seed * steps + at, FAULT_SEEDS * steps);
      }
    }
    for (let at = 1; at <= appends; at++) {
      const ground = { ledger: await newLedger(), disk: faultyDisk() };
      await attempt({ ...ground, ledger: failingLedger(ground.ledger, at) });
      await look(`append ${at}`, ground);
    }
    const runs = FAULT_SEEDS * steps * 2 + appends;
    return {
      value: broken.length,
      ok: broken.length === 0 && steps > 20 && appends > 15,
      detail: { runs, diskSteps: steps, appends, broken: broken.slice(0, 10) },
    };
  },
};

const MODIFYING = new URL("../plugins/evolution/self/modifying.ts", import.meta.url).pathname;

/** Lets a process change itself, and kills it some time after its first change; the digests it acknowledged. */
const killed = async (workspace: string, seed: number, lifeMs: number): Promise<ReadonlyArray<string>> => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MODIFYING, workspace, String(seed)],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let text = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes("sha256:")) timer ??= setTimeout(() => child.kill("SIGKILL"), lifeMs);
  }
  await child.status;
  clearTimeout(timer);
  return text.split("\n").filter((line) => line.startsWith("sha256:"));
};

const kills: Figure = {
  name: "kills of a process that changes itself after which its folder was not sound",
  unit: "kills",
  goal:
    `0 of ${KILLS}: the chain and the artifacts verify, the subject is whole, a change of it undoes to the same hash`,
  measure: ({ progress }) =>
    inWorkspace(async (workspace) => {
      const chance = random("kills");
      let [unsound, acknowledged] = [0, 0];
      for (let round = 0; round < KILLS; round++) {
        acknowledged += (await killed(workspace, round, chance.below(LONGEST_LIFE_MS))).length;
        if (!(await inKernel(workspace, isSound).catch(() => false))) unsound++;
        progress(round + 1, KILLS);
      }
      return { value: unsound, ok: unsound === 0 && acknowledged >= KILLS, detail: { kills: KILLS, acknowledged } };
    }),
};

/** What this area measures. */
export const figures: ReadonlyArray<Figure> = [cheats, patchesUndone, faults, kills];
