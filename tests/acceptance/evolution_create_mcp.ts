/**
 * Acceptance figures of the main job through the Model Context Protocol: an outside client, the real launcher, the real
 * data, step by step.
 *
 * Judges: the protocol's own client; labels of held-out samples through another operation; digests of documents.
 */
import { asMcpClient, type McpClient, type McpFound, mcpJob, TRUSTING } from "../plugins/evolution/mcp_job.ts";
import { inWorkspace } from "../plugins/surfaces/rmi.ts";
import { type Figure, rounded } from "./figure.ts";

const DIGITS = { data: "digits", flops: 150_000_000_000, name: "digits" } as const;
const LEAST_ACCURACY = 0.93;

/** A step of the job, and whether it went as it should. */
type Step = readonly [name: string, done: boolean];

/** Every row's parents stand before it. */
const isWhole = ({ rows, total }: McpFound["lineage"]): boolean => {
  const before = new Set<string>();
  for (const { id, parents } of rows) {
    if (parents.some((parent: string) => !before.has(parent))) return false;
    before.add(id);
  }
  return rows.length === total && total > 0;
};

/** Promotes the model, and takes that back: the document is the same as before, and other while it serves. */
const promotedAndUndone = async (client: McpClient, { answer }: McpFound): Promise<ReadonlyArray<Step>> => {
  const name = answer.registration.domain.replace(/^models\./u, "");
  const before = await client.call("evolution.models", { name });
  const promoted = await client.call("evolution.promoteModel", { name, model: answer.model });
  const serving = await client.call("evolution.models", { name });
  await client.call("proposals.rollback", { proposal: promoted.proposal });
  const after = await client.call("evolution.models", { name });
  return [
    ["promotes the model", promoted.state === "applied" && serving.digest !== before.digest],
    ["undoes the promotion, to the identical document", after.digest === before.digest],
  ];
};

interface Run {
  readonly steps: ReadonlyArray<Step>;
  readonly found: McpFound;
  readonly seconds: number;
}

const run = async (): Promise<Run> => {
  let made: Run | undefined;
  await inWorkspace(async (workspace) => {
    Deno.writeTextFileSync(`${workspace}/rmi.policy.json`, JSON.stringify(TRUSTING));
    made = await asMcpClient(workspace, async (client): Promise<Run> => {
      const began = performance.now();
      const found = await mcpJob(client, DIGITS);
      const seconds = (performance.now() - began) / 1_000;
      const { answer, followed, judged, kin, stored, verified } = found;
      const exists = (file: string): boolean => Deno.statSync(`${workspace}/${file}`).size > 0;
      const files: ReadonlyArray<string> = [answer.report, ...answer.files.map(({ file }: { file: string }) => file)];
      return {
        found,
        seconds,
        steps: [
          [
            "lists the tools search, describe and call",
            ["search", "describe", "call"].every((tool) => client.tools.includes(tool)),
          ],
          ["finds the operation in its own words", found.hits[0] === "evolution.create"],
          [
            "reads its input, effects and cost",
            ["input", "effects", "cost"].every((member) => found.described.includes(member)),
          ],
          ["hears how far it is while it goes on", followed.progress.length > 10],
          ["hears what was done, step by step", followed.events.some(({ did }) => did !== undefined)],
          ["the model is admitted by the rule of the policy", answer.registration.by === "policy:trusted.client"],
          ["another call judges it the same", judged.scores.accuracy === answer.test.accuracy],
          ["the lineage is whole", isWhole(found.lineage)],
          ["one candidate has its ancestors", kin.individual.parents.length === 0 || kin.rows.length > 0],
          ["the whole result is an artifact", stored.info.digest === answer.result],
          ["the report and the exported files are there", files.length >= 4 && files.every(exists)],
          ["the chain of events is whole", verified.ok === true],
          ...await promotedAndUndone(client, found),
        ],
      };
    });
  });
  return made!;
};

let once: Promise<Run> | undefined;
const done = (): Promise<Run> => once ??= run();

/** The figures. */
export const figures: ReadonlyArray<Figure> = [
  {
    name: "steps of the main job that an outside MCP client cannot do",
    unit: "steps",
    goal: "0 of 14",
    measure: async () => {
      const { steps, found, seconds } = await done();
      const missed = steps.filter(([, isDone]) => !isDone).map(([name]) => name);
      return {
        value: missed.length,
        ok: missed.length === 0 && steps.length === 14,
        detail: {
          steps: steps.length,
          missed,
          seconds: rounded(seconds),
          progress: found.followed.progress.length,
          events: found.followed.events.length,
          program: found.answer.program,
        },
      };
    },
  },
  {
    name: "digits through MCP on a seventh of the usual budget: held-out accuracy, judged by another call",
    unit: "share",
    goal: `≥ ${LEAST_ACCURACY}`,
    measure: async () => {
      const { found: { judged, answer } } = await done();
      const { accuracy } = judged.scores;
      return {
        value: accuracy,
        ok: accuracy >= LEAST_ACCURACY,
        detail: { samples: judged.samples, spent: answer.spent, candidates: answer.candidates },
      };
    },
  },
];
