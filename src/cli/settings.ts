import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { AppError } from '../core/errors.ts';
import { fileProblem } from '../lib/file-problem.ts';
import { mostSimilar } from '../lib/similar.ts';

type Environment = Readonly<Record<string, string | undefined>>;

interface Setting {
  /** Variables of the contract and of other programs that say the same; they win over files. */
  readonly others?: readonly string[];
  readonly isSecret?: true;
  /** Not from a file of the folder one happens to be in: it can start programs. */
  readonly ownFileOnly?: true;
}

/**
 * Options that a variable `FIST_NAME` and a configuration file may give, for every command that has them. Options that
 * choose what one command does (a filter, a format, a file) are given to that command only.
 */
export const settings: Readonly<Record<string, Setting>> = {
  server: {},
  token: { isSecret: true },
  'webhook-token': { isSecret: true },
  db: { others: ['DATABASE_TYPE', 'DATABASE_URL', 'SQLITE_PATH'] },
  resources: {},
  listen: { others: ['SERVER_ADDR'] },
  'secrets-dir': {},
  'public-url': {},
  dump: {},
  kubeconfig: { others: ['KUBECONFIG'], ownFileOnly: true },
  context: {},
  'cluster-name': {},
  'allow-exec': { ownFileOnly: true },
  'allow-insecure-sources': {},
  concurrency: {},
  'retain-runs': {},
  'retain-events': {},
  'retain-dead-letters': {},
  'retain-alerts': {},
  'drain-timeout': {},
  'log-level': {},
  limit: {},
  quiet: {},
};

/** A setting that was made outside of the command line. */
export interface Made {
  readonly value: string;
  /** The variable, or `FILE:LINE`. */
  readonly origin: string;
  readonly from: 'environment' | 'folder' | 'home';
}

/** `FIST_RETAIN_RUNS` for `retain-runs`. */
export function variableOf(name: string): string {
  return `FIST_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** The files that are read, the one that wins first. */
export function settingFiles(env: Environment, folder: string): readonly { path: string; from: 'folder' | 'home' }[] {
  const home = env['XDG_CONFIG_HOME'] ?? (env['HOME'] === undefined ? undefined : join(env['HOME'], '.config'));
  return [
    { path: join(folder, 'fist.yaml'), from: 'folder' },
    ...(home === undefined || home === '' ? [] : [{ path: join(home, 'fist', 'config.yaml'), from: 'home' as const }]),
  ];
}

/** All that were made, by name: a variable wins over files, `./fist.yaml` over the one of the person. Throws InvalidInput. */
export function readSettings(env: Environment, folder: string): ReadonlyMap<string, Made> {
  const made = new Map<string, Made>();
  for (const { path, from } of settingFiles(env, folder).toReversed())
    if (existsSync(path)) for (const [name, setting] of readFile(path, from)) made.set(name, setting);
  for (const [name, { others = [] }] of Object.entries(settings)) {
    const value = env[variableOf(name)];
    if (value !== undefined && value !== '') made.set(name, { value, origin: variableOf(name), from: 'environment' });
    // Who set them wants what they say; the option's own code reads them.
    else if (others.some((other) => env[other] !== undefined)) made.delete(name);
  }
  return made;
}

function readFile(path: string, from: 'folder' | 'home'): readonly (readonly [string, Made])[] {
  const lines = new LineCounter();
  const text = textOf(path);
  const document = parseDocument(text, { lineCounter: lines });
  const lineAt = (offset = 0) => lines.linePos(offset).line;
  const [error] = document.errors;
  if (error !== undefined)
    throw wrong(`${path}:${lineAt(error.pos[0])}`, `is no YAML: ${error.message.split('\n')[0] ?? ''}`);
  if (document.contents === null) return [];
  if (!isMap(document.contents)) throw wrong(`${path}:1`, 'has no settings as `name: value`');
  return document.contents.items.map(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : '';
    const place = `${path}:${lineAt(isScalar(key) ? key.range?.[0] : 0)}`;
    checkName(name, place, from);
    const given = isScalar(value) ? value.value : undefined;
    if (typeof given !== 'string' && typeof given !== 'number' && typeof given !== 'boolean')
      throw wrong(place, `${name} is not one value`);
    return [name, { value: String(given), origin: place, from }];
  });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError('InvalidInput', `cannot read ${path}: ${fileProblem(cause)}`, { cause });
  }
}

function checkName(name: string, place: string, from: 'folder' | 'home'): void {
  const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
  if (setting === undefined) {
    const meant = mostSimilar(name, Object.keys(settings));
    throw wrong(place, `there is no setting ${JSON.stringify(name.slice(0, 100))}`, meant);
  }
  if (from === 'folder' && setting.ownFileOnly === true)
    throw new AppError('InvalidInput', `${place}: ${name} can start programs, so it is not taken from this folder`, {
      field: name,
      next: `--${name}, ${variableOf(name)}, or your own file (fist config view --show-origin)`,
    });
}

function wrong(place: string, what: string, meant?: string): AppError {
  return new AppError('InvalidInput', `${place}: ${what}`, {
    next: meant === undefined ? `settings are ${Object.keys(settings).join(', ')}` : `Did you mean ${meant}?`,
  });
}
