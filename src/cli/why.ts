import { AppError } from '../core/errors.ts';
import { plain } from '../lib/printable.ts';
import { shortId } from '../lib/short-id.ts';
import { apiClient } from './client.ts';
import type { ApiClient, ServerFlags } from './client.ts';
import { alertNamed, mostOthers, openAlerts, queryOf, readObject, worstOpen } from './find-alert.ts';
import type { ListedAlert, Target } from './find-alert.ts';
import { outputFormat, printObject, tell } from './output.ts';
import type { Terminal } from './output.ts';
import { alerts } from './nouns/alerts.ts';
import { findNoun } from './nouns/index.ts';
import { runs } from './nouns/runs.ts';
import { readList } from './read-list.ts';
import { whyOf } from '../report/why.ts';
import type { AlertDetail } from '../report/why.ts';
import { whyLines } from './why-text.ts';

interface WhyFlags extends ServerFlags {
  readonly output: string;
  readonly namespace?: string;
}

/**
 * `fist why [ALERT|ID|run/ID|KIND/NAME -n NAMESPACE]`: why it fires. Of several open alerts, and without a word, the most
 * severe, of these the one that changed last.
 */
export async function why(terminal: Terminal, flags: WhyFlags, word?: string): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json', 'yaml']);
  const client = apiClient(flags, terminal);
  const { id, others, note } = await targetOf(client, word, flags.namespace);
  const alert = (await readObject(client, { noun: alerts, key: id }, flags.namespace)) as AlertDetail;
  const answer = whyOf(alert);
  if (note !== undefined) tell(terminal, note);
  if (format !== 'text') {
    await printObject(terminal, format, answer);
    return 0;
  }
  terminal.out(`${whyLines(answer, alert, { ...terminal, nowMs: Date.now() }).join('\n')}\n`);
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
