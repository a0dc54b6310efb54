import { z } from 'zod';
import { cutText } from '../lib/cut.ts';
import { rule } from '../lib/rule.ts';
import { parseSecretReference, secretRef } from '../lib/secret-reference.ts';
import { defineSink } from './define.ts';
import type { SinkDelivery } from './define.ts';
import { action, endpoint, facts, templated } from './fields.ts';
import { sendRequest } from './http.ts';
import { linksOf, summaryOf, titleFor, viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';

/** Limits of the Events API v2 (PagerDuty/api-schema: reference/events-v2). */
const mostSummaryCharacters = 1024;
const mostEventBytes = 512 * 1024;
const mostTextCharacters = 32 * 1024;

const severities = { critical: 'critical', warning: 'warning', info: 'info' } as const satisfies Record<string, string>;

/**
 * Events API v2. All deliveries of an alert have one `dedup_key`: PagerDuty has one incident for as long as the alert fires,
 * and a repeated request has no second effect. What was resolved is not triggered again by a report that comes late.
 */
export const pagerduty = defineSink({
  type: 'pagerduty',
  description: 'An incident in PagerDuty (Events API v2): triggered, brought up to date, resolved.',
  example: { routingKey: 'pagerduty-routing-key' },
  config: z
    .object({
      endpoint: endpoint.default('https://events.pagerduty.com/v2/enqueue'),
      routingKey: secretRef.meta({ description: 'Secret with the routing key (integration key): name, or name/key.' }),
      action: action.optional(),
      summary: templated.optional().meta({ description: 'Title of the incident. Default: the alert and its cause.' }),
      component: templated
        .optional()
        .meta({ description: 'The part that is concerned. Default: what the alert is about.' }),
      group: templated.optional().meta({ description: 'What it belongs to. Default: the namespace.' }),
      details: facts
        .default({})
        .meta({ description: 'Further facts by name, for custom_details; values are templates.' }),
    })
    .check(
      rule(
        "!has(self.action) || self.action in ['trigger', 'resolve']",
        'must be trigger or resolve',
        ({ action: given }) => given === undefined || given === 'trigger' || given === 'resolve',
        ['action'],
      ),
    ),
  async deliver(io, config, delivery) {
    const view = viewOf(delivery.payload);
    const wanted = view.isOver ? 'resolve' : 'trigger';
    if (config.action !== undefined && config.action !== wanted) return { ok: true, reference: null };
    const routingKey = io.secret(parseSecretReference(config.routingKey));
    const base = { routing_key: routingKey, event_action: wanted, dedup_key: dedupKey(delivery) };
    const body = wanted === 'resolve' ? base : { ...base, ...triggerOf(view, config) };
    const answer = await sendRequest(io, { method: 'POST', url: config.endpoint, body: bounded(body) });
    return answer.ok ? { ok: true, reference: base.dedup_key } : answer.verdict;
  },
});

function dedupKey({ subjectKey }: SinkDelivery): string {
  return `fist/${subjectKey}`;
}

interface TriggerTexts {
  readonly summary?: string | undefined;
  readonly component?: string | undefined;
  readonly group?: string | undefined;
  readonly details: Readonly<Record<string, string>>;
}

function triggerOf(view: PayloadView, config: TriggerTexts) {
  const { cause, confidence, url } = view;
  return {
    client: 'Punching Fist',
    ...(url === null ? {} : { client_url: url }),
    links: linksOf(view),
    payload: {
      summary: titleFor(config.summary, summaryOf(view), mostSummaryCharacters),
      source: view.object || view.name || 'fist',
      severity: severities[view.severity as keyof typeof severities] ?? 'warning',
      ...(view.startsAt === null ? {} : { timestamp: view.startsAt }),
      component: config.component ?? view.object,
      group: config.group ?? view.namespace,
      class: view.name,
      custom_details: {
        report: cutText(view.text, mostTextCharacters),
        cause: cause ?? 'not known',
        ...(confidence === null ? {} : { confidence }),
        labels: view.labels,
        ...config.details,
      },
    },
  };
}

/** Custom details are what may be large; PagerDuty refuses an event with more than 512 KB. */
function bounded(body: { readonly routing_key: string; readonly payload?: object }): object {
  if (body.payload === undefined || Buffer.byteLength(JSON.stringify(body)) <= mostEventBytes) return body;
  return { ...body, payload: { ...body.payload, custom_details: { error: 'left out: more than 512 KB' } } };
}
