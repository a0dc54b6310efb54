import type { IncomingHttpHeaders } from 'node:http';
import type { JsonObject, JsonValue } from '../../../src/core/json.ts';
import { objectOf } from '../../../src/core/json.ts';
import { sha256Hex } from '../../../src/lib/hash.ts';

// What the wires of model providers have in common, for the scripted server.

/** A tool call that a scripted model makes. */
export interface ScriptedCall {
  readonly name: string;
  /** Text stands as it is, so that it may be broken JSON; anything else becomes JSON. */
  readonly input: JsonValue;
  /** Default: one that no other call has. */
  readonly id?: string;
}

/** What a scripted model answers. */
export interface ScriptedAnswer {
  readonly text?: string;
  readonly calls?: readonly ScriptedCall[];
  /** The text as JSON, for a request with a schema. */
  readonly json?: JsonValue;
  /** Reasoning before the answer, signed by the server: it must come back as it was, or not at all. */
  readonly reasoning?: string;
  /** Default: `tool-calls` where there are calls, else `stop`. */
  readonly finish?: 'stop' | 'tool-calls' | 'length' | 'content-filter';
  /** null: the server says nothing of it. Default: 1000 in, of which 600 from the cache, and 50 out. */
  readonly usage?: ScriptedUsage | null;
  /** It takes so long. Milliseconds. */
  readonly delayMs?: number;
  /** It waits for this. */
  readonly after?: Promise<unknown>;
}

export interface ScriptedUsage {
  /** All of it: cache included. */
  readonly input: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
  readonly output: number;
}

export const usualUsage: ScriptedUsage = { input: 1000, cacheRead: 600, output: 50 };

/** Errors that providers answer with, each in its own words. */
export type ErrorKind =
  | 'rate-limit'
  | 'quota'
  | 'server-error'
  | 'unavailable'
  | 'overloaded'
  | 'context'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'content-filter'
  | 'bad-request'
  | 'broken-output';

export interface WireError {
  readonly status: number;
  readonly body: JsonValue;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A message as a test looks at it, whatever the wire. */
export interface SeenMessage {
  readonly role: 'user' | 'assistant' | 'tool';
  readonly text: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: JsonValue }[];
  readonly results: readonly { readonly id: string; readonly text: string }[];
}

/** A request as a test looks at it. */
export interface SeenRequest {
  readonly wire: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: JsonObject;
  readonly model: string;
  readonly system: string;
  readonly messages: readonly SeenMessage[];
  /** Names. */
  readonly tools: readonly string[];
  readonly schema: JsonObject | null;
  readonly maxOutputTokens: number;
  /** The client went away before the answer's end. */
  readonly aborted: boolean;
}

/** What a wire reads out of a request. */
export type ReadRequest = Omit<SeenRequest, 'wire' | 'path' | 'headers' | 'body' | 'aborted'>;

/** A request before anybody has read it. */
export interface WireRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: JsonObject;
}

/** One provider's form of requests, answers and errors. */
export interface Wire {
  readonly name: string;
  /** What `llmConfig.endpoint` adds to the address of the server. */
  readonly base: string;
  takes(path: string): boolean;
  /** The key that a request brings; null = none. */
  key(request: WireRequest): string | null;
  /** Why the provider would answer 400, in its own words; null = it would not. */
  problem(request: WireRequest): string | null;
  read(request: WireRequest): ReadRequest;
  answer(answer: ScriptedAnswer, request: WireRequest, number: number): JsonValue;
  error(kind: ErrorKind, message?: string): WireError;
}

/** Fields that are not known; null = all are. */
export function unknownField(fields: JsonObject, known: readonly string[]): string | null {
  return Object.keys(fields).find((name) => !known.includes(name)) ?? null;
}

/** The items where it is a list of objects, else none. */
export function objectsIn(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.map((item) => objectOf(item)) : [];
}

export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** A call's input as the model wrote it. */
export function inputText(input: JsonValue): string {
  return typeof input === 'string' ? input : JSON.stringify(input);
}

/** The input as a value; text that is no JSON stays text. */
export function inputValue(input: JsonValue): JsonValue {
  if (typeof input !== 'string') return input;
  try {
    return JSON.parse(input) as JsonValue;
  } catch {
    return input;
  }
}

/** The answer's text, or its JSON as text. */
export function answerText({ text, json }: ScriptedAnswer): string {
  return text ?? (json === undefined ? '' : JSON.stringify(json));
}

/** What a provider gives reasoning away with, so that it knows its own again: bound to what it answered. */
export function signatureOf(reasoning: string, before: readonly JsonObject[]): string {
  return `signed-${sha256Hex(JSON.stringify([reasoning, before], withoutMarks)).slice(0, 32)}`;
}

/** What is to be kept may change from one request to the next. */
function withoutMarks(name: string, value: JsonValue): JsonValue | undefined {
  if (Array.isArray(value)) return value.filter((item) => objectOf(item)['cachePoint'] === undefined);
  return name === 'cache_control' ? undefined : value;
}

/** The id of the call with this index in the answer with this number. */
export function callId(call: ScriptedCall, number: number, index: number, prefix: string): string {
  return call.id ?? `${prefix}${number}_${index}`;
}

/** What keeps a schema from being taken in strict mode; null = nothing. */
export function strictSchemaProblem(value: JsonValue | undefined, allRequired: boolean): string | null {
  const schema = objectOf(value);
  if (schema['type'] === 'object' || schema['properties'] !== undefined) {
    const properties = objectOf(schema['properties']);
    if (schema['additionalProperties'] !== false) return "'additionalProperties' is required to be false";
    const required: readonly JsonValue[] = Array.isArray(schema['required']) ? schema['required'] : [];
    const missing = Object.keys(properties).find((name) => !required.includes(name));
    if (allRequired && missing !== undefined) return `'required' must include every key, and ${missing} is missing`;
  }
  const inner = [
    ...Object.values(objectOf(schema['properties'])),
    ...(schema['items'] === undefined ? [] : [schema['items']]),
    ...(Array.isArray(schema['anyOf']) ? schema['anyOf'] : []),
    ...Object.values(objectOf(schema['$defs'])),
  ];
  for (const each of inner) {
    const problem = strictSchemaProblem(each, allRequired);
    if (problem !== null) return problem;
  }
  return null;
}
