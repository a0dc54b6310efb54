import { errorCodes, toAppError } from '../core/errors.ts';
import { printable, printableJson } from '../lib/printable.ts';
import { inWordsOf } from './called-as.ts';
import type { Terminal } from './output.ts';

/** Prints an error (what failed, why, the next command; it may quote text from elsewhere). Returns the exit code of its kind. */
export function reportFailure(terminal: Terminal, thrown: unknown, asJson: boolean): number {
  const error = toAppError(thrown);
  if (asJson) {
    const { code, message, field } = error;
    const next = error.next === undefined ? undefined : inWordsOf(terminal.called, error.next);
    terminal.err(`${printableJson(JSON.stringify({ code, message, field, next }))}\n`);
  } else {
    terminal.err(`error: ${printable(error.message)}\n`);
    if (error.field !== undefined) terminal.err(`  field: ${printable(error.field)}\n`);
    if (error.next !== undefined) terminal.err(`  next: ${inWordsOf(terminal.called, printable(error.next))}\n`);
    if (error.code === 'Internal') terminal.err(`  ${printable(error.stack ?? '')}\n`);
  }
  return errorCodes[error.code].exitCode;
}

/** The answer is no (lint errors, a failed run): nothing more to print. */
export const answerIsNo = 1;
