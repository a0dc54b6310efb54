import { toAppError } from '../core/errors.ts';
import type { Timestamp } from '../core/time.ts';
import type { EvidenceRecorder } from '../investigation/evidence.ts';
import { maskValues } from '../lib/mask-values.ts';
import { oneLine, printable } from '../lib/printable.ts';
import { redact, redactInTurns } from '../lib/redact.ts';
import { boundAnswer } from '../lib/bound-answer.ts';
import type { Ended } from './repeats.ts';
import type { ToolAnswer } from './tools/define.ts';
import { dataBlock } from '../lib/data-block.ts';

/** What an answer is made fit for a model with. */
export interface Presentation {
  readonly recorder: Pick<EvidenceRecorder, 'add'>;
  /** Of the conversation's blocks of data. */
  readonly delimiter: string;
  /** Values that no answer may hold. */
  readonly secretValues: () => Promise<readonly string[]>;
  /** In UTF-8. */
  readonly answerBytes: number;
  /** The clock of the evidence. */
  readonly now: Timestamp;
}

/**
 * An answer as the model reads it: redacted, then made printable, then bounded, then numbered as evidence, then in a block of data.
 * Where it cannot be redacted nothing of it is shown.
 */
export async function presentAnswer(
  tool: string,
  answer: ToolAnswer,
  { recorder, delimiter, secretValues, answerBytes, now }: Presentation,
): Promise<Ended> {
  const safe = await redacted(answer, secretValues);
  if (safe === null)
    return notDone('error', 'RedactionFailed', 'the answer could not be redacted, so nothing of it is shown');
  const { text, command, object } = safe;
  const { status, keepEnd = false, narrow = '' } = answer;
  const bounded = boundAnswer(text, { mostBytes: answerBytes, keepEnd, narrow });
  const evidence =
    answer.evidence === null || object === null || status === 'error'
      ? null
      : recorder.add(
          { kind: answer.evidence.kind, object, command: command ?? `${tool} ${object}`, time: now, excerpt: text },
          keepEnd,
        );
  const origin = [evidence?.id ?? 'no evidence', status, `${tool} ${object ?? ''}`.trim()].join(', ');
  const lines = command === null ? bounded : `$ ${command}\n${bounded}`;
  return {
    status,
    text: dataBlock({ origin, delimiter, text: lines }),
    command,
    evidence,
    bytes: Buffer.byteLength(text),
    reason: answer.reason ?? (status === 'error' ? 'Failed' : null),
    cached: false,
  };
}

interface Safe {
  readonly text: string;
  readonly command: string | null;
  readonly object: string | null;
}

async function redacted(
  { text, command, evidence }: ToolAnswer,
  secretValues: () => Promise<readonly string[]>,
): Promise<Safe | null> {
  try {
    const known: Safe = {
      text: await redactInTurns(text),
      command: command === null ? null : redact(command),
      object: evidence === null ? null : redact(evidence.object),
    };
    const safe = await maskValues(known, await secretValues());
    return {
      text: printable(safe.text),
      command: safe.command === null ? null : oneLine(safe.command, 1000),
      object: safe.object === null ? null : oneLine(safe.object, 300),
    };
  } catch {
    return null;
  }
}

/** A call that came to no answer: one line of our own words. What the model wrote itself may stand in it. */
export function notDone(status: 'denied' | 'error', reason: string, message: string): Ended {
  const text = `${status}, ${reason}: ${oneLine(redact(message), 600)}`;
  return { status, text, command: null, evidence: null, bytes: Buffer.byteLength(text), reason, cached: false };
}

/** What a tool threw, as its answer: never a stack. */
export function failedAnswer(thrown: unknown): ToolAnswer {
  const { code, message } = toAppError(thrown);
  return { status: 'error', reason: code, text: message, command: null, evidence: null };
}
