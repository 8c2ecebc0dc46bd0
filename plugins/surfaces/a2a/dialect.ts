/**
 * Dialect: the two generations of A2A on the wire, 1.0 and 0.3, as two columns of one table.
 *
 * Not behaviour: what is asked and what is answered is the same for both (tasks.ts).
 * Invariant: what one dialect writes, its readers take; nothing of a dialect is known outside this file.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "../../../kernel/json.ts";

/** Where a task stands. */
export type TaskState = "working" | "completed" | "failed" | "canceled" | "rejected" | "auth-required";

/** A part of a message: data, text, or a kind that this agent does not take. */
export type Part = { readonly data: Json } | { readonly text: string } | { readonly other: true };

/** A task as both dialects tell it. */
export interface TaskView {
  /** The task's id. */
  readonly id: string;
  /** The conversation it belongs to. */
  readonly contextId: string;
  /** Where it stands. */
  readonly state: TaskState;
  /** When that began, ISO 8601. */
  readonly at: string;
  /** What there is to say about it. */
  readonly says: ReadonlyArray<Part>;
  /** The answer, where there is one. */
  readonly artifact?: { readonly name: string; readonly data: Json };
}

/** A message from the agent. */
export interface MessageView {
  /** The message's id. */
  readonly id: string;
  /** The conversation it belongs to. */
  readonly contextId: string;
  /** Its parts. */
  readonly parts: ReadonlyArray<Part>;
}

/** What one generation of the protocol looks like. */
export interface Dialect {
  /** Its name in the A2A-Version header. */
  readonly version: string;
  /** Reads the parts of a received message. */
  readonly parts: (message: JsonObject) => ReadonlyArray<Part>;
  /** Whether the sender wants the task at once rather than its end. */
  readonly atOnce: (configuration: Json | undefined) => boolean;
  /** A message as the result of sending. */
  readonly message: (message: MessageView) => Json;
  /** A task as the result of sending, and as the first event of a stream. */
  readonly sent: (task: TaskView) => Json;
  /** A task as the result of asking for it. */
  readonly task: (task: TaskView) => Json;
  /** A change of a task's status, as an event of a stream. */
  readonly status: (task: TaskView, final: boolean) => Json;
  /** A task's answer, as an event of a stream. */
  readonly artifact: (task: TaskView) => Json;
}

const partsOf = (message: JsonObject): ReadonlyArray<JsonObject> =>
  (Array.isArray(message.parts) ? message.parts : []).filter(isJsonObject);

/** Both dialects name the payload of a part after its kind. */
const readPart = (part: JsonObject): Part =>
  typeof part.text === "string" ? { text: part.text } : part.data !== undefined ? { data: part.data } : { other: true };

const ARTIFACT_ID = "answer";

const messageId = (task: TaskView): string => `${task.id}-${task.state}`;

const V1_STATES: { readonly [S in TaskState]: string } = {
  working: "TASK_STATE_WORKING",
  completed: "TASK_STATE_COMPLETED",
  failed: "TASK_STATE_FAILED",
  canceled: "TASK_STATE_CANCELED",
  rejected: "TASK_STATE_REJECTED",
  "auth-required": "TASK_STATE_AUTH_REQUIRED",
};

const v1Message = (message: MessageView & { readonly taskId?: string }): JsonObject => ({
  messageId: message.id,
  contextId: message.contextId,
  ...(message.taskId === undefined ? {} : { taskId: message.taskId }),
  role: "ROLE_AGENT",
  parts: message.parts as ReadonlyArray<Json>,
});

const v1Status = (task: TaskView): JsonObject => ({
  state: V1_STATES[task.state],
  timestamp: task.at,
  ...(task.says.length === 0 ? {} : {
    message: v1Message({ id: messageId(task), contextId: task.contextId, taskId: task.id, parts: task.says }),
  }),
});

const v1Artifact = ({ name, data }: { readonly name: string; readonly data: Json }): JsonObject => ({
  artifactId: ARTIFACT_ID,
  name,
  parts: [{ data, mediaType: "application/json" }],
});

const v1Task = (task: TaskView): JsonObject => ({
  id: task.id,
  contextId: task.contextId,
  status: v1Status(task),
  artifacts: task.artifact === undefined ? [] : [v1Artifact(task.artifact)],
});

const V1: Dialect = {
  version: "1.0",
  parts: (message) => partsOf(message).map(readPart),
  atOnce: (configuration) => isJsonObject(configuration) && configuration.returnImmediately === true,
  message: (message) => ({ message: v1Message(message) }),
  sent: (task) => ({ task: v1Task(task) }),
  task: v1Task,
  status: (task) => ({ statusUpdate: { taskId: task.id, contextId: task.contextId, status: v1Status(task) } }),
  artifact: (task) => ({
    artifactUpdate: {
      taskId: task.id,
      contextId: task.contextId,
      artifact: task.artifact === undefined ? null : v1Artifact(task.artifact),
      append: false,
      lastChunk: true,
    },
  }),
};

/** A data part of 0.3 holds an object: other values are wrapped. */
const v03Part = (part: Part): JsonObject =>
  "text" in part
    ? { kind: "text", text: part.text }
    : "data" in part
    ? { kind: "data", data: isJsonObject(part.data) ? part.data : { value: part.data } }
    : { kind: "text", text: "" };

const v03Message = (message: MessageView & { readonly taskId?: string }): JsonObject => ({
  kind: "message",
  messageId: message.id,
  contextId: message.contextId,
  ...(message.taskId === undefined ? {} : { taskId: message.taskId }),
  role: "agent",
  parts: message.parts.map(v03Part),
});

const v03Status = (task: TaskView): JsonObject => ({
  state: task.state,
  timestamp: task.at,
  ...(task.says.length === 0 ? {} : {
    message: v03Message({ id: messageId(task), contextId: task.contextId, taskId: task.id, parts: task.says }),
  }),
});

const v03Artifact = ({ name, data }: { readonly name: string; readonly data: Json }): JsonObject => ({
  artifactId: ARTIFACT_ID,
  name,
  parts: [v03Part({ data })],
});

const v03Task = (task: TaskView): JsonObject => ({
  kind: "task",
  id: task.id,
  contextId: task.contextId,
  status: v03Status(task),
  artifacts: task.artifact === undefined ? [] : [v03Artifact(task.artifact)],
});

const V03: Dialect = {
  version: "0.3",
  parts: (message) => partsOf(message).map(readPart),
  atOnce: (configuration) => isJsonObject(configuration) && configuration.blocking === false,
  message: v03Message,
  sent: v03Task,
  task: v03Task,
  status: (task, final) => ({
    kind: "status-update",
    taskId: task.id,
    contextId: task.contextId,
    status: v03Status(task),
    final,
  }),
  artifact: (task) => ({
    kind: "artifact-update",
    taskId: task.id,
    contextId: task.contextId,
    artifact: task.artifact === undefined ? null : v03Artifact(task.artifact),
    append: false,
    lastChunk: true,
  }),
};

/** What a method asks for. */
export type Verb = "send" | "stream" | "get" | "cancel" | "unsupported";

/** Every method of both generations: which dialect it is spoken in, and what it asks for. */
export const METHODS: { readonly [method: string]: readonly [Dialect, Verb] } = {
  SendMessage: [V1, "send"],
  SendStreamingMessage: [V1, "stream"],
  GetTask: [V1, "get"],
  CancelTask: [V1, "cancel"],
  ListTasks: [V1, "unsupported"],
  SubscribeToTask: [V1, "unsupported"],
  GetExtendedAgentCard: [V1, "unsupported"],
  CreateTaskPushNotificationConfig: [V1, "unsupported"],
  GetTaskPushNotificationConfig: [V1, "unsupported"],
  ListTaskPushNotificationConfigs: [V1, "unsupported"],
  DeleteTaskPushNotificationConfig: [V1, "unsupported"],
  "message/send": [V03, "send"],
  "message/stream": [V03, "stream"],
  "tasks/get": [V03, "get"],
  "tasks/cancel": [V03, "cancel"],
  "tasks/resubscribe": [V03, "unsupported"],
  "tasks/pushNotificationConfig/set": [V03, "unsupported"],
  "tasks/pushNotificationConfig/get": [V03, "unsupported"],
  "tasks/pushNotificationConfig/list": [V03, "unsupported"],
  "tasks/pushNotificationConfig/delete": [V03, "unsupported"],
  "agent/getAuthenticatedExtendedCard": [V03, "unsupported"],
};
