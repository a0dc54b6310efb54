import { z } from 'zod';
import { oneLine } from '../../../lib/printable.ts';
import { meantAlert, mostOthers } from '../../../report/meant-alert.ts';
import { whyLines } from '../../../report/why-text.ts';
import { whyOf } from '../../../report/why.ts';
import type { AlertDetail } from '../../../report/why.ts';
import { callRoute } from '../call-route.ts';
import { defineTool } from '../define.ts';
import { brief, callOf, jsonLine } from '../lines.ts';

const columns = 100;

export const why = defineTool({
  name: 'why',
  title: 'Why an alert fires',
  description:
    'Says on one screen why an alert fires: the cause and how sure it is, the way from the object to it, the evidence that decides, and the first step. Start here. Without `alert`: the most severe one that fires.',
  effect: 'reads',
  input: z.strictObject({
    alert: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .meta({
        description:
          'The name of an alert, its id or a beginning of it, `run/ID`, or what it is about: `pod/web-1`, `deployment/shop/web`.',
        examples: ['KubePodCrashLooping', 'pod/shop/web-1'],
      }),
    namespace: z.string().min(1).max(253).optional().describe('Namespace of what the alert is about.'),
  }),
  async run({ api, nowMs }, { alert: word, namespace }) {
    const { id, others, note } = await meantAlert(api, word, namespace);
    // Of rows it has what the API shows; nothing else is looked at.
    const alert = (await callRoute(api, 'GET /api/v1/alerts/:id', { params: { id } })) as unknown as AlertDetail;
    const answer = whyOf(alert);
    const more = others.filter((other) => other.id !== alert.id).slice(0, mostOthers);
    const lines = [
      ...whyLines(answer, alert, { nowMs, columns }),
      ...(more.length === 0
        ? []
        : [
            '',
            'Also open:',
            ...more.map((other) =>
              jsonLine({ id: other.id, name: brief(other.name, 200), object: brief(other.object, 300) }),
            ),
          ]),
    ];
    const { run } = answer;
    return {
      // What was asked for stands in the note; nothing from outside does.
      head: `Alert ${alert.id}${note === undefined ? '' : ` (${oneLine(note)})`}.`,
      data: { origin: 'the store of alerts', text: lines.join('\n'), narrow: '' },
      next: [
        ...(alert.aiAnalysis === null ? [] : [`${callOf('get_report', { alert: alert.id })}: the whole report`]),
        ...(run === null ? [] : [`${callOf('get_run', { run: run.id })}: the run`]),
        answer.next,
      ],
    };
  },
});
