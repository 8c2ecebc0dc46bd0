/**
 * Handlers of the operations on registered programs, modules and settings.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import type { Json } from "../../kernel/json.ts";
import { canonical, encodeProgram, type GivenProgram, programFrom } from "../rmil/library.ts";
import { attempting } from "./attempting.ts";
import { type Candidate, evaluate } from "./evaluators/evaluate.ts";
import { type CandidateKind, suiteFrom } from "./evaluators/suite.ts";
import { badSuite, unfitChange } from "./failures.ts";
import type { JudgeCandidate, Modify, RegisterProgram, TryVersion } from "./operations_subjects.ts";
import { type Body, settingsBody } from "./self/body.ts";
import { listSubjects, modifySubject, registerSubject, trySubject } from "./self/modify.ts";

type InputOf<O extends { readonly input: Schema.Constraint }> = Schema.Schema.Type<O["input"]>;

interface Given {
  readonly program?: GivenProgram;
  readonly module?: string;
  readonly settings?: {
    readonly values: { readonly [name: string]: Json };
    readonly space: ReadonlyArray<Json>;
    readonly reader: string;
  };
  readonly suite: { readonly kind: CandidateKind };
}

const NAMES = ["program", "module", "settings"] as const;

/** Which one of the three is given; the suite has to be for it: settings are judged by the module that reads them. */
const kindOf = (given: Given) =>
  attempting(() => {
    const named = NAMES.filter((name) => given[name] !== undefined);
    if (named.length !== 1) {
      const reason = `one of ${NAMES.join(", ")} has to be given, and ${named.length} are`;
      const [, ...extra] = named;
      throw unfitChange({
        what: "a subject",
        reason,
        path: extra.length === 0 ? "" : `/${extra[0]}`,
        ...(extra.length === 0 ? {} : {
          fix: {
            summary: `Leave ${extra.join(" and ")} out`,
            patch: extra.map((name) => ({ op: "remove" as const, path: `/${name}` })),
          },
        }),
      });
    }
    const [kind] = named;
    const wanted: CandidateKind = kind === "program" ? "program" : "module";
    if (given.suite.kind !== wanted) {
      throw badSuite({
        reason: `its cases are for a ${given.suite.kind}, and a ${kind} takes those of a ${wanted}`,
        path: "/suite/kind",
        expected: wanted,
        actual: given.suite.kind,
        fix: { summary: `Use ${wanted}`, patch: [{ op: "replace", path: "/suite/kind", value: wanted }] },
      });
    }
    return kind;
  });

const bodyFrom = (given: Given) =>
  Effect.gen(function* () {
    const kind = yield* kindOf(given);
    if (kind === "module") return { kind, text: given.module! } satisfies Body;
    if (kind === "settings") {
      const { values, space } = given.settings!;
      return yield* attempting(() => settingsBody(values, space));
    }
    const program = yield* programFrom(given.program!);
    return { kind, bytes: encodeProgram(canonical(program)) } satisfies Body;
  });

const candidateOf = (body: Body, given: Given): Candidate => {
  if (body.kind === "program") return { program: body.bytes };
  return body.kind === "module" ? { module: body.text } : { module: given.settings!.reader, settings: body.values };
};

/** The handlers. */
export const subjectHandlers = {
  "evolution.judge": (input: InputOf<typeof JudgeCandidate>) =>
    Effect.gen(function* () {
      const body = yield* bodyFrom(input as Given);
      const suite = yield* attempting(() => suiteFrom(input.suite));
      return yield* evaluate(candidateOf(body, input as Given), suite);
    }),
  "evolution.registerProgram": (input: InputOf<typeof RegisterProgram>) =>
    Effect.gen(function* () {
      const { name } = input;
      const body = yield* bodyFrom(input as Given);
      const suite = yield* attempting(() => suiteFrom(input.suite));
      const settings = (input as Given).settings;
      return yield* registerSubject({
        name,
        body,
        suite,
        ...(settings === undefined ? {} : { settings: { reader: settings.reader, space: settings.space } }),
      });
    }),
  "evolution.modify": (input: InputOf<typeof Modify>) => modifySubject(input),
  "evolution.trial": (input: InputOf<typeof TryVersion>) => trySubject(input),
  "evolution.registered": () =>
    Effect.map(listSubjects, (subjects) => ({
      subjects: subjects.map(({ subject, ...rest }) => ({
        ...rest,
        ...(subject === undefined ? {} : { kind: subject.rules.kind, current: subject.current }),
      })),
    })),
};
