import { objectOf } from '../core/json.ts';
import { labelledObject } from '../core/alert.ts';
import type { Labels } from '../core/alert.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { oneLine } from '../lib/printable.ts';

/** What sinks say of a delivery, read from its payload. Texts are plain, and as long as they came. */
export interface PayloadView {
  /** Name of the alert; of the Workflow where there is none. */
  readonly name: string;
  /** `shop/web-1`, or empty. */
  readonly object: string;
  readonly namespace: string;
  /** `critical`, `warning` or `info`. */
  readonly severity: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAt: string | null;
  readonly resolvedAt: string | null;
  /** The alert is resolved, whatever this delivery tells. */
  readonly isOver: boolean;
  /** null: none was found, or none is told. */
  readonly cause: string | null;
  /** From 0 to 1. */
  readonly confidence: number | null;
  readonly summary: string;
  /** Where the run is shown; null = not known. */
  readonly url: string | null;
  readonly runId: string | null;
  readonly generatorUrl: string | null;
  /** What people read of it, in lines. */
  readonly text: string;
}

/** Reads a payload, also one that an earlier version kept. Pure. */
export function viewOf(payload: JsonObject): PayloadView {
  const [alert, report, run, workflow] = ['alert', 'report', 'run', 'workflow'].map((name) => objectOf(payload[name]));
  const labels = textsOf(alert?.['labels']);
  return {
    name: textOf(alert?.['alertname']) ?? textOf(workflow?.['name']) ?? '',
    object: labelledObject(labels),
    namespace: labels['namespace'] ?? '',
    severity: textOf(alert?.['severity']) ?? 'info',
    labels,
    annotations: textsOf(alert?.['annotations']),
    startsAt: textOf(alert?.['startsAt']),
    resolvedAt: textOf(alert?.['resolvedAt']),
    isOver: alert?.['status'] === 'resolved',
    cause: textOf(report?.['root_cause']),
    confidence: typeof report?.['confidence'] === 'number' ? report['confidence'] : null,
    summary: textOf(report?.['summary']) ?? textOf(alert?.['summary']) ?? '',
    url: textOf(run?.['url']),
    runId: textOf(run?.['id']),
    generatorUrl: textOf(alert?.['generatorURL']),
    text: textOf(payload['text']) ?? '',
  };
}

/** `KubePodCrashLooping shop/web-1`. */
export function titleOf({ name, object }: Pick<PayloadView, 'name' | 'object'>): string {
  return object === '' ? name : `${name} ${object}`;
}

/** The title and the cause, where one is told. */
export function summaryOf(view: PayloadView): string {
  return view.cause === null ? titleOf(view) : `${titleOf(view)}: ${view.cause}`;
}

/** For receivers that take none without a title: what its author wrote, or `own` where that is empty, on one line. Never empty. */
export function titleFor(authored: string | undefined, own: string, mostCharacters: number): string {
  return oneLine(authored ?? '', mostCharacters) || oneLine(own, mostCharacters) || 'an alert without a name';
}

/** Where the run is shown: its address, or the command where that is not known. */
export function runLink({ url, runId }: Pick<PayloadView, 'url' | 'runId'>): string {
  return url ?? (runId === null ? 'fist get runs' : `fist describe run/${runId}`);
}

/** A link with what is shown of it. */
export interface NamedLink {
  readonly href: string;
  readonly text: string;
}

/** Where people go on from here: whole addresses, http or https. */
export function linksOf({ url, annotations, generatorUrl }: PayloadView): readonly NamedLink[] {
  return [
    { href: url, text: 'Run' },
    { href: annotations['runbook_url'] ?? null, text: 'Runbook' },
    { href: generatorUrl, text: 'Query' },
  ].flatMap(({ href, text }) => {
    const address = href === null ? null : URL.parse(href);
    return address !== null && /^https?:$/.test(address.protocol) ? [{ href: address.href, text }] : [];
  });
}

/** Null where it is absent, empty or no text. */
function textOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function textsOf(value: JsonValue | undefined): Labels {
  return Object.fromEntries(
    Object.entries(objectOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
