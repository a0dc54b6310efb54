import { AppError } from '../core/errors.ts';
import { mostSimilar } from '../lib/similar.ts';
import { plain } from '../lib/printable.ts';
import { shortId } from '../lib/short-id.ts';
import { apiClient } from './client.ts';
import type { ApiClient, ServerFlags } from './client.ts';
import { outputFormat, printObject, tell } from './output.ts';
import type { Terminal } from './output.ts';
import { whyOf } from './why-answer.ts';
import type { AlertDetail } from './why-answer.ts';
import { whyLines } from './why-text.ts';

interface WhyFlags extends ServerFlags {
  readonly output: string;
  readonly namespace?: string;
}

/** The alert that is asked about, and other open ones that the same words fit. */
interface Target {
  readonly id: string;
  readonly others: readonly ListedAlert[];
}

type ListedAlert = Pick<AlertDetail, 'id' | 'name' | 'object' | 'labels'>;

/** `fist why [ALERT|ID|run/ID|KIND/NAME -n NAMESPACE]`: why it fires; without a word, the open alert that changed last. */
export async function why(terminal: Terminal, flags: WhyFlags, word?: string): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json', 'yaml']);
  const client = apiClient(flags, terminal);
  const { id, others } = await targetOf(client, word, flags.namespace);
  const alert = await alertDetail(client, id, flags.namespace);
  const answer = whyOf(alert);
  if (format !== 'text') {
    await printObject(terminal, format, answer);
    return 0;
  }
  terminal.out(`${whyLines(answer, alert, Date.now(), terminal.columns).join('\n')}\n`);
  const more = others.filter((other) => other.id !== alert.id).slice(0, 4);
  if (more.length > 0) tell(terminal, `also open: ${more.map(nameOf).join(', ')}`);
  tell(terminal, `next: ${answer.next}`);
  return 0;
}

function nameOf({ id, name, object }: ListedAlert): string {
  return `alert/${shortId(id)} ${plain(name)}${object === null ? '' : ` ${plain(object)}`}`;
}

async function targetOf(client: ApiClient, word: string | undefined, namespace: string | undefined): Promise<Target> {
  if (word === undefined)
    return newestOpen(await openAlerts(client, { namespace }), 'no alert is open', 'fist get alerts --all');
  const [kind = '', ...rest] = word.split('/');
  const key = rest.join('/');
  if (rest.length === 0) return alertNamed(client, word, namespace);
  if (['alert', 'alerts', 'al'].includes(kind)) return alertNamed(client, key, namespace);
  if (['run', 'runs'].includes(kind)) return alertOfRun(client, key);
  return alertAbout(client, kind, key, namespace);
}

/** By id, a beginning of one, or name; the server tells them apart. In a namespace, by name alone. */
async function alertNamed(client: ApiClient, key: string, namespace: string | undefined): Promise<Target> {
  const open = await openAlerts(client, { name: key, namespace });
  if (open.length > 0) return newestOpen(open, '', '');
  return { id: key, others: [] };
}

/** Where there is none, the error names the nearest open alert. */
async function alertDetail(client: ApiClient, key: string, namespace: string | undefined): Promise<AlertDetail> {
  try {
    return (await client.get(`/api/v1/alerts/${encodeURIComponent(key)}`)) as AlertDetail;
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'NotFound') throw thrown;
    const open = await openAlerts(client, { namespace, limit: '500' });
    const near = open.find(({ name }) => name === mostSimilar(key, [...new Set(open.map((alert) => alert.name))]));
    if (near === undefined) throw thrown;
    const next = `fist why alert/${shortId(near.id)}`;
    throw new AppError('NotFound', `${thrown.message}; did you mean ${plain(near.name)}?`, { cause: thrown, next });
  }
}

async function alertOfRun(client: ApiClient, key: string): Promise<Target> {
  const { id, alertId } = (await client.get(`/api/v1/runs/${encodeURIComponent(key)}`)) as {
    readonly id: string;
    readonly alertId: string | null;
  };
  if (alertId !== null) return { id: alertId, others: [] };
  throw new AppError('NotFound', `run/${shortId(id)} was made for no alert`, {
    next: `fist describe run/${shortId(id)}`,
  });
}

/** Words that kubectl's users write for a kind. */
const kinds: Readonly<Record<string, string>> = {
  po: 'pod',
  deploy: 'deployment',
  sts: 'statefulset',
  ds: 'daemonset',
  rs: 'replicaset',
  cj: 'cronjob',
  no: 'node',
  svc: 'service',
  ing: 'ingress',
  ns: 'namespace',
  pvc: 'persistentvolumeclaim',
  pv: 'persistentvolume',
  hpa: 'horizontalpodautoscaler',
};

/** Open alerts about an object, or that name it in a label. */
async function alertAbout(client: ApiClient, word: string, key: string, flag: string | undefined): Promise<Target> {
  const lower = word.toLowerCase();
  const kind = kinds[lower] ?? kinds[lower.replace(/s$/, '')] ?? lower.replace(/(?<!s)s$/, '');
  const [name = '', namespace = flag] = key.split('/').toReversed();
  const found = await openAlerts(client, { search: name, namespace });
  const about = found.filter(
    ({ object, labels }) =>
      object === [kind, ...(namespace === undefined ? [] : [namespace]), name].join('/') ||
      (object?.startsWith(`${kind}/`) === true && object.endsWith(`/${name}`)) ||
      Object.values(labels).includes(name),
  );
  const of = namespace === undefined ? '' : ` -n ${namespace}`;
  return newestOpen(about, `no open alert is about ${kind}/${name}${of}`, `fist investigate ${kind}/${name}${of}`);
}

function newestOpen(alerts: readonly ListedAlert[], none: string, next: string): Target {
  const [first, ...others] = alerts;
  if (first === undefined) throw new AppError('NotFound', none, { next });
  return { id: first.id, others };
}

async function openAlerts(
  client: ApiClient,
  filters: {
    readonly name?: string;
    readonly search?: string;
    readonly namespace?: string | undefined;
    readonly limit?: string;
  },
): Promise<readonly ListedAlert[]> {
  const query = new URLSearchParams({ status: 'open', limit: '50' });
  for (const [name, value] of Object.entries(filters)) if (value !== undefined) query.set(name, value);
  const { items } = (await client.get(`/api/v1/alerts?${query.toString()}`)) as { items: readonly ListedAlert[] };
  return items;
}
