import { z } from 'zod';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { cutText } from '../lib/cut.ts';
import { authentication, authorization } from '../lib/authorization.ts';
import { beyond, celList, rule } from '../lib/rule.ts';
import { map } from '../lib/schema.ts';
import { defineSink } from './define.ts';
import { endpoint, templated } from './fields.ts';
import { below, sendRequest } from './http.ts';
import { viewOf } from './payload.ts';

/** Metrics that the Pushgateway itself keeps of each group. */
const ownMetrics = ['push_time_seconds', 'push_failure_time_seconds'];
const mostLabelCharacters = 512;
const number = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|NaN|[+-]?Inf)$/;

const metricName = z
  .string()
  .max(200)
  .regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, 'is not a name of a metric')
  .check(
    rule(
      `!(self in ${celList(ownMetrics)})`,
      'is kept by the Pushgateway itself',
      (name) => !ownMetrics.includes(name),
    ),
  );

const labelName = z
  .string()
  .max(200)
  .regex(/^(_|_?[a-zA-Z][a-zA-Z0-9_]*|_[0-9][a-zA-Z0-9_]*)$/, 'is not a name of a label')
  .check(rule("self != 'job'", 'has a field of its own', (name) => name !== 'job'));

/** What differs between runs would make a group for each, and nobody deletes them. */
const bounded = rule(
  "!self.matches('[.](run|timestamp|startsAt|endsAt|resolvedAt|duration)([^A-Za-z0-9_]|$)')",
  'must not differ between runs: each would leave a group',
  (text: string) => !/[.](run|timestamp|startsAt|endsAt|resolvedAt|duration)([^A-Za-z0-9_]|$)/.test(text),
);

/**
 * Text format 0.0.4, one gauge each, in a group of their own. PUT, so that the group holds what the last run said and nothing
 * of before; sent twice it is the same. What is resolved is deleted, and not pushed again by a report that comes late.
 */
export const prometheus = defineSink({
  type: 'prometheus',
  description: 'Metrics about the last run of an alert, pushed to a Pushgateway and deleted when the alert ends.',
  example: { pushgateway: 'http://pushgateway.monitoring:9091', job: 'fist' },
  config: z
    .object({
      pushgateway: endpoint.meta({ description: 'Address of the Pushgateway.' }),
      job: z.string().min(1).max(255).default('fist').meta({ description: 'Job label of the pushed metrics.' }),
      grouping: map(labelName, templated.check(bounded), 8)
        .default({
          alertname: '{{ .alert.alertname }}',
          namespace: '{{ .alert.labels.namespace }}',
        })
        .meta({ description: 'Labels of the group beside job; values are templates, empty ones are left out.' }),
      metrics: map(metricName, templated, 100)
        .default({
          fist_run_success: '{{ eq .workflow.status "succeeded" | ternary 1 0 }}',
          fist_run_duration_seconds: '{{ .workflow.duration }}',
          fist_cause_confidence: '{{ .report.confidence | default 0 }}',
        })
        .meta({ description: 'Gauges by name; values are templates that give a number.' }),
      authentication: authentication.optional(),
    })
    // The CRD of the earlier program wrote an empty map where there was none.
    .check(
      beyond(
        'Contract',
        'must have at least one metric; without the field there are the usual ones',
        ({ metrics }) => Object.keys(metrics).length > 0,
        ['metrics'],
      ),
    ),
  async deliver(io, config, { event, payload }): Promise<DeliveryVerdict> {
    if (event === 'run-started') return { ok: true, reference: null };
    const isOver = viewOf(payload).isOver;
    const wrong = isOver ? undefined : Object.entries(config.metrics).find(([, value]) => !number.test(value.trim()));
    if (wrong !== undefined) {
      const [name, value] = wrong;
      const reason = `metrics.${name} gives ${JSON.stringify(cutText(value.trim(), 80))}, which is no number`;
      return { ok: false, retry: false, reason };
    }
    const answer = await sendRequest(io, {
      method: isOver ? 'DELETE' : 'PUT',
      url: below(config.pushgateway, `/metrics${groupPath({ job: config.job, ...config.grouping })}`),
      headers: { ...authorization(io, config.authentication), ...(isOver ? {} : { 'content-type': textFormat }) },
      ...(isOver ? {} : { body: linesOf(config.metrics) }),
    });
    return answer.ok ? { ok: true, reference: null } : answer.verdict;
  },
});

const textFormat = 'text/plain; version=0.0.4; charset=utf-8';

function linesOf(metrics: Readonly<Record<string, string>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `# TYPE ${name} gauge\n${name} ${value.trim()}\n`)
    .join('');
}

/** `/job/fist/alertname/X`. What a path could not hold, or would read otherwise, is written in base64. */
function groupPath(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => {
      const text = cutText(value, mostLabelCharacters);
      if (/^[\w-][\w.-]*$/.test(text)) return `/${name}/${text}`;
      return `/${name}@base64/${Buffer.from(text, 'utf8').toString('base64url')}`;
    })
    .join('');
}
