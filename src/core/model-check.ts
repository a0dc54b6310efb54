import type { Timestamp } from './time.ts';

/** What was tried of a model: `ok`, `failed`, or `skipped` where nobody can say. */
export interface ModelFinding {
  readonly about: 'settings' | 'answer' | 'tool call' | 'form' | 'both' | 'window' | 'price' | 'cost';
  readonly result: 'ok' | 'failed' | 'skipped';
  /** One line for people. */
  readonly text: string;
  readonly next?: string;
}

/**
 * Whether a model can do what an investigation asks of it: it can, it cannot (no call of a tool, no report in its form), or nobody
 * knows, because it gave no answer.
 */
export const modelFitness = ['fit', 'unfit', 'unanswered'] as const;
export type ModelFitness = (typeof modelFitness)[number];

/** A `model_checks` row: the last check of a model that said something of it. */
export interface ModelCheckRecord {
  /** Over provider, model, address and key: another one of these is another model. */
  readonly hash: string;
  /** `anthropic/claude-sonnet-5-5`. */
  readonly model: string;
  /** null = the provider's own. */
  readonly endpoint: string | null;
  readonly result: Exclude<ModelFitness, 'unanswered'>;
  /** What it cannot do, or that it can; one line. */
  readonly message: string;
  readonly checks: readonly ModelFinding[];
  readonly at: Timestamp;
}

/** Checks that are kept. */
export const mostModelChecks = 200;

/** What came of a check of one model. */
export interface CheckedModel extends Pick<ModelCheckRecord, 'model' | 'endpoint' | 'message' | 'checks' | 'at'> {
  readonly result: ModelFitness;
}
