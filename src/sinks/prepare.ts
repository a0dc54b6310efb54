import { explainAbsence, isOpenTo, placeOf } from '../core/access.ts';
import { grantedPlacement } from '../core/announce.ts';
import type { CatalogSink } from '../core/catalog.ts';
import type { DeliveryReader } from '../core/delivery-store.ts';
import { tellingNamespace } from '../core/delivery.ts';
import type { DeliveryRecord, RenderedPayload } from '../core/delivery.ts';
import type { JsonObject } from '../core/json.ts';
import type { Plan } from '../core/plan.ts';
import type { CatalogHolder } from '../core/ports.ts';
import type { StepRecord } from '../core/run.ts';
import { eventLoopTurns } from '../lib/turns.ts';
import { defect } from './attempt.ts';
import { hasEnded } from './context.ts';
import type { SinkBackend } from './define.ts';
import { incidentFacts } from './incident.ts';
import type { IncidentClaim, IncidentOptions } from './incident.ts';
import { findSink } from './index.ts';
import { renderDelivery, renderKept } from './render.ts';
import type { Rendered } from './render.ts';
import type { AttemptResult } from './retry-policy.ts';

// What is to be sent of a delivery, decided before it is claimed.

export interface PreparationOptions extends IncidentOptions {
  readonly catalog: CatalogHolder;
  /** Columns of the terminal that stdout is; absent = it is none. */
  readonly stdoutColumns?: number | undefined;
  /** `.steps` of templates, the same as in the templates of the run itself. */
  stepsView(plan: Plan, steps: readonly StepRecord[]): JsonObject;
}

/** Where the columns of what shows a text are not known. */
const textColumns = 80;

/** An attempt that sends. */
export interface ToSend {
  readonly kind: 'send';
  readonly sink: CatalogSink;
  readonly backend: SinkBackend;
  readonly content: Content;
  readonly keep: RenderedPayload | null;
  readonly incident: IncidentClaim;
}

/** What the next attempt is: a send, or an end that needs none. */
export type Preparation =
  | ToSend
  /** All places of the Sink are taken by this process: not worth rendering. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'skip'; readonly sinkType: string; readonly reason: string }
  | { readonly kind: 'fail'; readonly sinkType: string; readonly result: AttemptResult };

/** What is sent: the payload, and the fields of the config with their templates rendered. */
interface Content {
  readonly payload: JsonObject;
  readonly fields: JsonObject;
}

/** Renders a delivery, or says why it is not sent. */
export async function prepare(
  options: PreparationOptions,
  delivery: DeliveryRecord,
  sink: CatalogSink | undefined,
): Promise<Preparation> {
  const from = tellingNamespace(delivery);
  if (sink === undefined || !isOpenTo(sink, from)) return notGranted(options, delivery, from);
  const backend = findSink(sink.type);
  if (backend === undefined) return notReady(sink.type, `there is no Sink type ${sink.type}`);
  const { rendered, incident } = await render(options, delivery, sink, backend);
  if (rendered.kind === 'defect') return { kind: 'fail', sinkType: sink.type, result: defect(rendered.thrown) };
  if (rendered.kind === 'skip') return { kind: 'skip', sinkType: sink.type, reason: rendered.reason };
  if (rendered.kind === 'broken') {
    const result: AttemptResult = { ok: false, retry: false, reason: rendered.reason, code: 'TemplateInvalid' };
    return { kind: 'fail', sinkType: sink.type, result };
  }
  if (!sink.ready) return notReady(sink.type, notReadyReason(sink));
  const { payload, fields, keep } = rendered;
  return { kind: 'send', sink, backend, content: { payload, fields }, keep, incident };
}

function notReady(sinkType: string, reason: string): Preparation {
  return { kind: 'fail', sinkType, result: { ok: false, retry: true, reason, code: 'SinkNotReady' } };
}

/** One that was refused when it was written has no Sink that it could wait for: a person decides whether it is to be told late. */
function notGranted({ catalog }: PreparationOptions, delivery: DeliveryRecord, from: string): Preparation {
  const { namespace, sinkName } = delivery;
  if (grantedPlacement(catalog.current(), delivery) !== null) {
    const reason = `Sink ${sinkName} grants namespace ${from} by now, and did not when this was written (or a version wrote it that knows no grants); retry it to send it`;
    return { kind: 'fail', sinkType: '', result: { ok: false, retry: false, reason, code: 'SinkNotReady' } };
  }
  const reason = explainAbsence('Sink', placeOf(sinkName, namespace), from);
  const retry = !sinkName.includes('/');
  return { kind: 'fail', sinkType: '', result: { ok: false, retry, reason, code: 'SinkNotReady' } };
}

/** Of a Sink that is not ready. */
export function notReadyReason(sink: CatalogSink): string {
  const condition = sink.conditions.find(({ type }) => type === 'Ready');
  return `Sink ${sink.namespace}/${sink.name} is not ready: ${condition?.message ?? 'unknown reason'}`;
}

/** What an earlier attempt was to send; null = there was none. */
function keptPayload({ payload }: DeliveryRecord): JsonObject | null {
  return payload !== null && typeof payload === 'object' && !Array.isArray(payload) ? payload : null;
}

/** One key, one content: another worker may have kept and sent its rendering since this one read the row. */
export async function contentOf(
  { store }: PreparationOptions,
  claimed: DeliveryRecord,
  { content, keep }: ToSend,
): Promise<Content> {
  if (keep === null) return content;
  const isOurs = claimed.payload === null && JSON.stringify(claimed.rendered) === JSON.stringify(keep);
  const kept = isOurs ? undefined : await store.read.deliveries.find(claimed.id);
  const payload = kept === undefined ? null : keptPayload(kept);
  return payload === null ? content : { payload, fields: { ...content.fields, ...kept?.rendered?.fields } };
}

export const notTold = 'this Sink was not told that the alert fires';

/** While others of its group fired, the alert began to fire anew. */
const firesAgain = 'the alert fires again, and this Sink hears of that';

export function isTold(deliveries: DeliveryReader, delivery: DeliveryRecord): Promise<boolean> {
  return deliveries.wasTold(delivery, episodeOfData(delivery));
}

function episodeOfData({ data: { episode } }: DeliveryRecord): number {
  return typeof episode === 'number' ? episode : 0;
}

/** Renders once: what an earlier attempt was to send stays. */
async function render(
  options: PreparationOptions,
  delivery: DeliveryRecord,
  sink: CatalogSink,
  backend: SinkBackend,
): Promise<{
  readonly rendered: Rendered | { readonly kind: 'defect'; readonly thrown: unknown };
  readonly incident: IncidentClaim;
}> {
  const payload = keptPayload(delivery);
  if (payload !== null) return { rendered: renderKept(sink, backend, delivery, payload), incident: null };
  const { read } = options.store;
  if (delivery.event === 'alert-resolved' && !(await isTold(read.deliveries, delivery))) {
    return { rendered: { kind: 'skip', reason: notTold }, incident: null };
  }
  if (delivery.waitingFor === 'group' && (await read.deliveries.firesAgain(delivery, episodeOfData(delivery)))) {
    return { rendered: { kind: 'skip', reason: firesAgain }, incident: null };
  }
  const run = delivery.runId === null ? undefined : await read.runs.find(delivery.runId);
  const steps = run === undefined ? [] : await read.runs.steps(run.id);
  const plan = run?.planHash == null ? undefined : await read.runs.plan(run.planHash);
  const alert = delivery.alertId === null ? undefined : await read.lists.alert(delivery.alertId);
  const ended = run !== undefined && alert !== undefined && hasEnded(alert, run.episode);
  const transitions = ended ? await read.lists.transitions(alert.id) : [];
  const othersFire = ended && run.input.group !== undefined && (await read.deliveries.groupFires(delivery));
  const { claim: incident, ...told } = await incidentFacts(options, delivery, run, sink);
  // What it tells may be as large as an alert and all results of a run.
  await eventLoopTurns.next();
  try {
    const stepsView = plan === undefined ? {} : options.stepsView(plan, steps);
    const { publicUrl } = options;
    const width = sink.type === 'stdout' ? (options.stdoutColumns ?? textColumns) : textColumns;
    const facts = { delivery, run, steps, stepsView, alert, transitions, othersFire, publicUrl, width, ...told };
    return { rendered: renderDelivery(sink, backend, facts), incident };
  } catch (thrown) {
    return { rendered: { kind: 'defect', thrown }, incident };
  }
}
