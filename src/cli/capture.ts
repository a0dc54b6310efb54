import { join } from 'node:path';
import { captureMetrics, captureToFolder } from '../app/capture.ts';
import { openCase } from '../app/evaluation/new-case.ts';
import type { OpenCase } from '../app/evaluation/new-case.ts';
import { chooseAlerts } from '../app/investigate.ts';
import { readClusterOptions } from '../app/options.ts';
import type { ClusterFlags } from '../app/options.ts';
import { readReaderOptions } from '../app/readers.ts';
import { AppError } from '../core/errors.ts';
import { plural } from '../lib/words.ts';
import { readInput } from './input.ts';
import { plain } from '../lib/printable.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';

interface CaptureFlags extends ClusterFlags {
  readonly outputDirectory: string;
  readonly namespace?: readonly string[];
  readonly case?: string;
  readonly alert?: string;
  readonly prometheus?: string;
  readonly cause?: readonly string[];
  readonly truth?: string;
  readonly object?: string;
}

/** `fist capture`: a redacted folder of a live cluster, readable by `--dump`. Ctrl-C ends it. */
export async function capture(terminal: Terminal, flags: CaptureFlags): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const alert = flags.alert === undefined ? null : readInput(flags.alert);
  const alerts = alert === null ? [] : await chooseAlerts(alert, null);
  const readers = readReaderOptions(
    flags.prometheus === undefined ? {} : { prometheus: flags.prometheus },
    terminal.env,
  );
  const prepared = await prepareCase(flags, alert);
  const folder = prepared === null ? flags.outputDirectory : join(prepared.directory, 'dump');
  const summary = await captureToFolder(
    readClusterOptions(flags),
    folder,
    flags.namespace ?? [],
    interrupted.signal,
  ).catch((error: unknown) => {
    prepared?.remove();
    throw error;
  });
  const metrics =
    readers.prometheus === null ? null : await captureMetrics(folder, readers, alerts, interrupted.signal);
  prepared?.finish();
  terminal.out(
    `${folder}: ${summary.objects} objects and ${summary.logs} logs of ${summary.namespaces} namespaces${metrics === null ? '' : `, ${plural(metrics.answers, 'answer')} of Prometheus`}\n`,
  );
  for (const line of [...summary.leftOut, ...(metrics?.leftOut ?? [])]) tell(terminal, `left out: ${plain(line)}`);
  tell(
    terminal,
    prepared === null
      ? `next: fist investigate --alert FILE --dump ${folder}`
      : `next: fist eval ${flags.outputDirectory}`,
  );
  return 0;
}

/** Checks what a case needs before the cluster is read; null where none is wanted. */
async function prepareCase(flags: CaptureFlags, alert: string | null): Promise<OpenCase | null> {
  const { case: name, prometheus, cause = [], truth, object, outputDirectory } = flags;
  if (name === undefined) {
    const isOfMetrics = alert !== null && prometheus !== undefined;
    if ((alert === null || isOfMetrics) && [truth, object, ...cause].every((one) => one === undefined)) return null;
    throw new AppError(
      'InvalidInput',
      '--cause, --truth and --object belong to a case, --alert to one or to --prometheus',
      { next: 'give --case NAME as well' },
    );
  }
  if (alert === null || cause.length === 0)
    throw new AppError('InvalidInput', 'a case needs its alert and its cause', {
      next: 'fist capture --case NAME --alert FILE --cause TEXT --output-directory DIR',
    });
  return openCase({
    parent: outputDirectory,
    name,
    alert,
    cause,
    truth: truth ?? cause.join(', '),
    object: object ?? null,
  });
}
