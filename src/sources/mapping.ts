import { z } from 'zod';
import type { AlertItem, Labels, Severity } from '../core/alert.ts';
import { parseRfc3339 } from '../core/rfc3339.ts';
import { toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { isLonger } from '../lib/cut.ts';
import { alertFingerprint, sha256Hex } from '../lib/hash.ts';
import { map } from '../lib/schema.ts';
import type { Template } from '../lib/template/ast.ts';
import { TemplateError } from '../lib/template/error.ts';
import { parseTemplate, renderTemplate } from '../lib/template/index.ts';
import type { Turns } from '../lib/turns.ts';
import { bounds } from './bounds.ts';
import type { ReadAlert } from './formats/define.ts';
import { readAnnotations, wrongLabels } from './pairs.ts';
import type { Wrong } from './pairs.ts';

const mostPairs = 32;
const template = z.string().max(4096);
const pairs = map(z.string().min(1).max(bounds.nameBytes), template, mostPairs);

/** What an alert is made of: a template for each of its fields. */
export const mapping = z
  .strictObject({
    name: template.min(1).meta({ description: 'Name of the alert. Empty text is an error.' }),
    status: template
      .default('firing')
      .meta({ description: 'firing or resolved, or a word for it: open, triggered, alerting; closed, ok, recovered.' }),
    severity: template.default('warning').meta({
      description: 'critical, warning or info, or a word for it: error, high; medium; low. Any other is a warning.',
    }),
    labels: pairs.default({}).meta({ description: 'Labels by name. One whose text is empty is left out.' }),
    annotations: pairs
      .default({})
      .meta({ description: 'Annotations by name: summary and description are what people read first.' }),
    startsAt: template
      .default('')
      .meta({ description: 'When it began: RFC 3339, or seconds or milliseconds since 1970. Empty: when it came.' }),
    endsAt: template.default('').meta({ description: 'When it ended, of a resolved alert. Empty: when it came.' }),
    generatorURL: template.default('').meta({ description: 'Where the sender shows it.' }),
    fingerprint: template.optional().meta({
      description: 'What makes it the same alert as before, the id of the sender. Default: name and labels.',
    }),
  })
  .meta({
    description:
      'Go templates for the fields of an alert, over .item (an element of the list, or the body) and .body (the body without that list); of CloudEvents .event has the attributes.',
  });

export type MappingConfig = z.output<typeof mapping>;

/** Where the list of items is in the body. */
export const items = z
  .string()
  .max(1024)
  .regex(/^\.?[A-Za-z_$][0-9A-Za-z_$-]*(\.[A-Za-z_$][0-9A-Za-z_$-]*)*$/, 'must be names with dots between them')
  .meta({
    description:
      'Path of the list whose elements are alerts, .data.incidents. Absent: the body is one alert, or a list of them.',
  });

/** `.data.incidents` as names. */
export function itemPath(text: string | undefined): readonly string[] {
  return (text ?? '').split('.').filter((name) => name !== '');
}

/** What the templates speak about. */
export interface MappingData {
  readonly item: unknown;
  readonly body: unknown;
  readonly event?: unknown;
}

/** Makes an alert of an item, or says what is wrong. Others have their turn between two fields. */
export type MapItem = (data: MappingData) => Promise<ReadAlert | Wrong>;

/** A mapping, parsed; to be begun for each notification. */
export type Mapping = (receivedAt: Timestamp, turns: Turns) => MapItem;

/** Of one field: 4 ms, and there may be 70 of an item. */
const limits = { steps: 40_000, outputCharacters: 128 * 1024, iterations: 10_000, regexMs: 5 };
/** Of a notification: 20,000 ordinary items take one second on a machine that is not busy. What is left of it then is bad. */
const mostMs = 20_000;

/** Throws TemplateError; {@link mappingTemplates} says of all which are wrong. */
export function compileMapping(config: MappingConfig): Mapping {
  const fields = mappingTemplates(config).map(({ path, text }) => ({
    path: path.join('.'),
    template: parseTemplate(text),
  }));
  return (receivedAt, turns) => {
    const now = () => new Date(receivedAt);
    let spentMs = 0;
    return async (data) => {
      const rendered = new Map<string, string>();
      for (const field of fields) {
        if (turns.isOver()) await turns.next();
        if (spentMs > mostMs)
          return { field: '', message: `is left out: the mapping took more than ${mostMs / 1000} s` };
        const beganMs = performance.now();
        const text = render(field.template, data, now);
        spentMs += performance.now() - beganMs;
        if (typeof text !== 'string') return { field: '', message: `mapping.${field.path}: ${text.message}` };
        rendered.set(field.path, text);
      }
      return alertOf(config, rendered);
    };
  };
}

/** Every template of a mapping, with its path within it. */
export function mappingTemplates(
  config: Partial<MappingConfig>,
): readonly { readonly path: readonly string[]; readonly text: string }[] {
  return Object.entries(config).flatMap(([name, value]) =>
    typeof value === 'string'
      ? [{ path: [name], text: value }]
      : Object.entries(value ?? {}).map(([member, text]) => ({ path: [name, member], text })),
  );
}

function render(parsed: Template, data: MappingData, now: () => Date): string | { readonly message: string } {
  try {
    return renderTemplate(parsed, data, { now, limits }).trim();
  } catch (thrown) {
    if (!(thrown instanceof TemplateError)) throw thrown;
    return { message: thrown.reason };
  }
}

function alertOf(config: MappingConfig, rendered: ReadonlyMap<string, string>): ReadAlert | Wrong {
  const text = (field: string): string => rendered.get(field) ?? '';
  const name = text('name');
  if (name === '' || isLonger(name, bounds.nameBytes))
    return wrong('name', `must be text of at most ${bounds.nameBytes / 1024} KiB`);
  const status = statusOf(text('status'));
  if (status === null)
    return wrong('status', `is ${JSON.stringify(text('status').slice(0, 40))}, neither firing nor resolved`);
  const labels = pairsOf('labels', config.labels, rendered);
  const wrongLabel = wrongLabels('labels', labels);
  if (wrongLabel !== null) return { field: '', message: `mapping.${wrongLabel.field} ${wrongLabel.message}` };
  const identity = config.fingerprint === undefined ? null : text('fingerprint');
  if (identity !== null && (identity === '' || isLonger(identity, bounds.externalIdBytes)))
    return wrong('fingerprint', `must be text of at most ${bounds.externalIdBytes / 1024} KiB`);
  const unread: Wrong[] = [];
  const annotations = readAnnotations(pairsOf('annotations', config.annotations, rendered), unread);
  const startsAt = timeOf('startsAt', text('startsAt'), unread);
  const endsAt = status === 'resolved' ? timeOf('endsAt', text('endsAt'), unread) : null;
  const item: AlertItem = {
    status,
    name,
    severity: severityOf(text('severity')),
    fingerprint: identity === null ? alertFingerprint(name, labels) : sha256Hex(JSON.stringify(['mapping', identity])),
    externalId: identity,
    labels,
    annotations,
    summary: annotations['summary'] ?? null,
    description: annotations['description'] ?? null,
    generatorUrl: linkOf(text('generatorURL'), unread),
    startsAt: startsAt ?? null,
    endsAt: endsAt ?? null,
    skewed: startsAt === undefined || endsAt === undefined,
  };
  return { item, unread };
}

function wrong(field: string, message: string): Wrong {
  return { field: '', message: `mapping.${field} ${message}` };
}

function pairsOf(
  field: string,
  given: Readonly<Record<string, string>>,
  rendered: ReadonlyMap<string, string>,
): Labels {
  const entries = Object.keys(given).map((name) => [name, rendered.get(`${field}.${name}`) ?? ''] as const);
  return Object.fromEntries(entries.filter(([, text]) => text !== ''));
}

/** Words of systems that people map. */
const statusWords: Readonly<Record<AlertItem['status'], readonly string[]>> = {
  firing: words(
    'firing fired open opened reopened triggered re-triggered alerting alarm active activated problem down acknowledged true',
  ),
  resolved: words('resolved closed ok recovered recovery inactive deactivated normal up false'),
};

const severityWords: Readonly<Record<Severity, readonly string[]>> = {
  critical: words('critical crit error err fatal emergency emerg alert disaster blocker high page p0 p1 sev0 sev1'),
  warning: words('warning warn medium average p2 p3 sev2'),
  info: words('info information informational notice low debug none p4 p5'),
};

function words(text: string): readonly string[] {
  return text.split(' ');
}

function statusOf(text: string): AlertItem['status'] | null {
  return wordIn(statusWords, text);
}

function severityOf(text: string): Severity {
  return wordIn(severityWords, text) ?? 'warning';
}

function wordIn<Name extends string>(words: Readonly<Record<Name, readonly string[]>>, text: string): Name | null {
  const lower = text.toLowerCase();
  return (Object.keys(words) as Name[]).find((name) => words[name].includes(lower)) ?? null;
}

/** Numbers below are seconds, from here on milliseconds: the year 5138, or 1973. */
const leastMs = 1e11;
const latestMs = Date.parse('9999-12-31T23:59:59.999Z');

/** Null = none given; undefined = not a time. */
function timeOf(field: string, text: string, unread: Wrong[]): Timestamp | null | undefined {
  if (text === '' || text === '0') return null;
  const time = /^\d+(\.\d+)?(e\+?\d+)?$/i.test(text) ? epochTime(Number(text)) : parseRfc3339(text);
  if (time === undefined)
    unread.push({
      field: '',
      message: `mapping.${field} must be an RFC 3339 time, or seconds or milliseconds since 1970`,
    });
  return time;
}

function epochTime(value: number): Timestamp | undefined {
  const milliseconds = Math.trunc(value < leastMs ? value * 1000 : value);
  return milliseconds <= latestMs ? toTimestamp(milliseconds) : undefined;
}

function linkOf(text: string, unread: Wrong[]): string | null {
  if (text === '') return null;
  if (!isLonger(text, bounds.valueBytes)) return text;
  unread.push({ field: '', message: `mapping.generatorURL must be text of at most ${bounds.valueBytes / 1024} KiB` });
  return null;
}
