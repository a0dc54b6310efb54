import { McpFailure } from './failure.ts';

/** What is read of a server. */
export interface McpLimits {
  /** Of one message. */
  readonly messageBytes: number;
  /** Of all that comes for one question, and before the next. */
  readonly bytes: number;
  /** Messages of all that comes for one question. */
  readonly messages: number;
  /** Of these such as are none. */
  readonly garbage: number;
}

export const mcpLimits: McpLimits = {
  messageBytes: 1024 * 1024,
  bytes: 16 * 1024 * 1024,
  messages: 2000,
  garbage: 100,
};

/** Counts what comes of one server since it was asked last. */
export interface Traffic {
  readonly limits: McpLimits;
  /** A question goes out; its number. */
  asked(): number;
  bytes(count: number): void;
  message(): void;
  garbage(): void;
  /** A message was longer than is read; its rest is thrown away. */
  tooLarge(): void;
  /** The connection broke, or the program ended. */
  ended(detail: string): void;
  /** The last question is answered, or given up. */
  settled(): void;
  /** All has come that there is for a question. */
  exhausted(question: number): void;
}

/** Tells of the first thing that was too much; what comes after it changes nothing. */
export function countTraffic(limits: McpLimits, onFailure: (failure: McpFailure) => void): Traffic {
  let questions = 0;
  let sinceAsked = { bytes: 0, messages: 0, garbage: 0 };
  return {
    limits,
    asked() {
      sinceAsked = { bytes: 0, messages: 0, garbage: 0 };
      return (questions += 1);
    },
    bytes(count) {
      sinceAsked.bytes += count;
      if (sinceAsked.bytes > limits.bytes) onFailure(new McpFailure('McpFlooded'));
    },
    message() {
      sinceAsked.messages += 1;
      if (sinceAsked.messages > limits.messages) onFailure(new McpFailure('McpFlooded'));
    },
    garbage() {
      sinceAsked.garbage += 1;
      if (sinceAsked.garbage > limits.garbage) onFailure(new McpFailure('McpGarbage'));
    },
    tooLarge: () => onFailure(new McpFailure('McpTooLarge')),
    ended: (detail) => onFailure(new McpFailure('McpEnded', detail)),
    settled: () => void (questions += 1),
    exhausted(question) {
      if (question === questions) onFailure(new McpFailure('McpGarbage', 'the stream ended without an answer'));
    },
  };
}
