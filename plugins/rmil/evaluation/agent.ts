/**
 * Agent evaluation: the agent ops as effects of the run's port.
 *
 * Invariant: only plain data leaves a run; a child's behaviour runs on the parent's fuel.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Failure } from "../../../kernel/mod.ts";
import type { Evaluations } from "../evaluation.ts";
import { agentRefused } from "../interpreter/failures.ts";
import { symbolOf } from "../interpreter/machine.ts";
import type { OpCall } from "../interpreter/operands.ts";
import { describeValue, type FunctionValue, isPlain, type RunValue } from "../interpreter/run_value.ts";
import { runWork, type Steps } from "../interpreter/work.ts";
import type { AgentName } from "../ops/agent.ts";
import { bool, NIL, type Value } from "../value.ts";

const plain = (op: string, value: RunValue): Value => {
  if (isPlain(value)) return value;
  throw agentRefused({ op, reason: `${describeValue(value)} cannot leave the run` });
};

const nameAt = (call: OpCall, index: number): string => {
  const value = call.operands[index]!;
  if (value.k === "Sym") return call.machine.textOf(value.sym);
  throw agentRefused({ op: call.row.name, reason: `${describeValue(value)} is no name`, expected: "a symbol" });
};

const messageAt = (call: OpCall, index: number): Value => plain(call.row.name, call.operands[index]!);

function* wait(effect: Effect.Effect<RunValue, Failure>): Steps {
  return yield { effect };
}

function* giving(effect: Effect.Effect<unknown, Failure>, value: RunValue): Steps {
  return yield { effect: Effect.as(effect, value) };
}

const behaviourOf = (call: OpCall) => (message: Value): Effect.Effect<Value, Failure> =>
  Effect.flatMap(
    runWork({ steps: call.machine.apply(call.operands[0] as FunctionValue, [message], call.path), path: call.path }),
    (answer) =>
      isPlain(answer)
        ? Effect.succeed(answer)
        : Effect.fail(agentRefused({ op: "spawn", reason: `${describeValue(answer)} cannot leave the run` })),
  );

/** Agents. */
export const agentEvaluations: Evaluations<AgentName> = {
  send: (call) => giving(call.machine.options.agents.send(nameAt(call, 0), messageAt(call, 1)), call.operands[1]!),
  recv: (call) =>
    wait(Effect.map(
      call.machine.options.agents.receive(call.operands[0] === undefined ? undefined : nameAt(call, 0)),
      (delivered) => delivered?.message ?? NIL,
    )),
  spawn: (call) => {
    const { name } = call.attributes;
    const started = call.machine.options.agents.spawn(name === undefined ? undefined : String(name), behaviourOf(call));
    return wait(Effect.map(started, (child) => symbolOf(call.machine, child)));
  },
  kill: (call) => wait(Effect.map(call.machine.options.agents.kill(nameAt(call, 0)), bool)),
  publish: (call) =>
    giving(call.machine.options.agents.publish(nameAt(call, 0), messageAt(call, 1)), call.operands[1]!),
  subscribe: (call) => giving(call.machine.options.agents.subscribe(nameAt(call, 0)), NIL),
  delegate: (call) => wait(call.machine.options.agents.delegate(nameAt(call, 0), messageAt(call, 1))),
  broadcast: (call) => giving(call.machine.options.agents.broadcast(messageAt(call, 0)), call.operands[0]!),
};
