import { expect } from 'vitest';
import type { AgentEvent } from '../../src/core/agent-event.ts';
import type { AgentResult } from '../../src/core/finding.ts';
import { reportAnswer } from './agent-world.ts';
import type { RunDetail } from './app.ts';
import type { ScriptedAnswer, SeenRequest } from './model-server.ts';

// A conversation whose server is killed in each of its states, and what must hold of it once another process has ended it.

const calls = [
  { name: 'kubernetes_list', input: { resource: 'pods', namespace: 'billing' } },
  { name: 'kubernetes_events', input: { namespace: 'billing' } },
];

/** Two calls at once, then words, then the answer: each by what the request shows, whichever process sends it. */
export function crashAnswer(request: SeenRequest): ScriptedAnswer {
  if (request.schema !== null) return reportAnswer();
  return request.messages.some(({ role }) => role === 'tool') ? { text: 'That is all.' } : { calls };
}

/** The journal of the conversation, a commit each: what it holds before and after the n-th of them. */
const commits = ['opened', 'asked', 'answered', 'called', 'called', 'asked', 'answered', 'asked', 'answered', 'closed'];

/** Each instant at which the server is killed, for `FIST_CRASH_AT`, and its name. */
export const crashPoints = commits.flatMap((kind, index) => [
  [`before:agent-events:${index + 1}`, `before ${kind} (${index + 1})`] as const,
  [`after:agent-events:${index + 1}`, `after ${kind} (${index + 1})`] as const,
]);

/** Of one request: what the scripted model says that it used. */
const tokensOfRequest = 1050;

/** What the model and the API saw of the run that went on. */
export interface CrashedConversation {
  readonly run: RunDetail;
  /** All of the run, in order. */
  readonly events: readonly AgentEvent[];
  /** Requests of this conversation that came to the model. */
  readonly requests: number;
}

/** Checks that it is one conversation, that nothing was done twice whose answer is stored, and that all of it was charged once. */
export function expectWholeConversation({ run, events, requests }: CrashedConversation): void {
  expect(run.status).toBe('succeeded');
  const of = (kind: string) => events.filter((event) => event.kind === kind);
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));

  // One conversation, and each call of it has one answer.
  expect([of('opened').length, of('closed').length]).toEqual([1, 1]);
  expect(
    of('called')
      .map(({ content }) => (content as { call: { name: string } }).call.name)
      .sort(),
  ).toEqual(calls.map(({ name }) => name).sort());
  const ids = run.evidence.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  // What a tool's answer was called in the conversation is what it is called in the run.
  const told = of('called').map(({ content }) => (content as { result: { evidence: { id: string } } }).result.evidence);
  expect(new Set(told.map(({ id }) => id)).size).toBe(calls.length);
  expect(run.evidence).toEqual(expect.arrayContaining(told.map(({ id }) => expect.objectContaining({ id }))));

  // A request whose answer is stored is not made again: at most the one that was under way.
  expect(of('answered')).toHaveLength(3);
  const lost = of('asked').length - 3;
  expect(lost).toBeLessThanOrEqual(1);
  expect(requests - 3).toBeLessThanOrEqual(1);
  // What nobody knows the end of is counted as it was reserved.
  const use = (run.steps.at(-1)?.result as unknown as AgentResult | undefined)?.model_use;
  expect(use?.requests).toBe(3 + lost);
  if (lost === 0) expect(use?.tokens).toBe(3 * tokensOfRequest);
  else expect(use?.tokens).toBeGreaterThan(3 * tokensOfRequest + 1000);
  // The columns that budgets are asked by were charged with the same, once.
  expect(run.modelTokens).toBe(use?.tokens);
  expect(run.agentEvents).toBe(events.length);
}
