import { explainAbsence, placeOf, workflowFor } from '../core/access.ts';
import { fullName } from '../core/run.ts';
import type { CatalogSink } from '../core/catalog.ts';
import type { DeliveryEvent } from '../core/delivery.ts';
import { AppError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { CatalogHolder, SinkTester, SinkTestMessage } from '../core/ports.ts';
import { toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { newId } from '../lib/id.ts';
import { evaluateCondition } from '../lib/template/condition.ts';
import { attemptDelivery } from './attempt.ts';
import type { AttemptOptions } from './attempt.ts';
import { presentRoots } from './context.ts';
import { findSink } from './index.ts';
import { nothingKnown } from './known.ts';
import { notReadyReason } from './prepare.ts';
import { renderContent } from './render.ts';
import type { AttemptResult } from './retry-policy.ts';

export interface SinkTesterOptions extends Omit<AttemptOptions, 'childRuns'> {
  readonly catalog: CatalogHolder;
}

/**
 * Sends messages that say that they are a test: one of an alert that fires and at once the one of its end, so that what opens something
 * closes it. Nothing is written to the store, nothing is tried again, and a Workflow is looked at, not started. Throws NotFound.
 */
export function createSinkTester(options: SinkTesterOptions): SinkTester {
  return {
    async test(namespace, name) {
      const sink = options.catalog.current().sink(namespace, name);
      if (sink === undefined)
        throw new AppError('NotFound', `there is no Sink ${namespace}/${name}`, { next: 'fist get sinks' });
      const now = toTimestamp(options.clock.now());
      const id = newId();
      const payload = testPayload(sink, 'firing', now);
      const fires = await tell(options, sink, { id, event: 'run-finished', payload }, null);
      const conditionHolds = conditionOf(sink, payload, now);
      if (!fires.mayBeThere) return { sent: false, conditionHolds, messages: [fires.message] };
      const ends = await tell(
        options,
        sink,
        { id, event: 'alert-resolved', payload: testPayload(sink, 'resolved', now) },
        fires.message.reference,
      );
      const messages = [fires.message, ends.message];
      return { sent: messages.every(({ sent }) => sent), conditionHolds, messages };
    },
  };
}

interface TestMessage {
  readonly id: string;
  readonly event: DeliveryEvent;
  readonly payload: JsonObject;
}

/** What became of a message; where no answer came it may be there all the same, and has to end. */
interface Told {
  readonly message: SinkTestMessage;
  readonly mayBeThere: boolean;
}

async function tell(
  options: SinkTesterOptions,
  sink: CatalogSink,
  { id, event, payload }: TestMessage,
  open: string | null,
): Promise<Told> {
  const failed = (reason: string, mayBeThere = false): Told => {
    return { message: { event, sent: false, reference: open, reason }, mayBeThere };
  };
  const backend = findSink(sink.type);
  if (backend === undefined || !sink.ready) return failed(notReadyReason(sink));
  try {
    const clock = { now: () => new Date(options.clock.now()) };
    const content = renderContent(
      backend,
      sink.config,
      { data: presentRoots({ ...payload, steps: {} }), payload },
      clock,
    );
    const delivery = {
      id,
      sinkName: sink.name,
      event,
      alertId: id,
      runId: null,
      attempts: 1,
      idempotencyKey: `${id}/${event}`,
    };
    const childRuns = {
      startChild: (request: { readonly workflow: string }) => lookAtWorkflow(options, sink, request.workflow),
    };
    const send = (attempts: number, own: string | null) => {
      const attempt = { sink, backend, delivery: { ...delivery, attempts }, ...content };
      const known = { ...nothingKnown, own, open };
      const othersFireAt = () => Promise.resolve(false);
      return attemptDelivery(
        { ...options, childRuns },
        { ...attempt, known, othersFireAt },
        new AbortController().signal,
      );
    };
    const result = await untilDone(options, send);
    if (!result.ok) return failed(result.reason, result.ambiguous);
    return { message: { event, sent: true, reference: result.reference ?? open, reason: null }, mayBeThere: true };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return failed(thrown.message);
  }
}

/** What a receiver has taken is looked after for a short while; nothing else is tried again. */
const mostLooks = 10;

async function untilDone(
  { clock }: SinkTesterOptions,
  send: (attempts: number, own: string | null) => Promise<AttemptResult>,
): Promise<AttemptResult> {
  let result = await send(1, null);
  for (let looks = 1; looks <= mostLooks && !result.ok && result.waits === true; looks += 1) {
    await clock.sleep(result.retryAfterMs ?? 1000);
    result = await send(looks + 1, result.reference ?? null);
  }
  return result;
}

async function lookAtWorkflow(
  { catalog }: SinkTesterOptions,
  { namespace }: CatalogSink,
  name: string,
): Promise<string> {
  const place = placeOf(name, namespace);
  const workflow = workflowFor(catalog.current(), namespace, name);
  if (workflow?.ready === true) return `Workflow ${fullName(place)} (not started)`;
  throw new AppError(
    'WorkflowNotReady',
    workflow === undefined ? explainAbsence('Workflow', place, namespace) : `Workflow ${fullName(place)} is not ready`,
  );
}

/** null: it has none, or cannot be evaluated, which its first delivery says. */
function conditionOf({ condition }: CatalogSink, payload: JsonObject, now: Timestamp): boolean | null {
  if (condition === null) return null;
  try {
    return evaluateCondition(condition, presentRoots({ ...payload, steps: {} }), { now: () => new Date(now) });
  } catch (thrown) {
    if (thrown instanceof AppError) return null;
    throw thrown;
  }
}

/** As the contract has it; each text that people see begins with TEST. */
function testPayload({ namespace, name }: CatalogSink, status: 'firing' | 'resolved', now: Timestamp): JsonObject {
  const says =
    status === 'firing'
      ? `TEST: \`fist test sink/${name}\` asked for this message. Nothing is wrong; its end follows at once.`
      : 'TEST: this is the end of that test.';
  const endsAt = status === 'resolved' ? now : null;
  const labels = { alertname: 'TEST of Punching Fist', severity: 'info', namespace };
  const alert = {
    alertname: labels.alertname,
    status,
    severity: labels.severity,
    fingerprint: 'test',
    labels,
    annotations: { summary: says },
    summary: says,
    description: '',
    startsAt: now,
    endsAt,
    generatorURL: '',
    resolvedAt: endsAt,
  };
  return {
    event: status === 'firing' ? 'run-finished' : 'alert-resolved',
    source: { name: 'test', type: 'test', namespace },
    workflow: {
      name: 'test',
      namespace,
      status: 'succeeded',
      outputs: {},
      duration: '0',
      completedAt: now,
      error: null,
    },
    data: { ...alert, alert, alerts: [alert] },
    alert,
    report: { summary: says, root_cause: null, confidence: 0, findings: [], recommendations: [], report: says },
    run: null,
    timestamp: now,
    text: `${says}\n`,
    sameAs: null,
  };
}
