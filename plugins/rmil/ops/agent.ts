/**
 * Agent ops: messages between agents, agents started and stopped.
 *
 * @module
 */
import { attribute, type Family, family, operand } from "./row.ts";

/** Names of the agent ops. */
export type AgentName = "send" | "recv" | "spawn" | "kill" | "publish" | "subscribe" | "delegate" | "broadcast";

const message = operand("message", "any");
const topic = operand("topic", "topic");
const agents = { effect: "agents" } as const;

/** Rows of the agent ops. */
export const agentOps: Family<AgentName> = family("Agent", {
  send: {
    code: 0x0400,
    doc: "Sends a message to one agent, and gives the message.",
    operands: [operand("to", "agent"), message],
    piped: "message",
    result: "any",
    ...agents,
  },
  recv: {
    code: 0x0401,
    doc: "Takes the next message; nil where there is none.",
    operands: [operand("from", "agent", { optional: true })],
    result: "any",
    ...agents,
  },
  spawn: {
    code: 0x0402,
    doc: "Starts a child agent that answers each message by a function, and gives its name.",
    operands: [operand("behaviour", "function")],
    attributes: [attribute("name", "name", "The child's name; chosen where absent.")],
    result: "agent",
    ...agents,
  },
  kill: {
    code: 0x0403,
    doc: "Stops a child agent; true where it was running.",
    operands: [operand("agent", "agent")],
    result: "flag",
    ...agents,
  },
  publish: {
    code: 0x0404,
    doc: "Posts a message to a topic, and gives the message.",
    operands: [topic, message],
    piped: "message",
    result: "any",
    ...agents,
  },
  subscribe: {
    code: 0x0405,
    doc: "Follows a topic: its messages arrive with the others.",
    operands: [topic],
    result: "nil",
    ...agents,
  },
  delegate: {
    code: 0x0406,
    doc: "Hands a task to an agent and gives its answer.",
    operands: [operand("to", "agent"), operand("task", "any")],
    piped: "task",
    result: "any",
    ...agents,
  },
  broadcast: {
    code: 0x0407,
    doc: "Sends a message to every other agent, and gives the message.",
    operands: [message],
    result: "any",
    ...agents,
  },
});
