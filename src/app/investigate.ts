import type { AlertItem } from '../core/alert.ts';
import { AppError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { AgentResult } from '../core/finding.ts';
import type { ScanResult } from '../core/scan.ts';
import { isKubernetesName } from '../core/cluster.ts';
import type { Cluster } from '../core/cluster.ts';
import type { MetricsReader } from '../core/readers.ts';
import type { AlertSnapshot } from '../core/run.ts';
import { toTimestamp } from '../core/time.ts';
import { mostSimilar } from '../lib/similar.ts';
import type { InvestigationOutcome } from '../investigation/input.ts';
import { investigate } from '../investigation/investigate.ts';
import { withMasked } from '../investigation/result.ts';
import { countingMasked } from '../lib/redact/count.ts';
import { snapshotOf } from '../intake/records.ts';
import { isClusterScoped } from '../analyzers/define.ts';
import { kindOfWord } from '../investigation/kind-words.ts';
import { alertTitle, objectLabels } from '../investigation/labels.ts';
import { scan } from '../investigation/scan.ts';
import { headOf, momentOf } from '../report/head.ts';
import { renderText } from '../report/text.ts';
import type { TextView } from '../report/text.ts';
import { readAlerts } from './alert-payload.ts';
import { investigateAsking } from './asked-model.ts';
import type { AskedModel } from './asked-model.ts';
import { withCluster } from './cluster.ts';
import type { ClusterOptions } from './options.ts';
import { readerSecrets, recordedMetrics, withReaders } from './readers.ts';
import type { ReaderOptions } from './readers.ts';

/** What `fist investigate` prints. */
export interface Investigation {
  readonly result: AgentResult;
  /** The report for a terminal. */
  readonly text: string;
  readonly failure: { readonly code: ErrorCode; readonly message: string } | null;
}

/** Investigates the alerts, as one incident, with no server. None = whatever is broken in the cluster. */
export async function investigateOnce(
  alerts: readonly AlertSnapshot[],
  options: ClusterOptions,
  readers: ReaderOptions,
  view: Omit<TextView, 'now'>,
  asked: AskedModel | null = null,
): Promise<Investigation> {
  const { result, failure } = await countingMasked(async () => {
    const outcome = await withReaders(readers, (opened) =>
      withCluster(options, async (cluster) => {
        const metrics = opened.metrics ?? (await recordedMetrics(cluster));
        const analyze = () => investigateIn(cluster, alerts, metrics);
        if (asked === null) return analyze();
        const asking = { ...asked, secrets: [...asked.secrets, ...readerSecrets(readers)] };
        return (await investigateAsking(asking, cluster, alerts[0] ?? null, analyze, { ...opened, metrics })).outcome;
      }),
    );
    return { ...outcome, result: withMasked(outcome.result) };
  });
  const now = momentOf(headOf(result, view.alert), result.observed_at, toTimestamp(Date.now()));
  return { result, text: renderText(result, { ...view, now }), failure };
}

/** Investigates the alerts in a cluster that is open, as one incident, without a model. */
export function investigateIn(
  cluster: Cluster,
  alerts: readonly AlertSnapshot[],
  metrics: MetricsReader | null = null,
): Promise<InvestigationOutcome> {
  const [alert = null, ...others] = alerts;
  return investigate({
    cluster,
    metrics,
    alert,
    others,
    asked: '',
    firstEvidenceNumber: 1,
    refusal: null,
    now: () => toTimestamp(Date.now()),
    signal: new AbortController().signal,
  });
}

/** Everything that is broken now, in a namespace or (null) in the cluster. */
export async function scanOnce(namespace: string | null, options: ClusterOptions): Promise<ScanResult> {
  if (namespace !== null && !isKubernetesName(namespace))
    throw new AppError('InvalidInput', `${namespace} is no name of a namespace`, { field: '--namespace' });
  return withCluster(options, (cluster) =>
    scan(cluster, namespace, () => toTimestamp(Date.now()), new AbortController().signal),
  );
}

/**
 * The alerts of a payload: those that fire, or, where none does, those that ended. With an index, counted from 0, that one
 * alone. Throws InvalidInput.
 */
export async function chooseAlerts(payload: string, index: number | null): Promise<readonly AlertSnapshot[]> {
  const items = await readAlerts(payload);
  const firing = items.filter((item) => item.status === 'firing');
  const choices = firing.length > 0 ? firing : items;
  if (index === null) return choices.map(snapshot);
  const chosen = choices[index];
  if (chosen !== undefined) return [snapshot(chosen)];
  const list = choices.map((item, position) => `${position}: ${alertTitle(item)}`).join('; ');
  throw new AppError('InvalidInput', `there is no alert ${index}; the payload has ${choices.length} (${list})`, {
    next: `--index ${choices.length - 1}`,
  });
}

function snapshot(item: AlertItem): AlertSnapshot {
  const { fingerprint, severity, status, startsAt, endsAt } = item;
  return { ...snapshotOf(item, { id: fingerprint, severity, episode: 1, startsAt }), status, endsAt };
}

/** An alert of these labels, of which nothing else is known. Throws InvalidInput where one is not `name=value`. */
export function alertOfLabels(pairs: readonly string[]): AlertSnapshot {
  const labels = Object.fromEntries(
    pairs.map((pair) => {
      const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
      if (name === '')
        throw new AppError('InvalidInput', `${pair} is no label`, { field: '--label', next: '--label namespace=shop' });
      return [name, value];
    }),
  );
  return askedFor(labels['alertname'] ?? 'Asked', labels);
}

/** An alert about `pod/web-1` and the like. Throws InvalidInput for a kind that is not looked at. */
export function alertOfObject(object: string, namespace: string | null): AlertSnapshot {
  const [given = '', name = '', ...rest] = object.split('/');
  const labels = objectLabels();
  const kind = kindOfWord(given) ?? given.toLowerCase();
  const label = labels.get(kind);
  if (label === undefined || rest.length > 0 || !isKubernetesName(name)) {
    const near = mostSimilar(kind, [...labels.keys()]);
    throw new AppError('InvalidInput', `${object} is no object of a kind that is looked at, as kind/name`, {
      next: `fist investigate ${near ?? 'pod'}/NAME -n NAMESPACE (kinds: ${[...labels.keys()].join(', ')})`,
    });
  }
  const place = isClusterScoped(kind) ? {} : { namespace: namespace ?? 'default' };
  return askedFor('Asked', { ...place, [label]: name });
}

function askedFor(name: string, labels: Readonly<Record<string, string>>): AlertSnapshot {
  const empty = { fingerprint: '', annotations: {}, summary: null, description: null, generatorUrl: null };
  return snapshotOf({ name, labels, ...empty }, { id: '', severity: 'info', episode: 1, startsAt: null });
}
