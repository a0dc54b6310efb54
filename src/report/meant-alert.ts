import { severities } from '../core/alert.ts';
import { AppError } from '../core/errors.ts';
import type { ApiReader } from '../lib/api-call.ts';
import { readList } from '../lib/read-list.ts';
import { shortId } from '../lib/short-id.ts';
import type { AlertDetail } from './why.ts';

// Which alert is meant, by those who ask the API: a person at the command line, or an assistant.

/** The alert that is meant, and other open ones that the same words fit. */
export interface Target {
  readonly id: string;
  readonly others: readonly ListedAlert[];
  /** What a person has to know of how it was found. */
  readonly note?: string;
}

export type ListedAlert = Pick<AlertDetail, 'id' | 'name' | 'object' | 'labels'>;

/** Others that are named beside the one that is meant. */
export const mostOthers = 4;

/**
 * The alert that is named by an id, a beginning of one, `@latest` or its name: of several open ones the most severe, of
 * these the one that changed last; of none in a namespace, what the server finds. What may be an id is the server's to find.
 */
export async function alertNamed(api: ApiReader, key: string, namespace?: string): Promise<Target> {
  const asIs: Target = { id: key, others: [] };
  if (key === '@latest' || /^[0-9a-f-]{4,36}$/i.test(key)) return asIs;
  const open = await openAlerts(api, { name: key, namespace }).catch(emptyWhereForbidden);
  return open.items.length === 0 ? asIs : worstOpen(open, '', '');
}

/** Who may not list what is in all namespaces may still look at the one that the server finds. */
function emptyWhereForbidden(thrown: unknown): OpenAlerts {
  if (thrown instanceof AppError && thrown.code === 'Forbidden') return { items: [], isWhole: false };
  throw thrown;
}

/**
 * The same by a word of any kind: `alert/NAME`, `run/ID` (what it was made for), `pod/NAME` (what it is about), or none: of all
 * open alerts the most severe, of these the one that changed last. Throws NotFound.
 */
export async function meantAlert(
  api: ApiReader,
  word: string | undefined,
  namespace: string | undefined,
): Promise<Target> {
  if (word === undefined)
    return worstOpen(await openAlerts(api, { namespace }), 'no alert is open', 'fist get alerts --all');
  const [kind = '', ...rest] = word.split('/');
  const key = rest.join('/');
  if (rest.length === 0) return alertNamed(api, word, namespace);
  if (/^al(?:erts?)?$/i.test(kind)) return alertNamed(api, key, namespace);
  return /^runs?$/i.test(kind) ? alertOfRun(api, key) : alertAbout(api, kind, key, namespace);
}

async function alertOfRun(api: ApiReader, key: string): Promise<Target> {
  const { id, alertId } = (await api.get(`/api/v1/runs/${encodeURIComponent(key)}`)) as {
    readonly id: string;
    readonly alertId: string | null;
  };
  if (alertId !== null) return { id: alertId, others: [] };
  throw new AppError('NotFound', `run/${shortId(id)} was made for no alert`, {
    next: `fist describe run/${shortId(id)}`,
  });
}

interface OpenAlerts {
  /** The most severe first, of these what changed last. */
  readonly items: readonly ListedAlert[];
  /** False where there are too many to look at all of them. */
  readonly isWhole: boolean;
}

const notWhole = 'there are too many open alerts to look at all of them';

/** The first of them. Throws NotFound with what `none` says and the next command. */
function worstOpen({ items, isWhole }: OpenAlerts, none: string, next: string): Target {
  const [first, ...others] = items;
  if (first === undefined)
    throw new AppError('NotFound', isWhole ? none : `${notWhole}; of those seen, ${none}`, { next });
  return { id: first.id, others, ...(isWhole ? {} : { note: notWhole }) };
}

type Filters = Readonly<Record<string, string | undefined>>;

/** As many as are shown; less severe ones are looked at where these are too few. */
async function openAlerts(
  api: ApiReader,
  filters: Filters,
  isMeant?: (alert: ListedAlert) => boolean,
): Promise<OpenAlerts> {
  const most = mostOthers + 1;
  const items: ListedAlert[] = [];
  let isWhole = true;
  for (const severity of severities) {
    const page = await readList(api, 'alerts', openOnes({ severity, ...filters }), most - items.length, isMeant);
    items.push(...page.items);
    if (items.length >= most) break;
    if (page.nextCursor !== null) isWhole = false;
  }
  return { items, isWhole };
}

/** The query for open alerts with these filters. */
export function openOnes(filters: Filters): URLSearchParams {
  return queryOf({ status: 'open', ...filters });
}

/** Those that were given. */
function queryOf(filters: Filters): URLSearchParams {
  return new URLSearchParams(
    Object.entries(filters).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    ),
  );
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

/**
 * An alert about an object (`pod`, `web-1` or `shop/web-1`), or that names it in a label: an open one, else the one that was
 * resolved last. Throws NotFound.
 */
async function alertAbout(
  api: ApiReader,
  word: string,
  key: string,
  namespaceGiven: string | undefined,
): Promise<Target> {
  const lower = word.toLowerCase();
  const kind = kinds[lower] ?? kinds[lower.replace(/s$/, '')] ?? lower.replace(/(?<!s)s$/, '');
  const [name = '', namespace = namespaceGiven] = key.split('/').toReversed();
  const isMeant = ({ object, labels }: ListedAlert) =>
    object === [kind, ...(namespace === undefined ? [] : [namespace]), name].join('/') ||
    (object?.startsWith(`${kind}/`) === true && object.endsWith(`/${name}`)) ||
    Object.values(labels).includes(name);
  const open = await openAlerts(api, { search: name, namespace }, isMeant);
  const of = namespace === undefined ? '' : ` -n ${namespace}`;
  const none = `no open alert is about ${kind}/${name}${of}`;
  if (open.items.length === 0 && open.isWhole) {
    const query = queryOf({ status: 'resolved', since: resolvedSince, search: name, namespace });
    const [resolved] = (await readList(api, 'alerts', query, 1, isMeant)).items;
    if (resolved !== undefined) return { id: resolved.id, others: [], note: none };
  }
  return worstOpen(open, none, `fist investigate ${kind}/${name}${of}`);
}
