import { objectOf } from '../../core/json.ts';
import { labelledObject, severities } from '../../core/alert.ts';
import type { AlertRecord } from '../../core/alert.ts';
import type { CatalogSource } from '../../core/catalog.ts';
import { causesElsewhere } from '../../core/causes.ts';
import { lastReport } from '../../core/stored-report.ts';
import type { JsonObject } from '../../core/json.ts';
import type { AlertSummary } from '../../core/lists.ts';
import type { Clock } from '../../core/ports.ts';
import { isFinal } from '../../core/run.ts';
import type { RunRecord } from '../../core/run.ts';
import type { StoreReader } from '../../core/store.ts';
import { durationText, timeText, toEpochMs } from '../../core/time.ts';
import { cutText } from '../../lib/cut.ts';
import { plain } from '../../lib/printable.ts';
import { shortId } from '../../lib/short-id.ts';
import { textOf } from './message.ts';
import { settingsOf } from './settings.ts';

// What is known already, in a few lines. Only what is of the namespace of the Source: who may write in its channel may see no more.

const open = ['received', 'triaging', 'escalated'] as const;
const mostAlerts = 5;
const mostEvidence = 4;
/** Counted so far. */
const mostCounted = 100;
const longestLine = 240;

/** What may be written, after a first line where there is one. */
export function helpText(source: CatalogSource, text?: string): string {
  const { command } = settingsOf(source);
  const call = command ?? '@me';
  return [
    ...(text === undefined ? [] : [text]),
    `${call} investigate deployment/web -n shop   looks into an object`,
    `${call} alert NAME   says what is known of an alert, or looks into it`,
    `${call} alerts   lists what is open`,
    `${call} status   says how things stand`,
    ...(command === null ? ['Mention me in the thread of a report to ask about it.'] : []),
    `Anything else is passed on to Workflow ${source.triggerWorkflow}.`,
  ].join('\n');
}

/** How many alerts are open, by severity, and what waits. */
export async function statusText(reader: StoreReader, { namespace }: CatalogSource): Promise<string> {
  const counts: string[] = [];
  for (const severity of severities) {
    const page = await reader.lists.alerts({ namespace, severity, statuses: open, limit: mostCounted });
    const more = page.nextCursor === null ? '' : '+';
    if (page.items.length > 0) counts.push(`${page.items.length}${more} ${severity}`);
  }
  const { runs, deliveries } = await reader.lists.depths();
  return [
    counts.length === 0 ? 'No alert is open.' : `Open alerts: ${counts.join(', ')}.`,
    `In this server wait ${runs} runs, and ${deliveries} messages to be sent.`,
    'More: fist status',
  ].join('\n');
}

/** The most severe open alerts. */
export async function alertsText(reader: StoreReader, { namespace }: CatalogSource, clock: Clock): Promise<string> {
  const found = await openAlerts(reader, { namespace }, mostAlerts + 1);
  if (found.length === 0) return 'No alert is open.';
  const shown = found.slice(0, mostAlerts);
  const elsewhere = await causesElsewhere(reader.lists, shown, namespace);
  const lines = shown.map((alert) => {
    const since = alert.startsAt === null ? '' : ` for ${durationText(clock.now() - toEpochMs(alert.startsAt))}`;
    const cause = alert.cause === null || alert.cause === '' || elsewhere.has(alert.id) ? '' : `: ${alert.cause}`;
    return line(`${alert.severity} ${titleOf(alert)}${since}${cause}`);
  });
  return [...lines, found.length > mostAlerts ? 'There are more: fist get alerts' : 'More: fist why alert/NAME'].join(
    '\n',
  );
}

/** The open alert of this name: the most severe one, of these the one that changed last. */
export async function alertNamed(
  reader: StoreReader,
  { namespace }: CatalogSource,
  name: string,
): Promise<AlertRecord | undefined> {
  const [found] = await openAlerts(reader, { namespace, name }, 1);
  return found === undefined ? undefined : reader.lists.alert(found.id);
}

async function openAlerts(
  reader: StoreReader,
  filters: { readonly namespace: string; readonly name?: string },
  limit: number,
): Promise<readonly AlertSummary[]> {
  const found: AlertSummary[] = [];
  for (const severity of severities) {
    if (found.length >= limit) break;
    const page = await reader.lists.alerts({ ...filters, severity, statuses: open, limit: limit - found.length });
    found.push(...page.items);
  }
  return found;
}

/** What a run found: its cause, what shows it, and the command for all of it. */
export async function runText(reader: StoreReader, run: RunRecord): Promise<string> {
  const report = lastReport(await reader.runs.steps(run.id));
  const alert = run.input.alert ?? run.input.asked ?? null;
  const about = alert === null ? '' : ` about ${titleOf(alert)}`;
  const when = run.completedAt === null ? '' : ` at ${timeText(run.completedAt)}`;
  const state = isFinal(run.status) ? `${run.status}${when}` : `is ${run.status}`;
  return [
    line(`Run ${shortId(run.id)} of Workflow ${run.name}${about} ${state}.`),
    ...(report === null ? noReport(run) : reportLines(report)),
    `More: fist describe run/${shortId(run.id)}`,
  ].join('\n');
}

/** What is said of a run of another namespace. */
export function elsewhereText(run: RunRecord): string {
  return `Run ${shortId(run.id)} is of another namespace than this chat: what it found is told there.`;
}

function noReport({ status, error }: RunRecord): readonly string[] {
  if (!isFinal(status)) return ['It has found nothing yet.'];
  return [error === null ? 'It made no report.' : line(error)];
}

function reportLines(report: JsonObject): readonly string[] {
  const { root_cause: cause, confidence, summary } = report;
  const sure = typeof confidence === 'number' ? ` (${Math.round(confidence * 100)}%)` : '';
  const head = textOf(cause) === '' ? `No cause was found. ${textOf(summary)}` : `Cause${sure}: ${textOf(cause)}`;
  const given = report['evidence'];
  const evidence = (Array.isArray(given) ? given : []).map(objectOf).slice(0, mostEvidence);
  const lines = evidence.map(({ id, object, excerpt }) => {
    const [first = ''] = textOf(excerpt).trim().split('\n');
    return line(`[${textOf(id)}] ${textOf(object)}${first === '' ? '' : `: ${first}`}`);
  });
  return [line(head.trim(), 3 * longestLine), ...lines];
}

function titleOf({ name, labels }: Pick<AlertRecord, 'name' | 'labels'>): string {
  const object = labelledObject(labels);
  return object === '' ? name : `${name} ${object}`;
}

function line(text: string, longest = longestLine): string {
  return cutText(plain(text), longest);
}
