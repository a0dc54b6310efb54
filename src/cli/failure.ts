import { AppError, errorCodes, toAppError } from '../core/errors.ts';
import { printable, printableJson } from '../lib/printable.ts';
import type { Terminal } from './output.ts';

/** Prints an error (what failed, why, the next command; it may quote text from elsewhere). Returns the exit code of its kind. */
export function reportFailure(terminal: Terminal, thrown: unknown, asJson: boolean): number {
  const error = toAppError(thrown);
  if (asJson) {
    const { code, message, field, next } = error;
    terminal.err(`${printableJson(JSON.stringify({ code, message, field, next }))}\n`);
  } else {
    terminal.err(`error: ${printable(error.message)}\n`);
    if (error.field !== undefined) terminal.err(`  field: ${printable(error.field)}\n`);
    if (error.next !== undefined) terminal.err(`  next: ${printable(error.next)}\n`);
    if (error.code === 'Internal') terminal.err(`  ${printable(error.stack ?? '')}\n`);
  }
  return errorCodes[error.code].exitCode;
}

/** The answer is no (lint errors, a failed run): nothing more to print. */
export const answerIsNo = 1;

/** `noun/ID` taken apart. Throws InvalidInput. */
export function nounAndId(text: string, nouns: readonly string[]): { noun: string; id: string } {
  const [noun = '', ...rest] = text.split('/');
  const id = rest.join('/');
  if (nouns.includes(noun) && id !== '') return { noun, id };
  const wanted = nouns.map((name) => (isNamed(name) ? `${name}/[NAMESPACE/]NAME` : `${name}/ID`)).join(', ');
  throw new AppError('InvalidInput', `${text} is not one of ${wanted}`, {
    next: `fist get ${pluralOf(nouns[0] ?? '')} -o name`,
  });
}

/** Sources, Workflows and Sinks have names; what the server makes has ids. */
function isNamed(noun: string): boolean {
  return ['source', 'workflow', 'sink'].includes(noun);
}

/** `delivery` to `deliveries`, as the API names its lists. */
export function pluralOf(noun: string): string {
  return `${noun.replace(/y$/, 'ie')}s`;
}
