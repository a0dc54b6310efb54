import type { CatalogSink } from '../core/catalog.ts';
import type { RenderedPayload } from '../core/delivery.ts';
import { AppError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { evaluateCondition } from '../lib/template/condition.ts';
import { renderTemplate } from '../lib/template/index.ts';
import { deliveryPayload, eventContext, reportOf, templateData } from './context.ts';
import type { DeliveryFacts } from './context.ts';

export type Rendered =
  | {
      readonly kind: 'send';
      readonly payload: JsonObject;
      /** How it is kept for later attempts; null = it is kept already. */
      readonly keep: RenderedPayload | null;
    }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'broken'; readonly reason: string };

/**
 * Decides whether a Sink wants a delivery and what is sent. Pure: `now` of a
 * template is the moment of the delivery. A template error is the delivery's, not the run's.
 */
export function renderDelivery(sink: CatalogSink, facts: DeliveryFacts): Rendered {
  const context = eventContext(facts);
  // A Sink that wants the report wants what points at it: its condition sees the whole report.
  const wanted = facts.told === null ? context : eventContext({ ...facts, told: null });
  const payload = deliveryPayload(context);
  const { template } = sink.config;
  const clock = { now: () => new Date(facts.delivery.createdAt) };
  try {
    if (sink.condition !== null && !evaluateCondition(sink.condition, templateData(wanted), clock)) {
      return { kind: 'skip', reason: 'the condition of the Sink is false' };
    }
    const text = typeof template === 'string' ? { text: renderTemplate(template, templateData(context), clock) } : {};
    const whole = { ...payload, ...text };
    const report = reportOf(facts, context.report);
    return {
      kind: 'send',
      payload: whole,
      keep: { payload: report === null ? whole : { ...whole, report: null }, report },
    };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return { kind: 'broken', reason: thrown.message };
  }
}
