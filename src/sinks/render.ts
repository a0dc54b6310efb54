import type { CatalogSink } from '../core/catalog.ts';
import type { DeliveryRecord, RenderedPayload } from '../core/delivery.ts';
import { AppError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { evaluateCondition } from '../lib/template/condition.ts';
import { renderTemplate, renderTemplateParts } from '../lib/template/index.ts';
import type { RenderOptions } from '../lib/template/index.ts';
import { deliveryPayload, eventContext, presentRoots, reportOf, templateData } from './context.ts';
import type { DeliveryFacts } from './context.ts';
import type { SinkBackend } from './define.ts';
import { templatedTexts, withTexts } from './templated.ts';

export type Rendered =
  | {
      readonly kind: 'send';
      readonly payload: JsonObject;
      /** Fields of the config with their templates rendered. */
      readonly fields: JsonObject;
      /** How it is kept for later attempts; null = it is kept already. */
      readonly keep: RenderedPayload | null;
    }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'broken'; readonly reason: string };

/**
 * Decides whether a Sink wants a delivery and what is sent. Pure: `now` of a
 * template is the moment of the delivery. A template error is the delivery's, not the run's.
 */
export function renderDelivery(sink: CatalogSink, backend: SinkBackend, facts: DeliveryFacts): Rendered {
  const context = eventContext(facts);
  const payload = deliveryPayload(context);
  const clock = { now: () => new Date(facts.delivery.createdAt) };
  try {
    if (sink.condition !== null) {
      // A Sink that wants the report wants what points at it: its condition sees the whole report.
      const wanted = facts.told === null ? context : eventContext({ ...facts, told: null });
      if (!evaluateCondition(sink.condition, templateData(wanted), clock))
        return { kind: 'skip', reason: 'the condition of the Sink is false' };
    }
    const { payload: whole, fields } = renderContent(
      backend,
      sink.config,
      { data: templateData(context), payload },
      clock,
    );
    const report = reportOf(facts, context.report);
    const kept = { payload: report === null ? whole : { ...whole, report: null }, report };
    return {
      kind: 'send',
      payload: whole,
      fields,
      keep: Object.keys(fields).length === 0 ? kept : { ...kept, fields },
    };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return { kind: 'broken', reason: thrown.message };
  }
}

/** What is sent of a payload, with the fields of the config that are templates. Throws TemplateError. */
export function renderContent(
  backend: SinkBackend,
  config: JsonObject,
  { data, payload }: { readonly data: JsonObject; readonly payload: JsonObject },
  clock: RenderOptions,
): { readonly payload: JsonObject; readonly fields: JsonObject } {
  const { template, ...others } = renderFields(backend, config, data, clock);
  if (template === undefined) return { payload, fields: others };
  // Where the receiver knows no markup, the template is the text of the payload.
  if (backend.escape === null) return { payload: { ...payload, text: template }, fields: others };
  return { payload, fields: { ...others, template } };
}

/** What an earlier attempt was to send. Fields that the Sink has only since are rendered over the payload that was kept. */
export function renderKept(
  sink: CatalogSink,
  backend: SinkBackend,
  { rendered, createdAt }: DeliveryRecord,
  payload: JsonObject,
): Rendered {
  const kept = rendered?.fields ?? {};
  // Where the receiver knows no markup, the text of the payload is what the template was.
  const isThere = (name: string): boolean =>
    Object.hasOwn(kept, name) || (name === 'template' && backend.escape === null);
  const missing = Object.fromEntries(Object.entries(sink.config).filter(([name]) => !isThere(name)));
  try {
    const fresh = renderFields(backend, missing, presentRoots(payload), { now: () => new Date(createdAt) });
    return { kind: 'send', payload, fields: { ...fresh, ...kept }, keep: null };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return { kind: 'broken', reason: thrown.message };
  }
}

/**
 * Fields of a config that are templates, rendered over the payload. What a template itself says stays as it is; what it prints
 * is escaped for the receiver. Throws TemplateError, whose message names the field.
 */
export function renderFields(
  { config: schema, escape }: SinkBackend,
  config: JsonObject,
  data: JsonObject,
  clock: RenderOptions,
): JsonObject {
  const texts = templatedTexts(schema, config).map(({ path, text, kind }) => {
    const options = { ...clock, name: path.join('.') };
    if (kind === 'condition') return { path, text: String(evaluateCondition(text, data, options)) };
    const rendered =
      escape === null
        ? renderTemplate(text, data, options)
        : renderTemplateParts(text, data, options)
            .map((part) => (part.kind === 'literal' ? part.text : escape(part.text)))
            .join('');
    return { path, text: rendered };
  });
  return withTexts(config, texts);
}
