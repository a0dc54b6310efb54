import { z } from 'zod';
import { printable, printableJson, printableYaml } from '../lib/printable.ts';
import { defineSink } from './define.ts';
import type { SinkDelivery } from './define.ts';
import { template } from './fields.ts';

/** Prints each delivery as `[name] ...` on the server's standard output. */
export const stdout = defineSink({
  type: 'stdout',
  description: "Prints to the server's standard output.",
  config: z
    .object({
      format: z.enum(['json', 'yaml', 'text']).optional().meta({
        description: 'json, yaml, or text (the template). Default: text where a template is given, else json.',
      }),
      pretty: z.boolean().default(false).meta({ description: 'Indents JSON.' }),
      template: template.optional(),
    })
    .refine((config) => config.format !== 'text' || config.template !== undefined, {
      path: ['template'],
      error: 'format text needs a template',
    }),
  async deliver(io, config, delivery) {
    const format = config.format ?? (config.template === undefined ? 'json' : 'text');
    const text = { json: toJson, yaml: toYaml, text: toText }[format];
    const body = await text(delivery, config.pretty);
    await io.write(`[${delivery.sinkName}] ${withoutForgery(body.replace(/\n+$/, ''))}\n`);
    return { ok: true, reference: null };
  },
});

/** Alert text must not begin a line that reads as another delivery: a further line with `[` is indented. */
function withoutForgery(body: string): string {
  return body.replace(/\n(?=\[)/g, '\n ');
}

/** Stays JSON: what could reorder or hide text is escaped the JSON way. */
function toJson(delivery: SinkDelivery, pretty: boolean): string {
  return printableJson(JSON.stringify(delivery.payload, null, pretty ? 2 : 0));
}

async function toYaml(delivery: SinkDelivery): Promise<string> {
  return `\n${await printableYaml(delivery.payload)}`;
}

function toText(delivery: SinkDelivery): string {
  const { text } = delivery.payload;
  return typeof text === 'string' ? printable(text) : '';
}
