import { labelledObject } from '../core/alert.ts';
import { readCount } from '../app/options.ts';
import { AppError } from '../core/errors.ts';
import type { GapSummary } from '../core/gaps.ts';
import type { AlertSummary, DeadLetterSummary, DeliverySummary, EventSummary, RunSummary } from '../core/lists.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { deliveryState } from './delivery-text.ts';
import { pluralOf } from './failure.ts';
import { age, outputFormat, outputFormats, printItems } from './output.ts';
import type { Column, Listing, Terminal } from './output.ts';

interface GetFlags extends ServerFlags {
  readonly output: string;
  readonly status?: string;
  readonly severity?: string;
  readonly name?: string;
  readonly label?: readonly string[];
  readonly namespace?: string;
  readonly since?: string;
  readonly until?: string;
  readonly search?: string;
  readonly workflow?: string;
  readonly alert?: string;
  readonly error?: string;
  readonly run?: string;
  readonly sink?: string;
  readonly source?: string;
  readonly reason?: string;
  readonly limit: string;
}

/** Flags that are query parameters of the same name. */
const filters = [
  ...(['status', 'severity', 'name', 'namespace', 'since', 'until', 'search'] as const),
  ...(['workflow', 'alert', 'error', 'run', 'sink', 'source', 'reason'] as const),
];

/** What the API says of a Source, Workflow or Sink. */
interface ResourceItem {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: {
    readonly type?: string;
    readonly config?: { readonly path?: string };
    readonly triggerWorkflow?: string;
    readonly steps?: readonly unknown[];
  };
  readonly status: {
    readonly ready: boolean;
    readonly conditions: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
    readonly eventsProcessed?: number;
    readonly refused?: number;
    readonly messagesSent?: number;
    readonly lastError?: string | null;
  };
}

const alerts: Listing<AlertSummary> = {
  name: (item) => `alert/${item.id}`,
  empty: 'no alerts; next: fist send alert --name TestAlert',
  columns: [
    { heading: 'ID', text: (item) => item.id },
    { heading: 'ALERT', text: (item) => item.name },
    {
      heading: 'STATUS',
      text: (item) => (item.mutedReason === null ? item.status : `${item.status} (no run: ${item.mutedReason})`),
    },
    { heading: 'SEVERITY', text: (item) => item.severity },
    { heading: 'RECEIVED', text: (item) => String(item.receiveCount) },
    { heading: 'EPISODE', text: (item) => String(item.episode), wide: true },
    { heading: 'SOURCE', text: (item) => `${item.namespace}/${item.source}`, wide: true },
    { heading: 'RUN', text: (item) => item.workflowId ?? '-', wide: true },
    { heading: 'AGE', text: (item) => age(item.receivedAt, Date.now()) },
    { heading: 'SUMMARY', text: (item) => item.summary ?? '', wide: true },
    { heading: 'OBJECT', text: (item) => labelledObject(item.labels) },
  ],
};

const runs: Listing<RunSummary> = {
  name: (item) => `run/${item.id}`,
  empty: 'no runs; a run starts when an alert comes in',
  columns: [
    { heading: 'ID', text: (item) => item.id },
    { heading: 'WORKFLOW', text: (item) => item.name },
    {
      heading: 'STATUS',
      text: (item) => (item.waitingFor === null ? item.status : `${item.status} (waits for ${item.waitingFor})`),
    },
    { heading: 'STEPS', text: (item) => `${item.stepsCompleted}/${item.totalSteps}` },
    { heading: 'ALERT', text: (item) => item.input.alert?.name ?? '-' },
    { heading: 'TRIGGER', text: (item) => item.triggerSource, wide: true },
    { heading: 'AGE', text: (item) => age(item.createdAt, Date.now()) },
    { heading: 'ERROR', text: (item) => (item.errorCode === null ? '' : `${item.errorCode}: ${item.error ?? ''}`) },
  ],
};

const deliveries: Listing<DeliverySummary> = {
  name: (item) => `delivery/${item.id}`,
  empty: 'no deliveries; a Workflow names the Sinks that are told of its runs',
  columns: [
    { heading: 'ID', text: (item) => item.id },
    { heading: 'SINK', text: (item) => item.sinkName },
    { heading: 'EVENT', text: (item) => item.event },
    { heading: 'STATUS', text: deliveryState },
    { heading: 'ATTEMPTS', text: (item) => String(item.attempts) },
    { heading: 'RUN', text: (item) => item.runId ?? '-', wide: true },
    { heading: 'AGE', text: (item) => age(item.createdAt, Date.now()) },
    { heading: 'ERROR', text: (item) => item.error ?? '' },
  ],
};

const events: Listing<EventSummary> = {
  name: (item) => `event/${item.id}`,
  empty: 'no events; each notification that a Source took in is one',
  columns: [
    { heading: 'ID', text: (item) => item.id },
    { heading: 'SOURCE', text: (item) => `${item.namespace}/${item.sourceName}` },
    { heading: 'TYPE', text: (item) => item.sourceType, wide: true },
    { heading: 'RECEIVED', text: (item) => String(item.receiveCount) },
    { heading: 'WORKFLOW', text: (item) => item.workflowTriggered ?? '-' },
    { heading: 'AGE', text: (item) => age(item.receivedAt, Date.now()) },
    { heading: 'OUTCOME', text: outcomeOf },
  ],
};

const deadLetters: Listing<DeadLetterSummary> = {
  name: (item) => `dead-letter/${item.id}`,
  empty: 'no dead-letters; input that could not be used is kept here',
  columns: [
    { heading: 'ID', text: (item) => item.id },
    { heading: 'SOURCE', text: (item) => `${item.namespace}/${item.sourceName}` },
    { heading: 'REASON', text: (item) => item.reason },
    { heading: 'AGE', text: (item) => age(item.receivedAt, Date.now()) },
    { heading: 'MESSAGE', text: (item) => item.message },
  ],
};

const gaps: Listing<GapSummary> = {
  name: ({ kind, resource, namespace }) => ['gap', kind, namespace, resource ?? 'cluster'].filter(Boolean).join('/'),
  empty: 'no gaps; the newest investigations were given all that they asked for',
  columns: [
    { heading: 'RUNS', text: (item) => `${item.runs} of ${item.of}` },
    { heading: 'KIND', text: (item) => item.kind.replace('_', ' ') },
    { heading: 'WHAT', text: placeOf },
    { heading: 'AGE', text: (item) => age(item.lastSeen, Date.now()) },
    { heading: 'RUN', text: (item) => item.lastRun, wide: true },
    { heading: 'FOR', text: (item) => `${item.what}: ${item.reason}`, wide: true },
    { heading: 'REMEDY', text: (item) => item.remedy },
  ],
};

/** `pods/log in shop`. */
function placeOf({ resource, namespace }: GapSummary): string {
  return `${resource ?? 'the cluster'}${namespace === null ? '' : ` in ${namespace}`}`;
}

/** `Opened 1, BadItem 2`: what became of its alerts. */
function outcomeOf({ outcome }: EventSummary): string {
  return Object.entries(outcome)
    .map(([reason, times]) => `${reason} ${JSON.stringify(times)}`)
    .join(', ');
}

/** Where a sender finds it: `--path` of `fist send alert`. */
const webhookPath: Column<ResourceItem> = { heading: 'PATH', text: (item) => item.spec.config?.path ?? '-' };

/** Requests that were not let in, in the last minutes. */
const refused: Column<ResourceItem> = { heading: 'REFUSED', text: (item) => String(item.status.refused ?? '-') };

function resources(noun: string): Listing<ResourceItem> {
  return {
    name: (item) => `${noun}/${item.metadata.namespace}/${item.metadata.name}`,
    empty: `no ${noun}s; they are documents in the folder given by --resources`,
    columns: [
      { heading: 'NAMESPACE', text: (item) => item.metadata.namespace, wide: true },
      { heading: 'NAME', text: (item) => item.metadata.name },
      { heading: 'TYPE', text: (item) => item.spec.type ?? stepCount(item) },
      ...(noun === 'source' ? [webhookPath] : []),
      { heading: 'READY', text: (item) => (item.status.ready ? 'True' : 'False') },
      { heading: 'REASON', text: (item) => item.status.conditions.map((condition) => condition.reason).join(',') },
      { heading: 'COUNT', text: (item) => String(item.status.eventsProcessed ?? item.status.messagesSent ?? '-') },
      ...(noun === 'source' ? [refused] : []),
      {
        heading: 'MESSAGE',
        text: (item) =>
          item.status.conditions
            .map((condition) => condition.message)
            .filter(Boolean)
            .join('; '),
        wide: true,
      },
    ],
  };
}

const listings: ReadonlyMap<string, Listing<never>> = new Map<string, Listing<never>>([
  ['alerts', alerts],
  ['runs', runs],
  ['deliveries', deliveries],
  ['events', events],
  ['dead-letters', deadLetters],
  ['gaps', gaps],
  ['sources', resources('source')],
  ['workflows', resources('workflow')],
  ['sinks', resources('sink')],
]);

/** A page of the API. */
const mostItems = 500;

/** A page with filters may be short although there is more: so many are asked for, then the person decides. */
const mostPages = 40;

interface ListAnswer {
  readonly items: readonly never[];
  readonly nextCursor: string | null;
}

/** `fist get NOUN`: the newest of a list. */
export async function get(terminal: Terminal, flags: GetFlags, noun = ''): Promise<number> {
  const format = outputFormat(flags.output, outputFormats);
  const plural = listings.has(noun) ? noun : pluralOf(noun);
  const listing = listings.get(plural);
  if (listing === undefined)
    throw new AppError('InvalidInput', `${noun} is not one of ${[...listings.keys()].join(', ')}`);
  const limit = readCount(flags.limit, '--limit', mostItems);
  const { items, nextCursor } = await readList(flags, terminal, plural, limit);
  await printItems(terminal, format, items, listing);
  if (nextCursor === null) return 0;
  const full = items.length >= limit;
  terminal.err(
    full
      ? `there are more; next: --limit ${Math.min(mostItems, limit * 2)}\n`
      : 'older ones were not looked at; next: narrow it down with --since, --until, --name or --label\n',
  );
  return 0;
}

/** `--run run/ID` as other commands take it, or the id alone. */
function withoutKind(key: string, value: string): string {
  return (key === 'alert' || key === 'run') && value.startsWith(`${key}/`) ? value.slice(key.length + 1) : value;
}

/** Goes on where a page ends early, until there are enough. */
async function readList(flags: GetFlags, terminal: Terminal, plural: string, limit: number): Promise<ListAnswer> {
  const query = new URLSearchParams();
  for (const key of filters) if (flags[key] !== undefined) query.set(key, withoutKind(key, flags[key]));
  for (const label of flags.label ?? []) query.append('label', label);
  const client = apiClient(flags, terminal);
  const items: never[] = [];
  let nextCursor: string | null = null;
  for (let pages = 0; pages < mostPages && (pages === 0 || (nextCursor !== null && items.length < limit)); pages++) {
    query.set('limit', String(limit - items.length));
    if (nextCursor !== null) query.set('cursor', nextCursor);
    const page = (await client.get(`/api/v1/${plural}?${query.toString()}`)) as ListAnswer;
    items.push(...page.items);
    ({ nextCursor } = page);
  }
  return { items, nextCursor };
}

function stepCount({ spec }: ResourceItem): string {
  const steps = spec.steps?.length ?? 0;
  return steps === 1 ? '1 step' : `${steps} steps`;
}
