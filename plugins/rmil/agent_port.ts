/**
 * AgentPort: what the agent ops need of the world around a run.
 *
 * Not a bus of the system (plugins may bring one): the default connects agents of one process.
 * Invariant: messages arrive in the order in which they were sent; an inbox holds at most {@link MAX_INBOX}, and a
 * message that finds it full is refused, not lost in silence.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Failure } from "../../kernel/mod.ts";
import { agentRefused } from "./interpreter/failures.ts";
import type { Value } from "./value.ts";

/** Most messages waiting in one inbox. */
export const MAX_INBOX = 1_000;

/** Most agents of one network. */
export const MAX_AGENTS = 1_000;

/** What an agent does with a message: its answer. */
export type Behaviour = (message: Value) => Effect.Effect<Value, Failure>;

/** A message as it arrives. */
export interface Delivered {
  /** Who sent it. */
  readonly from: string;
  /** What it says. */
  readonly message: Value;
}

/** The port, seen by one agent. */
export interface AgentPort {
  /** The agent's own name. */
  readonly self: string;
  /** Sends to one agent. */
  readonly send: (to: string, message: Value) => Effect.Effect<void, Failure>;
  /** Takes the next message, of one sender where named; `undefined` where there is none. */
  readonly receive: (from?: string) => Effect.Effect<Delivered | undefined, Failure>;
  /** Starts a child that answers messages, and gives its name. */
  readonly spawn: (name: string | undefined, behaviour: Behaviour) => Effect.Effect<string, Failure>;
  /** Stops a child; whether it was running. */
  readonly kill: (name: string) => Effect.Effect<boolean, Failure>;
  /** Posts to a topic. */
  readonly publish: (topic: string, message: Value) => Effect.Effect<void, Failure>;
  /** Follows a topic. */
  readonly subscribe: (topic: string) => Effect.Effect<void, Failure>;
  /** Hands over a task and waits for the answer. */
  readonly delegate: (to: string, task: Value) => Effect.Effect<Value, Failure>;
  /** Sends to every other agent. */
  readonly broadcast: (message: Value) => Effect.Effect<void, Failure>;
}

type Member = {
  readonly inbox: Delivered[];
  readonly topics: Set<string>;
  readonly behaviour: Behaviour | undefined;
  readonly parent: string | undefined;
};

/** Agents of one process: a table of names. */
export class LocalAgents {
  readonly #members = new Map<string, Member>();
  #spawned = 0;

  #member(op: string, name: string): Effect.Effect<Member, Failure> {
    const found = this.#members.get(name);
    return found === undefined
      ? Effect.fail(agentRefused({ op, reason: `there is no agent "${name}"`, actual: name }))
      : Effect.succeed(found);
  }

  #join(op: string, name: string, behaviour: Behaviour | undefined, parent: string | undefined) {
    return Effect.suspend(() => {
      if (this.#members.has(name)) return Effect.fail(agentRefused({ op, reason: `agent "${name}" is there already` }));
      if (this.#members.size >= MAX_AGENTS) {
        return Effect.fail(agentRefused({ op, reason: `there are ${MAX_AGENTS} agents already` }));
      }
      this.#members.set(name, { inbox: [], topics: new Set(), behaviour, parent });
      return Effect.succeed(name);
    });
  }

  /** An agent that answers gets its message at once and its answer goes back; others find it in their inbox. */
  #deliver(op: string, from: string, to: string, message: Value): Effect.Effect<void, Failure> {
    return Effect.flatMap(this.#member(op, to), (member): Effect.Effect<void, Failure> => {
      if (member.behaviour !== undefined) {
        return Effect.flatMap(member.behaviour(message), (answer) => {
          const sender = this.#members.get(from);
          return sender === undefined || sender.behaviour !== undefined
            ? Effect.void
            : this.#enqueue(op, from, sender, { from: to, message: answer });
        });
      }
      return this.#enqueue(op, to, member, { from, message });
    });
  }

  #enqueue(op: string, to: string, member: Member, delivered: Delivered): Effect.Effect<void, Failure> {
    if (member.inbox.length >= MAX_INBOX) {
      return Effect.fail(agentRefused({ op, reason: `the inbox of "${to}" is full (${MAX_INBOX})` }));
    }
    member.inbox.push(delivered);
    return Effect.void;
  }

  #all(op: string, from: string, message: Value, wanted: (member: Member) => boolean): Effect.Effect<void, Failure> {
    return Effect.suspend(() =>
      Effect.forEach(
        [...this.#members].filter(([name, member]) => name !== from && wanted(member)).map(([name]) => name),
        (name) => this.#deliver(op, from, name, message),
        { discard: true },
      )
    );
  }

  #kill(self: string, name: string): boolean {
    if (this.#members.get(name)?.parent !== self) return false;
    for (const [child, { parent }] of [...this.#members]) if (parent === name) this.#kill(name, child);
    return this.#members.delete(name);
  }

  /** The port of an agent; it joins under that name where it is not there yet. */
  port(self: string): AgentPort {
    if (!this.#members.has(self)) {
      this.#members.set(self, { inbox: [], topics: new Set(), behaviour: undefined, parent: undefined });
    }
    return {
      self,
      send: (to, message) => this.#deliver("send", self, to, message),
      receive: (from) =>
        Effect.map(this.#member("recv", self), ({ inbox }) => {
          const at = from === undefined ? 0 : inbox.findIndex((delivered) => delivered.from === from);
          return at < 0 ? undefined : inbox.splice(at, 1)[0];
        }),
      spawn: (name, behaviour) =>
        Effect.suspend(() => this.#join("spawn", `${self}/${name ?? ++this.#spawned}`, behaviour, self)),
      kill: (name) => Effect.sync(() => this.#kill(self, name)),
      publish: (topic, message) => this.#all("publish", self, message, ({ topics }) => topics.has(topic)),
      subscribe: (topic) => Effect.map(this.#member("subscribe", self), ({ topics }) => void topics.add(topic)),
      delegate: (to, task) =>
        Effect.flatMap(
          this.#member("delegate", to),
          ({ behaviour }) =>
            behaviour === undefined
              ? Effect.fail(agentRefused({ op: "delegate", reason: `agent "${to}" answers no tasks` }))
              : behaviour(task),
        ),
      broadcast: (message) => this.#all("broadcast", self, message, () => true),
    };
  }
}
