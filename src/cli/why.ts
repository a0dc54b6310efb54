import { severities } from '../core/alert.ts';
import { AppError } from '../core/errors.ts';
import { mostSimilar } from '../lib/similar.ts';
import { plain } from '../lib/printable.ts';
import { shortId } from '../lib/short-id.ts';
import { apiClient } from './client.ts';
import type { ApiClient, ServerFlags } from './client.ts';
import { outputFormat, printObject, tell } from './output.ts';
import type { Terminal } from './output.ts';
import { alerts } from './nouns/alerts.ts';
import { findNoun } from './nouns/index.ts';
import { runs } from './nouns/runs.ts';
import { mostItems, readList } from './read-list.ts';
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
  /** What a person has to know of how it was found. */
  readonly note?: string;
}

type ListedAlert = Pick<AlertDetail, 'id' | 'name' | 'object' | 'labels'>;

/** Others that are named beside the one that is meant. */
const mostOthers = 4;

/**
 * `fist why [ALERT|ID|run/ID|KIND/NAME -n NAMESPACE]`: why it fires. Of several open alerts, and without a word, the most
 * severe, of these the one that changed last.
 */
export async function why(terminal: Terminal, flags: WhyFlags, word?: string): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json', 'yaml']);
  const client = apiClient(flags, terminal);
  const { id, others, note } = await targetOf(client, word, flags.namespace);
  const alert = await alertDetail(client, id, flags.namespace);
  const answer = whyOf(alert);
  if (note !== undefined) tell(terminal, note);
  if (format !== 'text') {
    await printObject(terminal, format, answer);
    return 0;
  }
  terminal.out(`${whyLines(answer, alert, Date.now(), terminal.columns).join('\n')}\n`);
  const more = others.filter((other) => other.id !== alert.id).slice(0, mostOthers);
  if (more.length > 0) tell(terminal, `also open: ${more.map(nameOf).join(', ')}`);
  tell(terminal, `next: ${answer.next}`);
  return 0;
}

function nameOf({ id, name, object }: ListedAlert): string {
  return `alert/${shortId(id)} ${plain(name)}${object === null ? '' : ` ${plain(object)}`}`;
}

async function targetOf(client: ApiClient, word: string | undefined, namespace: string | undefined): Promise<Target> {
  if (word === undefined)
    return worstOpen(await openAlerts(client, { namespace }), 'no alert is open', 'fist get alerts --all');
  const [kind = '', ...rest] = word.split('/');
  const key = rest.join('/');
  if (rest.length === 0) return alertNamed(client, word, namespace);
  const noun = findNoun(kind);
  if (noun === alerts) return alertNamed(client, key, namespace);
  if (noun === runs) return alertOfRun(client, key);
  return alertAbout(client, kind, key, namespace);
}

/** By id, a beginning of one, or name; the server tells them apart. In a namespace, by name alone. */
async function alertNamed(client: ApiClient, key: string, namespace: string | undefined): Promise<Target> {
  const open = await openAlerts(client, { name: key, namespace });
  if (open.items.length > 0) return worstOpen(open, '', '');
  return { id: key, others: [] };
}

/** Where there is none, the error names the nearest open alert. */
async function alertDetail(client: ApiClient, key: string, namespace: string | undefined): Promise<AlertDetail> {
  try {
    return (await client.get(`/api/v1/alerts/${encodeURIComponent(key)}`)) as AlertDetail;
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'NotFound') throw thrown;
    const { items: open } = await readList<ListedAlert>(
      client,
      'alerts',
      queryOf({ status: 'open', namespace }),
      mostItems,
    );
    const meant = mostSimilar(key, [...new Set(open.map((alert) => alert.name))]);
    const near = open.find(({ name }) => name === meant);
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

/** How long ago an alert about an object may have been resolved to be what is asked about. */
const resolvedSince = '24h';

/** An alert about an object, or that names it in a label: an open one, else the one that was resolved last. */
async function alertAbout(client: ApiClient, word: string, key: string, flag: string | undefined): Promise<Target> {
  const lower = word.toLowerCase();
  const kind = kinds[lower] ?? kinds[lower.replace(/s$/, '')] ?? lower.replace(/(?<!s)s$/, '');
  const [name = '', namespace = flag] = key.split('/').toReversed();
  const isMeant = ({ object, labels }: ListedAlert) =>
    object === [kind, ...(namespace === undefined ? [] : [namespace]), name].join('/') ||
    (object?.startsWith(`${kind}/`) === true && object.endsWith(`/${name}`)) ||
    Object.values(labels).includes(name);
  const open = await openAlerts(client, { search: name, namespace }, isMeant);
  const of = namespace === undefined ? '' : ` -n ${namespace}`;
  const none = `no open alert is about ${kind}/${name}${of}`;
  if (open.items.length === 0 && open.isWhole) {
    const query = queryOf({ status: 'resolved', since: resolvedSince, search: name, namespace });
    const [resolved] = (await readList(client, 'alerts', query, 1, isMeant)).items;
    if (resolved !== undefined) return { id: resolved.id, others: [], note: none };
  }
  return worstOpen(open, none, `fist investigate ${kind}/${name}${of}`);
}

interface OpenAlerts {
  /** The most severe first, of these what changed last. */
  readonly items: readonly ListedAlert[];
  /** False where there are too many to look at all of them. */
  readonly isWhole: boolean;
}

const notWhole = 'there are too many open alerts to look at all of them';

function worstOpen({ items, isWhole }: OpenAlerts, none: string, next: string): Target {
  const [first, ...others] = items;
  if (first === undefined)
    throw new AppError('NotFound', isWhole ? none : `${notWhole}; of those seen, ${none}`, { next });
  return { id: first.id, others, ...(isWhole ? {} : { note: notWhole }) };
}

/** As many as are shown; less severe ones are looked at where these are too few. */
async function openAlerts(
  client: ApiClient,
  filters: Readonly<Record<string, string | undefined>>,
  isMeant?: (alert: ListedAlert) => boolean,
): Promise<OpenAlerts> {
  const most = mostOthers + 1;
  const items: ListedAlert[] = [];
  let isWhole = true;
  for (const severity of severities) {
    const query = queryOf({ status: 'open', severity, ...filters });
    const page = await readList(client, 'alerts', query, most - items.length, isMeant);
    items.push(...page.items);
    if (items.length >= most) break;
    if (page.nextCursor !== null) isWhole = false;
  }
  return { items, isWhole };
}

function queryOf(filters: Readonly<Record<string, string | undefined>>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value !== undefined) query.set(name, value);
  return query;
}
