import type { Command, CommanderError } from 'commander';
import { AppError } from '../core/errors.ts';
import { nextOfUnknown } from '../lib/similar.ts';

/** What commander says of wrong words, as an error like all others. */
export function usageError(program: Command, args: readonly string[], { code, message }: CommanderError): AppError {
  const command = program.commands.find((candidate) => candidate.name() === args[0]);
  const misspelt = code === 'commander.missingMandatoryOptionValue' ? unknownFlag(command, args) : undefined;
  const [what = '', hint = ''] = misspelt ?? message.replace(/^error: /, '').split('\n');
  const help = command === undefined ? 'fist --help' : `fist ${command.name()} --help`;
  return new AppError('InvalidInput', what, {
    next: `${hint.replace(/^\(Did (.*)\)$/, 'did $1')} ${help}`.trim(),
  });
}

/** Commander looks for required flags before unknown ones, and a misspelt one is what the person meant. */
function unknownFlag(command: Command | undefined, args: readonly string[]): readonly string[] | undefined {
  const known = (command?.options ?? []).flatMap(({ long, short }) => [long, short]).filter((flag) => flag != null);
  const unknown = args.find(
    (word) => word.startsWith('--') && word !== '--' && !known.includes(word.split('=')[0] ?? ''),
  );
  if (unknown === undefined) return undefined;
  return [`unknown option '${unknown}'`, nextOfUnknown(unknown, known, '')];
}

/** Wrong input always leads on: to the help of the command, where nothing better was said. */
export function withNext(error: AppError, command: string): AppError {
  if (error.code !== 'InvalidInput' || error.next !== undefined) return error;
  const { code, message, field, cause } = error;
  return new AppError(code, message, { cause, next: `${command} --help`, ...(field === undefined ? {} : { field }) });
}

/** Whether `-o json` was asked for, whatever else is wrong: then the error is JSON too. */
export function wantsJson(args: readonly string[]): boolean {
  return (
    args.some((word, index) => (word === '-o' || word === '--output') && args[index + 1] === 'json') ||
    args.includes('--output=json') ||
    args.includes('-ojson')
  );
}
