import { readReport } from '../../src/report/read.ts';
import { newEvent } from '../../src/agent/contents.ts';
import type { Opened } from '../../src/agent/contents.ts';
import { converse } from '../../src/agent/loop.ts';
import type { LoopWorld } from '../../src/agent/loop.ts';
import type { ModelAnswer, ModelRequest } from '../../src/agent/models/model.ts';
import { conversationOf } from '../../src/agent/conversation.ts';
import { succeeded } from '../../src/workflows/steps/define.ts';
import type { Deed } from './engine.ts';

// A step that leads a conversation with the loop and the journal of the program, beside a model and tools that take no time.

const opened: Opened = {
  tools: [],
  model: 'test/one',
  profile: 'full',
  delimiter: 'd1',
  system: 'Investigate.',
  user: 'The alert.',
  analysis: readReport({}),
  linked: [],
  evidenceHash: 'h',
  bounds: {
    contextTokens: 100_000,
    maxOutputTokens: 1000,
    price: null,
    limits: { turns: 100, toolCalls: 100, tokens: 1_000_000, costMicros: null, wallMs: 600_000, bytes: 1_000_000 },
  },
};

const conclusion = JSON.stringify({
  summary: 'Nothing shows it.',
  cause: null,
  findings: [],
  hypotheses: [],
  next: [],
});

/** Of so many turns with so many calls each, then words, then the answer. */
export function conversing(turns: number, callsOfTurn: number): Deed {
  return async (io) => {
    await io.journal.append([newEvent('opened', opened)]);
    const world: LoopWorld = {
      ...opened.bounds,
      journal: io.journal,
      refusal: io.budgetRefusal,
      requestTimeoutMs: 1000,
      now: io.now,
      signal: io.signal,
      model: {
        name: opened.model,
        contextTokens: opened.bounds.contextTokens,
        price: null,
        ask: async (request) => ({ answer: answerTo(request, turns, callsOfTurn), model: opened.model, price: null }),
      },
      toolbox: {
        declarations: [{ name: 'look', description: 'Looks.', input: { type: 'object' } }],
        hasNamedTools: false,
        missing: [],
        execute: async () => ({
          status: 'ok',
          text: 'It is there.',
          command: null,
          evidence: null,
          bytes: 12,
          reason: null,
          cached: false,
          durationMs: 0,
        }),
      },
    };
    const { closed } = await converse(world, conversationOf([newEvent('opened', opened)]));
    if (closed?.ended !== 'concluded') throw new Error(`it ended as ${closed?.ended}: ${closed?.detail}`);
    return succeeded({});
  };
}

function answerTo({ schema, messages }: ModelRequest, turns: number, callsOfTurn: number): ModelAnswer {
  const made = messages.filter(({ role }) => role === 'tool').length;
  const calls =
    schema !== null || made >= turns
      ? []
      : Array.from({ length: callsOfTurn }, (_, index) => ({
          id: `c${made}.${index}`,
          name: 'look',
          input: JSON.stringify({ at: `${made}.${index}` }),
        }));
  return {
    message: { role: 'assistant', text: schema === null ? 'I look.' : conclusion, calls, raw: null },
    finish: calls.length > 0 ? 'tool-calls' : 'stop',
    usage: { inputTokens: 90, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 10 },
  };
}
