import type { ErrorCode } from '../../core/errors.ts';
import { boundAnswer } from '../../lib/bound-answer.ts';
import { cutText } from '../../lib/cut.ts';
import { dataBlock, newDelimiter } from '../../lib/data-block.ts';
import { printable, printableJson } from '../../lib/printable.ts';
import { redact, redactInTurns } from '../../lib/redact.ts';
import { errorAnswer } from '../errors.ts';
import type { ToolAnswer } from './define.ts';

/** Of the text from outside in one answer: some ten thousand tokens. UTF-8. */
export const mostDataBytes = 32 * 1024;
const longestError = 2000;

/** The text of an answer. What came from outside is redacted and stands, bounded, in a block whose end it cannot know. */
export async function answerText({ head, data, next }: ToolAnswer): Promise<string> {
  const parts = [head];
  if (data !== null) {
    const { origin, text, narrow } = data;
    const redacted = printable(await redactInTurns(text));
    const shown = boundAnswer(redacted, { mostBytes: mostDataBytes, keepEnd: false, narrow });
    parts.push(dataBlock({ origin, delimiter: newDelimiter(), text: shown }));
  }
  if (next.length > 0) parts.push(['Next:', ...next.map((line) => `- ${line}`)].join('\n'));
  return parts.join('\n');
}

/** What is told of what was thrown: the error of the API, as JSON. Messages of defects stay in the log. */
export function errorText(thrown: unknown): { readonly code: ErrorCode; readonly text: string } {
  const { body } = errorAnswer(thrown);
  const message = cutText(redact(body.message), longestError);
  return { code: body.code, text: printableJson(JSON.stringify({ ...body, message })) };
}
