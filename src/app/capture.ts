import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { podTrouble } from '../analyzers/pods/pod-status.ts';
import type { Cluster } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import type { AlertSnapshot } from '../core/run.ts';
import type { CaptureSummary } from '../kube/dump/capture.ts';
import { recordMetrics } from '../readers/record-prometheus.ts';
import { withCluster } from './cluster.ts';
import { alertOfObject, investigateIn } from './investigate.ts';
import type { ClusterOptions } from './options.ts';
import { withReaders } from './readers.ts';
import type { ReaderOptions } from './readers.ts';

const next = 'fist capture --context NAME --output-directory DIR';

/** Captures a live cluster into a redacted folder that `--dump` reads. Empty `namespaces` = all. */
export async function captureToFolder(
  options: ClusterOptions,
  directory: string,
  namespaces: readonly string[],
  signal: AbortSignal,
): Promise<CaptureSummary> {
  if (options.dump !== null) throw new AppError('InvalidInput', '--dump is a captured folder already', { next });
  const { captureCluster } = await import('../kube/dump/capture.ts');
  const wanted = { directory, signal, ...(namespaces.length === 0 ? {} : { namespaces }) };
  return withCluster(options, (cluster) => captureCluster(cluster, wanted), next);
}

/** Alerts whose metrics are recorded, and pods where none is given. */
const [mostAlerts, mostPods] = [5, 20] as const;

export interface MetricsSummary {
  readonly answers: number;
  /** What was asked for and not given. */
  readonly leftOut: readonly string[];
}

/**
 * Records beside a captured cluster what investigations of these alerts ask a Prometheus, redacted and bounded, so that they can be
 * made again without it; without alerts, of the pods that are unwell. What cannot be asked is left out.
 */
export async function captureMetrics(
  directory: string,
  readers: ReaderOptions,
  alerts: readonly AlertSnapshot[],
  signal: AbortSignal,
): Promise<MetricsSummary> {
  const { openDump } = await import('../kube/dump/dump.ts');
  const dump = await openDump(directory);
  return withReaders(readers, async ({ metrics }) => {
    if (metrics === null) throw new AppError('InvalidInput', 'no Prometheus is named', { next: '--prometheus URL' });
    const recorder = recordMetrics(metrics, alerts[0]?.labels ?? {});
    const leftOut = new Set<string>();
    for (const alert of alerts.length > 0 ? alerts.slice(0, mostAlerts) : await unwellPods(dump)) {
      signal.throwIfAborted();
      const { result } = await investigateIn(dump, [alert], recorder.reader);
      for (const { resource, kind, what, reason } of result.gaps)
        if (resource === 'metrics') leftOut.add(`${what}: ${kind} (${reason})`);
    }
    const files = recorder.files();
    for (const { name, text } of files) {
      await mkdir(dirname(join(directory, name)), { recursive: true, mode: 0o700 });
      await writeFile(join(directory, name), text, { mode: 0o600, flag: 'wx' });
    }
    if (recorder.leftOut() > 0) leftOut.add(`${recorder.leftOut()} answers more than are kept`);
    return { answers: files.length, leftOut: [...leftOut] };
  });
}

/** The worst first. */
async function unwellPods(cluster: Cluster): Promise<readonly AlertSnapshot[]> {
  const pods = await cluster.list({ resource: 'pods' });
  return (pods.kind === 'ok' ? pods.value : [])
    .map((pod) => ({ pod, trouble: podTrouble(pod) }))
    .filter(({ trouble }) => trouble > 0)
    .sort((one, other) => other.trouble - one.trouble)
    .slice(0, mostPods)
    .map(({ pod: { metadata } }) => alertOfObject(`pod/${metadata.name}`, metadata.namespace ?? null));
}
