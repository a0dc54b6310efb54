import { explainAbsence, placeOf } from '../core/access.ts';
import { fullName } from '../core/run.ts';
import { labelledObject } from '../core/alert.ts';
import type { CatalogSink, CatalogSource, CatalogWorkflow, Grouping, RateLimit } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import type { ObjectPlace } from '../core/place.ts';
import { parseRfc3339 } from '../core/rfc3339.ts';
import { timeText, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { catalogOf, outlooksOf } from '../app/outlook.ts';
import type { AlertOutlook, SourceOutlook } from '../app/outlook.ts';
import { formatDuration } from '../lib/duration.ts';
import { plain } from '../lib/printable.ts';
import { nextOfUnknown } from '../lib/similar.ts';
import { readInput } from './input.ts';
import { outputFormat, tell } from './output.ts';
import type { Terminal } from './output.ts';

export interface ExplainAlertFlags {
  readonly output: string;
  readonly file?: string;
  readonly resources?: string;
  readonly source?: string;
  readonly at?: string;
}

/** `fist explain alert -f FILE`: which Source, policies, Workflow and Sinks would act. Nothing is sent or stored. */
export async function explainAlert(terminal: Terminal, flags: ExplainAlertFlags): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  if (flags.file === undefined)
    throw new AppError('InvalidInput', 'no notification was given', {
      field: '--file',
      next: 'fist explain alert -f FILE --resources FOLDER; FILE as its sender sends it, - reads standard input',
    });
  if (flags.resources === undefined)
    throw new AppError('InvalidInput', 'no resources were given', { field: '--resources', next: '--resources FOLDER' });
  const at = momentOf(flags.at);
  const catalog = catalogOf(flags.resources);
  const outlooks = await outlooksOf(catalog, sourcesOf(catalog.sources, flags.source), readInput(flags.file), at);
  if (outlooks.length === 0)
    throw new AppError('InvalidInput', `no Source of ${flags.resources} takes notifications`, {
      next: 'fist init source > source.yaml',
    });
  if (format === 'json') terminal.out(`${JSON.stringify(outlooks.map(jsonOf), null, 2)}\n`);
  else {
    terminal.out(outlooks.map((outlook) => textOf(outlook, at)).join('\n'));
    tell(terminal, 'as if none of these alerts had come before; nothing was sent or stored');
  }
  return 0;
}

function momentOf(text: string | undefined): Timestamp {
  if (text === undefined) return toTimestamp(Date.now());
  const time = parseRfc3339(text);
  if (time == null) throw new AppError('InvalidInput', `${text} is not an RFC 3339 time`, { field: '--at' });
  return time;
}

function sourcesOf(sources: readonly CatalogSource[], wanted: string | undefined): readonly CatalogSource[] {
  if (wanted === undefined) return sources;
  const found = sources.filter(({ namespace, name }) => wanted === name || wanted === `${namespace}/${name}`);
  if (found.length > 0) return found;
  const names = sources.map(({ name }) => name);
  throw new AppError('InvalidInput', `there is no Source ${wanted}`, {
    field: '--source',
    next: nextOfUnknown(wanted, names, `one of ${names.join(', ') || 'none'}`),
  });
}

function textOf(outlook: SourceOutlook, at: Timestamp): string {
  const { source, unreadable, alerts, bad } = outlook;
  const lines = [`Source ${source.namespace}/${source.name} (${source.type})`];
  if (!source.ready)
    lines.push(`  not ready: ${source.conditions.find(({ type }) => type === 'Ready')?.message ?? ''}`);
  if (unreadable !== null) lines.push(`  refuses it with ${unreadable.status}: ${unreadable.message}`);
  for (const alert of alerts) lines.push(`  ${alertText(alert)}`);
  for (const { field, message } of bad) lines.push(`  ${field} cannot be used: ${message}`);
  if (alerts.some(({ startsRun, mute }) => startsRun || mute !== null)) lines.push(...whatFollows(outlook, at));
  return `${lines.map((line) => plain(line)).join('\n')}\n`;
}

function alertText({ item, refusal, mute, startsRun }: AlertOutlook): string {
  const title = `${item.status} ${item.severity} ${[item.name, labelledObject(item.labels)].join(' ').trim()}`;
  if (refusal !== null) return `${title}: not taken, ${refusal.reason}: ${refusal.message}`;
  if (mute !== null)
    return `${title}: taken, no run: ${mute.reason}: ${mute.message}; decided anew at ${timeText(mute.until)}`;
  return `${title}: ${startsRun ? 'taken, starts a run' : 'taken, starts no run'}`;
}

function whatFollows({ source, workflow, sinks }: SourceOutlook, at: Timestamp): readonly string[] {
  const { cooldownMs, flapCapPerHour, stormCapPerMinute, rateLimit, grouping } = source;
  const policies = [
    rateLimit === null ? null : rateText(rateLimit),
    cooldownMs === 0 ? null : `${formatDuration(cooldownMs)} after a run no other of the same alert`,
    flapCapPerHour === 0 ? null : `at most ${flapCapPerHour} runs an hour of one alert`,
    grouping === null ? null : groupingText(grouping),
    stormCapPerMinute === 0 ? null : `at most ${stormCapPerMinute} runs a minute in all`,
  ].filter((policy) => policy !== null);
  const place = placeOf(source.triggerWorkflow, source.namespace);
  const problem =
    workflow === undefined ? missing('Workflow', place, source.namespace) : readiness(workflow.conditions);
  const steps = (workflow?.plan?.steps ?? []).map((step) => `${step.name} (${step.type})`).join(', ');
  return [
    ...(policies.length === 0 ? [] : [`  policies at ${timeText(at)}: ${policies.join('; ')}`]),
    `  Workflow ${fullName(place)}${grantText(workflow, source.namespace)}: ${problem ?? steps}`,
    ...sinks.map(([sinkName, sink]) => {
      const from = workflow?.namespace ?? source.namespace;
      if (sink === undefined) return `  Sink ${sinkName}: ${missing('Sink', placeOf(sinkName, from), from)}`;
      const told = ['the report', sink.sendStarted ? 'the start' : null, sink.sendResolved ? 'the end' : null];
      const words = told.filter((word) => word !== null).join(', ');
      const condition = sink.condition === null ? '' : `, if ${sink.condition}`;
      return `  Sink ${sinkName}${grantText(sink, from)} (${sink.type}): ${readiness(sink.conditions) ?? `is told ${words}${condition}`}`;
    }),
  ];
}

function missing(kind: 'Workflow' | 'Sink', place: ObjectPlace, from: string): string {
  return place.namespace === from ? 'there is none of this name' : explainAbsence(kind, place, from);
}

/** That another namespace grants it. */
function grantText(object: CatalogSink | CatalogWorkflow | undefined, from: string): string {
  return object === undefined || object.namespace === from ? '' : `, which grants namespace ${from}`;
}

function groupingText({ labels, waitMs, intervalMs }: Grouping): string {
  return `one run for alerts with the same ${labels.join(', ')}, which waits ${formatDuration(waitMs)} for others; the next ${formatDuration(intervalMs)} later`;
}

function rateText({ requestsPerMinute, burst }: RateLimit): string {
  return `each replica takes ${requestsPerMinute} requests a minute, ${burst} at once, and answers 503 beyond`;
}

function readiness(conditions: CatalogSource['conditions']): string | null {
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready === undefined || ready.status === 'True' ? null : `not ready: ${ready.message}`;
}

function jsonOf({ source, unreadable, alerts, bad, workflow, sinks }: SourceOutlook): object {
  return {
    source: `${source.namespace}/${source.name}`,
    ready: source.ready,
    unreadable:
      unreadable === null ? null : { status: unreadable.status, field: unreadable.field, message: unreadable.message },
    alerts: alerts.map(({ item, refusal, mute, startsRun }) => ({
      name: item.name,
      status: item.status,
      severity: item.severity,
      fingerprint: item.fingerprint,
      labels: item.labels,
      refusal,
      mute: mute === null ? null : { reason: mute.reason, message: mute.message, until: mute.until },
      startsRun,
    })),
    bad: bad.map(({ field, message }) => ({ field, message })),
    workflow: { name: fullName(placeOf(source.triggerWorkflow, source.namespace)), ready: workflow?.ready ?? false },
    sinks: sinks.map(([name, sink]) => ({
      name,
      type: sink?.type ?? null,
      ready: sink?.ready ?? false,
      condition: sink?.condition ?? null,
    })),
  };
}
