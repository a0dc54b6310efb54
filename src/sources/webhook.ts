import { z } from 'zod';
import { AppError } from '../core/errors.ts';
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
  config: z.strictObject({
    path,
    format: format.optional(),
    mapping: mapping.optional(),
    items: items.optional(),
    filters: filters.optional(),
    matchers: matchers.optional(),
    authentication: authentication.optional(),
  }),
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

/** Throws InvalidResource where they do not fit each other. */
export function compileReading(config: ReadingConfig): NotificationSettings {
  const taken = takenFormats(config.format);
  checkMapping(taken, config);
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

function checkMapping(taken: readonly Format[], given: ReadingConfig): void {
  const [only] = given.format === undefined ? [] : taken;
  if (only?.mapping === 'required' && given.mapping === undefined)
    throw new AppError('InvalidResource', `the format ${only.name} needs a mapping`, { field: 'format' });
  if (given.mapping !== undefined && (only === undefined || only.mapping === 'none')) {
    const mapped = formats.filter((each) => each.mapping !== 'none').map(({ name }) => name);
    throw new AppError('InvalidResource', `needs format: ${mapped.join(' or ')}`, { field: 'mapping' });
  }
  if (given.items !== undefined && given.mapping === undefined)
    throw new AppError('InvalidResource', 'needs a mapping', { field: 'items' });
}
