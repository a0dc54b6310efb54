import { existsSync } from 'node:fs';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

interface Setting {
  /** Variables of the contract and of other programs that say the same; they win over files. */
  readonly others?: readonly string[];
  readonly isSecret?: true;
  /** Not from a file of the folder one happens to be in: it can start programs, or work that costs money. */
  readonly ownFileOnly?: true;
  /** Commands of which it chooses what they do: there only the command line counts. */
  readonly notFor?: readonly string[];
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
  kubeconfig: { others: ['KUBECONFIG'], ownFileOnly: true, notFor: ['get', 'describe'] },
  context: { notFor: ['get', 'describe'] },
  'cluster-name': {},
  prometheus: { ownFileOnly: true },
  loki: { ownFileOnly: true },
  runbooks: {},
  'allow-exec': { ownFileOnly: true },
  'allow-mcp-command': { ownFileOnly: true },
  'allow-insecure-sources': {},
  'allow-mcp-start': { ownFileOnly: true },
  'allow-start': { ownFileOnly: true },
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
export async function readSettings(env: Environment, folder: string): Promise<ReadonlyMap<string, Made>> {
  const made = new Map<string, Made>();
  for (const { path, from } of settingFiles(env, folder).toReversed()) {
    if (!existsSync(path)) continue;
    // Most people have no such file: then no YAML is loaded.
    const { readSettingsFile } = await import('./settings-file.ts');
    for (const [name, setting] of readSettingsFile(path, from)) made.set(name, setting);
  }
  for (const [name, { others = [] }] of Object.entries(settings)) {
    const value = env[variableOf(name)];
    if (value !== undefined && value !== '') made.set(name, { value, origin: variableOf(name), from: 'environment' });
    // Who set them wants what they say; the option's own code reads them.
    else if (others.some((other) => env[other] !== undefined)) made.delete(name);
  }
  return made;
}
