import { z } from 'zod';
import { rule } from '../lib/rule.ts';
import { defineSink } from './define.ts';
import { appendLine } from './line-file.ts';

const megabyte = 1024 * 1024;

/**
 * One line of JSON for each delivery, on the disk before it counts as sent. The name of the file is no path: it stands in a
 * folder of its own for each namespace.
 */
export const file = defineSink({
  type: 'file',
  description: 'Appends JSON lines to a file in the data folder of the server.',
  example: { file: 'reports.jsonl' },
  config: z.object({
    file: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be a name without /')
      .max(128)
      .check(
        rule("!self.matches('[.][0-9]+$')", 'must not have a number at its end', (name) => !/\.[0-9]+$/.test(name)),
      )
      .meta({ description: 'Name of the file, in the folder sinks/NAMESPACE beside the database.' }),
    maxMegabytes: z.int().min(1).max(1024).default(10).meta({
      description: 'Size at which the file is renamed to FILE.1 and a new one begun.',
    }),
    keep: z.int().min(0).max(100).default(5).meta({ description: 'Earlier files that are kept, FILE.1 the newest.' }),
  }),
  async deliver(io, config, { payload, idempotencyKey, isRepeat }) {
    return appendLine({
      folder: io.folder,
      name: config.file,
      line: JSON.stringify({ idempotencyKey, ...payload }),
      // As JSON.stringify writes it: no text of an alert can begin a line.
      known: isRepeat ? `{"idempotencyKey":${JSON.stringify(idempotencyKey)},` : null,
      mostBytes: config.maxMegabytes * megabyte,
      keep: config.keep,
    });
  },
});
