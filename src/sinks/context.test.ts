import { describe, expect, test } from 'vitest';
import { renderTemplate } from '../lib/template/index.ts';
import { deliveryPayload, eventContext, templateData } from './context.ts';
import type { DeliveryFacts } from './context.ts';
import {
  alertSnapshot,
  closedAlert,
  createdAt,
  deliveryFixture,
  runFixture,
  stepFixture,
} from '../../test/support/deliveries.ts';

function facts(changes: Partial<DeliveryFacts> = {}): DeliveryFacts {
  return {
    delivery: deliveryFixture(),
    run: runFixture(),
    steps: [stepFixture()],
    stepsView: { investigate: { success: true } },
    alert: { ...closedAlert, episode: 1 },
    transitions: [],
    othersFire: false,
    publicUrl: 'https://fist.example',
    width: 80,
    told: null,
    explains: [],
    ...changes,
  };
}

describe('eventContext', () => {
  test('a finished run has the payload of the contract, and alert, report and run', () => {
    const payload = deliveryPayload(eventContext(facts()));
    expect(payload).toMatchObject({
      event: 'run-finished',
      source: { name: 'alerts', namespace: 'shop', type: 'webhook' },
      workflow: {
        name: 'triage',
        namespace: 'shop',
        status: 'succeeded',
        outputs: { summary: 'memory limit reached' },
        duration: '42',
        completedAt: '2026-03-01T10:00:41.600Z',
      },
      alert: { alertname: 'PodCrashLooping', status: 'firing' },
      report: { summary: 'OOM' },
      run: { id: 'r1', status: 'succeeded', url: 'https://fist.example/api/v1/runs/r1' },
      timestamp: createdAt,
    });
    expect(payload).not.toHaveProperty('steps');
  });

  test('fields of a report or an alert that is not there print nothing', () => {
    const context = eventContext(facts({ steps: [], alert: undefined, run: undefined }));
    expect([context.report, context.alert, context.run]).toEqual([null, null, null]);
    const template =
      '[{{ .report.root_cause | default "no cause" }}][{{ .alert.labels.pod }}{{ .run.url }}{{ .sameAs.alert }}]';
    expect(renderTemplate(template, templateData(context))).toBe('[no cause][]');
  });

  test('data has all three historical shapes at once, and stands under .source.data for templates', () => {
    const context = eventContext(facts());
    const data = context.data as { labels: object; alert: { labels: object }; alerts: { labels: object }[] };
    for (const shape of [data, data.alert, data.alerts[0]]) expect(shape?.labels).toEqual(alertSnapshot.labels);
    expect(templateData(context)).toMatchObject({
      source: { data, name: 'alerts' },
      steps: { investigate: { success: true } },
    });
  });

  test('a run-started delivery that is sent late knows nothing of the end', () => {
    const context = eventContext(facts({ delivery: deliveryFixture({ event: 'run-started' }) }));
    expect(context.workflow).toMatchObject({ status: 'running', outputs: {}, completedAt: null, error: null });
    expect(context).toMatchObject({ report: null, steps: {}, run: { status: 'running' } });
  });

  test('a run-started delivery took no time yet, a run-finished one tells what went wrong', () => {
    const delivery = deliveryFixture({ event: 'run-started', createdAt: '2026-03-01T10:00:00.000Z' });
    const run = runFixture({ status: 'failed', error: 'step "look" failed' });
    expect(eventContext(facts({ delivery, run })).workflow).toMatchObject({ duration: '0', error: null });
    expect(eventContext(facts({ run })).workflow).toMatchObject({ duration: '42', error: 'step "look" failed' });
  });

  test('a report that comes after the end has the end of the sender and the moment at which it was known', () => {
    const end = { id: 't1', alertId: 'a1', episode: 1, fromStatus: 'triaging', reason: 'Resolved' } as const;
    const at = '2026-03-01T10:31:00.000Z';
    const transitions = [{ ...end, toStatus: 'resolved' as const, at, sourceEventId: null }];
    const alert = { ...closedAlert, episode: 1, status: 'resolved' as const };
    expect(eventContext(facts({ alert, transitions })).alert).toMatchObject({
      status: 'resolved',
      endsAt: '2026-03-01T10:30:00.000Z',
      resolvedAt: at,
    });
  });

  test('a resolve tells of its own episode although the alert fires again', () => {
    const data = {
      workflow: 'triage',
      episode: 1,
      startsAt: '2026-03-01T09:59:00.000Z',
      endsAt: '2026-03-01T10:30:00.000Z',
    };
    const delivery = deliveryFixture({ event: 'alert-resolved', data });
    expect(eventContext(facts({ delivery })).alert).toMatchObject({
      status: 'resolved',
      startsAt: data.startsAt,
      endsAt: data.endsAt,
    });
    const without = eventContext(facts({ delivery, run: undefined, steps: [] }));
    expect(without).toMatchObject({
      run: null,
      source: { name: 'alerts' },
      workflow: { name: 'triage', duration: '0' },
    });
  });

  test('the report is the last one of an ended step, also of a failed one', () => {
    const report = (summary: string) => ({ summary, findings: [], report: 'text' });
    const steps = [
      stepFixture({ result: report('first') }),
      stepFixture({ id: 's2', path: '2', status: 'failed', result: report('partial') }),
      stepFixture({ id: 's3', path: '3', type: 'cli', result: { stdout: 'report' } }),
      stepFixture({ id: 's4', path: '4', status: 'running', result: null }),
    ];
    expect(eventContext(facts({ steps })).report?.['summary']).toBe('partial');
    expect(eventContext(facts({ steps: steps.slice(2) })).report).toBeNull();
  });
});
