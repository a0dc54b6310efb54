import type { CatalogSource } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import { minuteText } from '../core/time.ts';
import { catalogOf, createRehearsal, readBody } from '../app/outlook.ts';
import { plain } from '../lib/printable.ts';
import { createRateLimiter } from '../lib/rate-limit.ts';
import { nextOfUnknown } from '../lib/similar.ts';
import type { AnswerOf } from '../server/routes.ts';
import { apiClient } from './client.ts';
import type { ApiClient, ServerFlags } from './client.ts';
import { outputFormat, tell } from './output.ts';
import type { Terminal } from './output.ts';
import { mostItems, readList } from '../lib/read-list.ts';

interface BacktestFlags extends ServerFlags {
  readonly output: string;
  readonly resources?: string;
  readonly since: string;
  readonly limit: string;
}

type EventSummary = AnswerOf<'GET /api/v1/events'>['items'][number];

/** What the notifications of a Source would have done. */
interface SourceResult {
  readonly source: string;
  /** Bodies, and how often they came in all. */
  readonly bodies: number;
  readonly notifications: number;
  readonly alerts: number;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
  readonly muted: Readonly<Record<string, number>>;
  /** Bodies that the rate limit would have put off: answered 503 when they first came. */
  readonly putOff: number;
  /** When runs would have started, oldest first. */
  readonly runs: readonly string[];
  /** Bodies that are not read: cut when they were kept, or of another format. */
  readonly unread: number;
  readonly oldest: string | null;
}

/** `fist backtest workflow/NAME`: what the notifications that a server has would have done with these resources. */
export async function backtest(terminal: Terminal, flags: BacktestFlags, subject: string): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  if (flags.resources === undefined)
    throw new AppError('InvalidInput', 'no resources were given', { field: '--resources', next: '--resources FOLDER' });
  const limit = Number(flags.limit);
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new AppError('InvalidInput', `${flags.limit} is not a number of notifications`, { field: '--limit' });
  const sources = sourcesOf(catalogOf(flags.resources).sources, subject);
  const client = apiClient(flags, terminal);
  const results: SourceResult[] = [];
  let isCut = false;
  for (const source of sources) {
    const { items, nextCursor } = await eventsOf(client, source, flags.since, limit);
    isCut ||= nextCursor !== null;
    results.push(await rehearse(client, source, items));
  }
  if (format === 'json') terminal.out(`${JSON.stringify(results, null, 2)}\n`);
  else terminal.out(results.map((result) => textOf(result, subject)).join('\n'));
  tell(
    terminal,
    'begins with no alert known; a run is taken to last a minute; runs that are put off are not begun later',
  );
  if (isCut) tell(terminal, `there are older ones since ${flags.since}: --limit ${limit * 10} reads more`);
  return 0;
}

function sourcesOf(sources: readonly CatalogSource[], subject: string): readonly CatalogSource[] {
  const name = /^workflows?\/(?:.*\/)?([^/]+)$/.exec(subject)?.[1];
  if (name === undefined)
    throw new AppError('InvalidInput', `${subject} is not workflow/NAME`, { next: 'fist backtest workflow/NAME' });
  const found = sources.filter(({ triggerWorkflow }) => triggerWorkflow === name);
  if (found.length > 0) return found;
  const names = sources.map(({ triggerWorkflow }) => triggerWorkflow).filter((one) => one !== '');
  throw new AppError('InvalidInput', `no Source starts a Workflow ${name}`, {
    next: nextOfUnknown(name, names, `one of ${names.join(', ') || 'none'}`, 'workflow/'),
  });
}

/** Pages that may end early. */
const mostShortPages = 40;

function eventsOf(client: ApiClient, { namespace, name }: CatalogSource, since: string, limit: number) {
  const query = new URLSearchParams({ namespace, source: name, since });
  return readList<EventSummary>(
    client,
    'events',
    query,
    limit,
    undefined,
    Math.ceil(limit / mostItems) + mostShortPages,
  );
}

async function rehearse(
  client: ApiClient,
  source: CatalogSource,
  newestFirst: readonly EventSummary[],
): Promise<SourceResult> {
  const rehearsal = createRehearsal(source);
  const limiter = source.rateLimit === null ? null : createRateLimiter(source.rateLimit);
  const refused: Record<string, number> = {};
  const muted: Record<string, number> = {};
  const runs: string[] = [];
  let [alerts, notifications, unread, putOff] = [0, 0, 0, 0];
  for (const { id, receivedAt, receiveCount } of newestFirst.toReversed()) {
    notifications += receiveCount;
    // It would have come again: what it says counts all the same.
    if ((limiter?.waitMs(Date.parse(receivedAt)) ?? 0) > 0) putOff += 1;
    else limiter?.take(Date.parse(receivedAt));
    const { eventData } = await client.call('GET /api/v1/events/:id', { params: { id } });
    const received = await readBody(source, eventData, receivedAt);
    if (received?.ok !== true) {
      unread += 1;
      continue;
    }
    for (const { refusal, mute, startsRun } of rehearsal.take(received.notification.items, receivedAt)) {
      alerts += 1;
      if (refusal !== null) refused[refusal.reason] = (refused[refusal.reason] ?? 0) + 1;
      if (mute !== null) muted[mute.reason] = (muted[mute.reason] ?? 0) + 1;
      if (startsRun) runs.push(receivedAt);
    }
  }
  const name = `${source.namespace}/${source.name}`;
  const oldest = newestFirst.at(-1)?.receivedAt ?? null;
  const bodies = newestFirst.length;
  return { source: name, bodies, notifications, alerts, refused, muted, putOff, runs, unread, oldest };
}

const mostDays = 31;

function textOf(result: SourceResult, subject: string): string {
  const { source, bodies, notifications, alerts, refused, muted, putOff, runs, unread, oldest } = result;
  const since = oldest === null ? '' : ` since ${minuteText(oldest)}`;
  const lines = [
    `${subject} by Source ${source}: ${notifications} notifications${since}, ${bodies} of them different, ${alerts} alerts`,
    `  runs        ${runs.length}${runs.length === 0 ? '' : `, at most ${most(runs, 16)} in a minute and ${most(runs, 13)} in an hour`}`,
    `  no run      ${reasonsText(muted)}`,
    `  not taken   ${reasonsText(refused)}`,
    ...(putOff === 0 ? [] : [`  put off     ${putOff} by rateLimit: answered 503, until they are sent again`]),
    ...(unread === 0
      ? []
      : [`  not read    ${unread}: cut when they were kept, or of a format that the Source does not take`]),
    ...perDay(runs),
  ];
  return `${lines.map((line) => plain(line)).join('\n')}\n`;
}

function reasonsText(reasons: Readonly<Record<string, number>>): string {
  const words = Object.entries(reasons).map(([reason, count]) => `${reason} ${count}`);
  return words.length === 0 ? '0' : words.join(', ');
}

/** The most that share so many characters of their time. */
function most(times: readonly string[], characters: number): number {
  return Math.max(...[...Map.groupBy(times, (time) => time.slice(0, characters)).values()].map(({ length }) => length));
}

function perDay(runs: readonly string[]): readonly string[] {
  const days = [...Map.groupBy(runs, (time) => time.slice(0, 10))].slice(-mostDays);
  const highest = Math.max(1, ...days.map(([, times]) => times.length));
  return days.map(([day, times]) => {
    return `  ${day}  ${'#'.repeat(Math.ceil((times.length * 40) / highest)).padEnd(40)} ${times.length}`;
  });
}
