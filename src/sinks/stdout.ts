import { z } from 'zod';
import { printable, printableJson, printableYaml } from '../lib/printable.ts';
import { rule } from '../lib/rule.ts';
import { defineSink } from './define.ts';
import type { SinkDelivery } from './define.ts';
import { format, template } from './fields.ts';

const writers = { text: toText, json: toJson, yaml: toYaml };

/** Prints each delivery as `[name] ...` on the server's standard output. */
export const stdout = defineSink({
  type: 'stdout',
  description: "Prints to the server's standard output.",
  example: { format: 'text' },
  config: z
    .object({
      format: format.optional().meta({
        description:
          'text (the report for people, or the template), json or yaml (the payload). Default: json where pretty is set, else text.',
      }),
      pretty: z.boolean().default(false).meta({ description: 'Indents JSON.' }),
      template: template.optional(),
    })
    .check(
      rule(
        "!has(self.format) || self.format in ['text', 'json', 'yaml']",
        'must be text, json or yaml',
        ({ format: given }) => given === undefined || given in writers,
        ['format'],
      ),
    ),
  async deliver(io, config, delivery) {
    const chosen = config.format ?? (config.pretty ? 'json' : 'text');
    const body = await writers[chosen as keyof typeof writers](delivery, config.pretty);
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
