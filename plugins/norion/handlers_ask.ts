/**
 * Handlers of asking and of memory: inputs to requests, answers to outputs.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import { Programs, Sandbox } from "../../effects/mod.ts";
import { Workers, type WorkersShape } from "../../kernel/workers.ts";
import type { TypesChecked } from "./review/types_job.ts";
import { CallContext, digestJson } from "../../kernel/mod.ts";
import type { ModelDescription } from "./contract.ts";
import { routerFor } from "./handlers_routing.ts";
import { suitable } from "./routing/choose.ts";
import { pairOf } from "./routing/stronger.ts";
import { symbolicDefault } from "../rmil/library.ts";
import { type DeviceState, presetOf } from "./device.ts";
import { attempting, badRequest, type NorionFailure } from "./failures.ts";
import { configuredModels } from "./models/configured.ts";
import { measuredDevice, thisDevice } from "./models/devices.ts";
import type { Ask, PlanFor, RecallFor, Remember, Retract } from "./operations_ask.ts";
import { explainPlan, type NorionRequest } from "./plan.ts";
import { milli } from "./policy.ts";
import { profileOf } from "./profile.ts";
import { scopeOf } from "./scope.ts";
import { type AskAnswer, Norion } from "./service.ts";

type InputOf<O extends { readonly input: Schema.Constraint }> = Schema.Schema.Type<O["input"]>;

/** A device without load, of a name; this machine where there is none, looked at where that is asked for. */
const deviceOf = (name: string | undefined, measure: boolean | undefined) =>
  name === undefined
    ? measure === true ? Effect.map(measuredDevice, ({ device }) => device) : thisDevice
    : attempting((): DeviceState => ({
      descriptor: presetOf(name),
      load: { cpu: 0, gpu: 0, memory: 0, disk: 0 },
      provenance: { descriptor: "override", load: "assumed" },
    }));

/** What a request asks of a model, by its input. */
const demandOf = ({ reach, budget = {} }: Pick<InputOf<typeof PlanFor>, "reach" | "budget">) => ({
  privacy: reach ?? "process",
  ...(budget.cost === undefined ? {} : { maxCost: budget.cost }),
  ...(budget.latencyMs === undefined ? {} : { maxLatencyMs: budget.latencyMs }),
});

const planned = (input: InputOf<typeof PlanFor>, models: ReadonlyArray<ModelDescription>) =>
  Effect.gen(function* () {
    const scope = yield* scopeOf(input.scope);
    const profile = yield* attempting(() => profileOf(input.profile ?? "general"));
    const device = yield* deviceOf(input.device, input.measure);
    const candidates = suitable(models, demandOf(input));
    // A router is read only where there is something to choose.
    const fitted = pairOf(candidates) === undefined ? undefined : yield* routerFor(input.router);
    const request: NorionRequest = {
      prompt: input.prompt,
      profile,
      scope,
      window: input.window ?? Math.max(...models.map(({ window }) => window)),
      candidates,
      ...(fitted === undefined ? {} : { fitted }),
      ...(input.files === undefined ? {} : { files: input.files }),
      ...(input.budget?.answerTokens === undefined ? {} : { maxTokens: input.budget.answerTokens }),
      ...(input.budget?.latencyMs === undefined ? {} : { waitMs: input.budget.latencyMs }),
    };
    return { request, device };
  });

/** Types are checked by a worker: it takes the compiler longer than anybody else may wait. */
const typesBy = (workers: WorkersShape) => (input: { readonly source: string }): Effect.Effect<TypesChecked> =>
  workers.run({ module: import.meta.resolve("./review/types_job.ts"), name: "typesChecked", input }).pipe(
    Effect.map((checked) => checked as TypesChecked),
    Effect.catch(({ message }) => Effect.succeed({ absent: message })),
  );

/** What an input asks for, with the models within its reach. */
export const askedBy = (input: InputOf<typeof Ask>) =>
  Effect.gen(function* () {
    const context = yield* CallContext;
    const sandbox = yield* Sandbox;
    const programs = yield* Programs;
    const all = yield* configuredModels(input.reach ?? "process");
    const models = input.model === undefined ? all : all.filter((one) => one.describe().id === input.model);
    if (models.length === 0) {
      return yield* Effect.fail<NorionFailure>(badRequest({
        reason: `there is no model ${input.model} within reach`,
        path: "/model",
        expected: all.map((one) => one.describe().id),
        actual: input.model ?? "",
      }));
    }
    const { request, device } = yield* planned(input, models.map((one) => one.describe()));
    return {
      ...request,
      device,
      models,
      demand: demandOf(input),
      temperature: input.temperature ?? 0,
      seed: context.random.below(2 ** 31),
      materials: input.check ?? {},
      judges: {
        logic: symbolicDefault,
        trial: sandbox.run,
        types: typesBy(yield* Workers),
        program: (name: string, answer: string) => programs.run(name, answer),
      },
      onEvent: context.emit,
    };
  });

/** An answer as it is given out. */
export const answerJson = ({ request, draft, settled, conclusion, used, leftOut }: AskAnswer) => ({
  request,
  answer: draft.text,
  model: draft.model,
  kind: draft.kind,
  quality: settled.quality,
  proven: settled.proven,
  verdict: settled.drift,
  issues: draft.issues.map(({ check, severity }) => `${severity}: ${check}`),
  used,
  stored: settled.stored,
  held: settled.reasons,
  learned: conclusion.lesson !== undefined,
  calls: draft.calls,
  tokens: { read: draft.readTokens, answered: draft.answerTokens, kept: draft.keptTokens },
  unread: draft.unread,
  ...(leftOut.length === 0 ? {} : { leftOut }),
  ...(settled.silent === undefined ? {} : { unjudged: settled.silent }),
  ...(settled.chain === undefined ? {} : { steps: settled.chain }),
});

/** The handlers. */
export const askingHandlers = {
  "norion.ask": (input: InputOf<typeof Ask>) =>
    Effect.gen(function* () {
      const norion = yield* Norion;
      const { actor } = yield* CallContext;
      return answerJson(yield* norion.ask(yield* askedBy(input), actor));
    }).pipe(Effect.scoped),
  "norion.plan": (input: InputOf<typeof PlanFor>) =>
    Effect.gen(function* () {
      const norion = yield* Norion;
      const models = yield* configuredModels(input.reach ?? "process");
      const { request, device } = yield* planned(input, models.map((one) => one.describe()));
      const made = yield* norion.plan(request, device);
      const lines = explainPlan(made);
      return {
        lines,
        digest: digestJson([...lines]),
        profile: made.profile,
        mode: made.mode,
        promptTokens: made.promptTokens,
        calls: made.schedule.calls,
        readTokens: made.schedule.readTokens,
        answerTokens: made.budget.answerTokens,
        attention: milli(made.attention),
        threshold: milli(made.threshold),
        context: made.context.map((one) => ({ ...one, score: milli(one.score) })),
        validators: made.validators,
      };
    }).pipe(Effect.scoped),
  "norion.remember": ({ scope: given, ...request }: InputOf<typeof Remember>) =>
    Effect.gen(function* () {
      const { memory } = yield* Norion;
      const { actor } = yield* CallContext;
      const scope = yield* scopeOf(given);
      return yield* memory.remember({ ...request, scope }, actor);
    }),
  "norion.recall": ({ query, scope: given, limit }: InputOf<typeof RecallFor>) =>
    Effect.gen(function* () {
      const { memory } = yield* Norion;
      const scope = yield* scopeOf(given);
      const items = yield* memory.recall(query, { scope, ...(limit === undefined ? {} : { limit }) });
      return {
        items: items.map(({ item, text, similarity, contradicts }) => ({
          id: item.id,
          text,
          namespace: item.namespace,
          source: item.source,
          similarity: milli(similarity),
          contradicts,
        })),
      };
    }),
  "norion.retract": ({ id, scope: given, reason }: InputOf<typeof Retract>) =>
    Effect.gen(function* () {
      const { memory, experience } = yield* Norion;
      const { actor } = yield* CallContext;
      const scope = yield* scopeOf(given);
      const item = yield* memory.retract(id, { scope, reason }, actor);
      yield* experience.forget(scope, actor);
      return { id, retractedAt: item.retractedAt! };
    }),
};
