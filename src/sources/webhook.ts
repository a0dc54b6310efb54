import { z } from 'zod';
import { celList, rule } from '../lib/rule.ts';
import type { DeclaredCheck } from '../lib/rule.ts';
import { normalizeWebhookPath } from '../lib/webhook-path.ts';
import { authentication, compileAuthentication } from './authentication/index.ts';
import { defineSource } from './define.ts';
import type { SourceTemplate } from './define.ts';
import { compileFilters, filters, matchers } from './filters.ts';
import type { Format } from './formats/define.ts';
import { formats } from './formats/index.ts';
import { compileMapping, itemPath, items, mapping, mappingTemplates } from './mapping.ts';
import type { MappingConfig } from './mapping.ts';
import { receiveNotification } from './notification.ts';
import type { NotificationSettings } from './notification.ts';
import { path } from './path.ts';

/** Of Sources that read notifications. */
export const format = z
  .enum(formats.map(({ name }) => name))
  .meta({ description: 'What its bodies look like. Absent: each body tells which one it is.' });

/** Takes notifications by HTTP POST or PUT. */
export const webhook = defineSource({
  type: 'webhook',
  description: 'Takes notifications of Alertmanager, Grafana and others by HTTP.',
  config: z
    .strictObject({
      path,
      format: format.optional(),
      mapping: mapping.optional(),
      items: items.optional(),
      filters: filters.optional(),
      matchers: matchers.optional(),
      authentication: authentication.optional(),
    })
    .check(...readingRules()),
  templates: readingTemplates,
  compile(config) {
    const settings = compileReading(config);
    const { formats: taken } = settings;
    return {
      path: normalizeWebhookPath(config.path),
      accepts: compileFilters(config.filters, config.matchers),
      authentication: compileAuthentication(config.authentication),
      mediaTypes: [...new Set(taken.flatMap(({ mediaTypes }) => mediaTypes))],
      subpaths: [...new Set(taken.flatMap(({ subpaths }) => subpaths))],
      settings,
    };
  },
  receive: (request, turns, settings: NotificationSettings) => receiveNotification(settings, request, turns),
});

/** Fields of a Source that say how its bodies are read. */
export interface ReadingConfig {
  readonly format?: string | undefined;
  readonly mapping?: MappingConfig | undefined;
  readonly items?: string | undefined;
}

/** From a config that {@link readingRules} accepted. */
export function compileReading(config: ReadingConfig): NotificationSettings {
  const taken = takenFormats(config.format);
  return {
    formats: taken,
    mapping: config.mapping === undefined ? null : compileMapping(config.mapping),
    items: itemPath(config.items),
  };
}

/** Where their templates are. */
export function readingTemplates({ mapping: given, format: name }: ReadingConfig): readonly SourceTemplate[] {
  return mappingTemplates(given ?? {}).map(({ path: names, text }) => ({
    path: ['mapping', ...names],
    text,
    roots: name === 'generic' ? ['item', 'body'] : ['item', 'body', 'event'],
  }));
}

/** Those that a Source without a format takes need no mapping: nothing could tell whose it is. */
function takenFormats(name: string | undefined): readonly Format[] {
  return name === undefined
    ? formats.filter((each) => each.mapping !== 'required')
    : formats.filter((each) => each.name === name);
}

/**
 * That the fields say the same. `unless`: CEL for where nothing is read, and the same as a predicate.
 */
export function readingRules(
  unless: { readonly cel: string; readonly holds: (config: ReadingRuled) => boolean } = {
    cel: 'false',
    holds: () => false,
  },
): readonly DeclaredCheck<ReadingRuled>[] {
  const named = (wanted: readonly Format['mapping'][]) =>
    formats.flatMap(({ name, mapping: takes }) => (wanted.includes(takes) ? [name] : []));
  const [requiring, mapped] = [named(['required']), named(['required', 'optional'])];
  const reading = (cel: string, message: string, holds: (config: ReadingRuled) => boolean, field: string) =>
    rule<ReadingRuled>(
      unless.cel === 'false' ? cel : `${unless.cel} || ${cel}`,
      message,
      (config) => unless.holds(config) || holds(config),
      [field],
    );
  return [
    reading(
      `!has(self.format) || !(self.format in ${celList(requiring)}) || has(self.mapping)`,
      'is a format that needs a mapping',
      ({ format: name = '', mapping: given }) => !requiring.includes(name) || given !== undefined,
      'format',
    ),
    reading(
      `!has(self.mapping) || (has(self.format) && self.format in ${celList(mapped)})`,
      `needs format: ${mapped.join(' or ')}`,
      ({ format: name = '', mapping: given }) => given === undefined || mapped.includes(name),
      'mapping',
    ),
    reading(
      '!has(self.items) || has(self.mapping)',
      'needs a mapping',
      ({ items: list, mapping: given }) => list === undefined || given !== undefined,
      'items',
    ),
  ];
}

interface ReadingRuled extends ReadingConfig {
  readonly endpoint?: string | undefined;
}
