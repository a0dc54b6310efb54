import { existsSync } from 'node:fs';
import type { Command, Option } from 'commander';
import { readDatabase, tokenFileOf } from '../app/store.ts';
import { AppError } from '../core/errors.ts';
import { hostOf, isLoopback } from '../lib/address-policy.ts';
import { settings } from './settings.ts';
import type { Made } from './settings.ts';
import type { Terminal } from './output.ts';

/**
 * Gives the options that the command line left open the settings that were made, and notes which. Of options that exclude
 * each other the one that was made nearer wins. A server that the file of this folder names gets only tokens of that file
 * and of the command line. Throws InvalidInput and Unauthenticated.
 */
export function applySettings(
  command: Command,
  made: ReadonlyMap<string, Made>,
  applied: Map<string, Made>,
  env: Terminal['env'],
): void {
  const given = new Set(command.options.filter((option) => isGiven(command, option)).map(({ long }) => long));
  for (const option of command.options) {
    const setting = made.get(option.long?.slice(2) ?? '');
    if (setting === undefined || settings[option.long?.slice(2) ?? '']?.notFor?.includes(command.name()) === true)
      continue;
    if (given.has(option.long) || isExcluded(option, setting, given, made)) continue;
    command.setOptionValueWithSource(option.attributeName(), valueOf(option, setting), 'config');
    applied.set(option.long ?? '', setting);
  }
  const server = applied.get('--server');
  if (server?.from === 'folder' && !given.has('--server')) checkTokens(command, server, made, env);
}

/** On the command line. */
function isGiven(command: Command, option: Option): boolean {
  return command.getOptionValueSource(option.attributeName()) === 'cli';
}

const exclusive = [
  ['--dump', '--context'],
  ['--dump', '--kubeconfig'],
] as const;

/** Nearer is the command line, then a variable, then a file. */
const distances = { environment: 1, folder: 2, home: 3 } as const;

function isExcluded(
  { long }: Option,
  { from }: Made,
  given: ReadonlySet<string | undefined>,
  made: ReadonlyMap<string, Made>,
): boolean {
  return exclusive.some(([left, right]) => {
    if (long !== left && long !== right) return false;
    const other = long === left ? right : left;
    const rival = made.get(other.slice(2));
    return given.has(other) || (rival !== undefined && distances[rival.from] < distances[from]);
  });
}

function valueOf(option: Option, { value, origin }: Made): string | boolean {
  if (option.required || option.optional) return value;
  if (/^(true|yes|1)$/i.test(value)) return true;
  if (/^(false|no|0)$/i.test(value)) return false;
  throw new AppError('InvalidInput', `${origin}: ${JSON.stringify(value)} is neither true nor false`, {
    field: origin,
    next: `true or false, or the flag ${option.long}`,
  });
}

/** Whoever wrote the file of this folder would learn each token: the server may be theirs, on this machine too. */
function checkTokens(command: Command, server: Made, made: ReadonlyMap<string, Made>, env: Terminal['env']): void {
  for (const option of command.options) {
    const name = option.long?.slice(2) ?? '';
    if (settings[name]?.isSecret !== true || isGiven(command, option)) continue;
    const token = made.get(name);
    if (token === undefined ? name !== 'token' : token.from === 'folder') continue;
    const origin = token?.origin ?? databaseToken(command, server.value, env);
    if (origin === null) continue;
    throw new AppError('Unauthenticated', `${server.value} stands in ${server.origin}: it is not sent ${origin}`, {
      field: server.origin,
      next: `--server ${server.value}, or FIST_SERVER, says that you trust it`,
    });
  }
}

/** The file whose token a server of this machine gets where no other is named; null = none. */
function databaseToken(command: Command, server: string, env: Terminal['env']): string | null {
  if (!URL.canParse(server) || !isLoopback(hostOf(new URL(server)))) return null;
  const file = tokenFileOf(readDatabase(command.opts<{ db?: string }>().db, env));
  return existsSync(file) ? file : null;
}

/** The same error, which names the variable or the line of a file where the option got its value there. */
export function fieldOf(error: AppError, applied: ReadonlyMap<string, Made>): AppError {
  const flag = error.field ?? /^(--[a-z-]+) /.exec(error.message)?.[1] ?? '';
  const setting = applied.get(flag);
  if (setting === undefined) return error;
  const { code, message, next, cause } = error;
  return new AppError(code, message, { cause, field: setting.origin, ...(next === undefined ? {} : { next }) });
}
