import { existsSync } from 'node:fs';
import type { CheckResult } from '../app/check-result.ts';
import { checkAlertmanager, checkCluster, checkMachine } from '../app/preflight.ts';
import { readClusterOptions } from '../app/options.ts';
import type { ClusterFlags } from '../app/options.ts';
import { readDatabase } from '../app/store.ts';
import { AppError } from '../core/errors.ts';
import { createHttpClient } from '../lib/http.ts';
import { clusterUse } from '../resources/watched.ts';
import { readDestination } from './connect.ts';
import type { DestinationFlags } from './connect.ts';
import { inWordsOf } from './called-as.ts';
import { styled } from '../lib/styled.ts';
import { answerIsNo } from './failure.ts';
import { outputFormat, printObject } from './output.ts';
import { plain } from '../lib/printable.ts';
import type { Terminal } from './output.ts';

interface CheckFlags extends ClusterFlags, DestinationFlags {
  readonly namespace?: string;
  readonly alertmanager?: string;
  readonly db?: string;
  readonly secretsDir?: string;
  readonly resources?: string;
  readonly installed?: boolean;
  readonly pre?: boolean;
  readonly output: string;
}

const titles: Readonly<Record<CheckResult['about'], string>> = {
  cluster: 'what may be read of the cluster',
  installation: 'the installation in the cluster',
  alertmanager: 'whether Alertmanager sends here',
  machine: 'this machine',
};

/** `fist check`: whether a server would find what it needs; changes nothing. Exit 1 where something is missing. */
export async function check(terminal: Terminal, flags: CheckFlags): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  const results =
    flags.installed === true || flags.pre === true ? await checkInCluster(flags) : await checkHere(terminal, flags);
  const isWell = results.every(({ result }) => result !== 'failed');
  if (format === 'json') await printObject(terminal, 'json', { ok: isWell, checks: results });
  else terminal.out(inWordsOf(terminal.called, text(terminal, results)));
  return isWell ? 0 : answerIsNo;
}

async function checkInCluster(flags: CheckFlags): Promise<readonly CheckResult[]> {
  const { namespace = 'punching-fist', installed = false, pre = false } = flags;
  if (installed && pre)
    throw new AppError('InvalidInput', '--pre is before an installation, --installed after it', { field: '--pre' });
  const { checkInstallation } = await import('../app/install/check-installation.ts');
  return checkInstallation(flags, namespace, pre);
}

/** What a server on this machine needs. */
async function checkHere(terminal: Terminal, flags: CheckFlags): Promise<readonly CheckResult[]> {
  const cluster = readClusterOptions(flags);
  const database = readDatabase(flags.db, terminal.env);
  const secrets = flags.secretsDir ?? (existsSync('secrets') ? 'secrets' : null);
  const { watched, eventSinks } =
    flags.resources === undefined ? { watched: [], eventSinks: [] } : clusterUse(flags.resources);
  return [
    ...(await checkCluster(cluster, flags.namespace ?? null, Date.now, watched, eventSinks)),
    ...(await checkSender(terminal, flags)),
    ...checkMachine(database, secrets),
  ];
}

async function checkSender(terminal: Terminal, flags: CheckFlags): Promise<readonly CheckResult[]> {
  const { alertmanager: url } = flags;
  if (url === undefined)
    return [
      { about: 'alertmanager', result: 'skipped', text: 'no Alertmanager was named', next: '--alertmanager URL' },
    ];
  const http = createHttpClient();
  try {
    return await checkAlertmanager(http, url, readDestination(flags, terminal.env), Date.now);
  } finally {
    await http.close();
  }
}

function text(terminal: Terminal, results: readonly CheckResult[]): string {
  const marks = { ok: '✔', failed: '✗', skipped: '-' } as const;
  const colours = { ok: 'green', failed: 'red', skipped: 'gray' } as const;
  const mark = (result: CheckResult['result']) =>
    terminal.colour ? styled(colours[result], marks[result]) : marks[result];
  const lines: string[] = [];
  for (const [index, { about, result, text: what, next }] of results.entries()) {
    if (results[index - 1]?.about !== about) lines.push(`► checking ${titles[about]}`);
    lines.push(`${mark(result)} ${plain(what)}`);
    if (next !== undefined) lines.push(`  next: ${plain(next)}`);
  }
  const wrong = results.filter(({ result }) => result === 'failed').length;
  const looked = results.filter(({ result }) => result !== 'skipped').length;
  lines.push(wrong === 0 ? `✔ all ${looked} checks passed` : `✗ ${wrong} of ${looked} checks failed`, '');
  return lines.join('\n');
}
