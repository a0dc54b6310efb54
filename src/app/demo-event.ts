import type { IntakeAnswer } from '../core/event.ts';
import type { AgentResult } from '../core/finding.ts';

/** What happened, as the demo tells it; one JSON line each under `--ci`. */
export type DemoEvent =
  | {
      readonly event: 'story-started';
      readonly story: string;
      readonly title: string;
      readonly url: string;
      /** From 1, of all that are played. */
      readonly number: number;
      readonly stories: number;
    }
  | {
      readonly event: 'notification-sent';
      readonly story: string;
      readonly kind: string;
      readonly answer: IntakeAnswer;
    }
  | {
      readonly event: 'alert';
      readonly story: string;
      readonly name: string;
      readonly status: string;
      readonly receiveCount: number;
      readonly object: string;
    }
  | {
      readonly event: 'step';
      readonly story: string;
      readonly name: string;
      readonly type: string;
      readonly status: string;
      readonly durationMs: number;
    }
  | {
      readonly event: 'model-asked';
      readonly story: string;
      /** As reports name it. */
      readonly model: string;
      /** What the analyzers had found by then. */
      readonly analysis: AgentResult;
    }
  | {
      readonly event: 'tool-called';
      readonly story: string;
      readonly tool: string;
      /** As the model wrote it. */
      readonly input: string;
      readonly status: string;
      /** Id and words of the evidence that it gave: those that the model cites in the end, else its last line. null = it gave none. */
      readonly seen: { readonly id: string; readonly words: string } | null;
    }
  | {
      readonly event: 'investigated';
      readonly story: string;
      readonly result: AgentResult;
      readonly run: string;
      readonly durationMs: number;
    }
  | { readonly event: 'same-result'; readonly story: string; readonly run: string }
  | {
      readonly event: 'deliveries';
      readonly story: string;
      readonly sent: number;
      readonly total: number;
      readonly bytes: number;
    }
  | { readonly event: 'checked'; readonly story: string; readonly problems: readonly string[] };
