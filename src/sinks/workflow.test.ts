import { expect, test } from 'vitest';
import { injections } from '../../test/support/injections.ts';
import { attemptOf, payload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { AppError } from '../core/errors.ts';
import type { SinkDelivery } from './define.ts';
import { workflow } from './workflow.ts';

async function deliver(
  config: object,
  startRun: () => Promise<string> = () => Promise.resolve('run-2'),
  changes: Partial<SinkDelivery> = {},
) {
  const asked: unknown[] = [];
  const world = sinkWorld();
  const io = {
    ...world.io,
    startRun: (name: string, context: object) => {
      asked.push([name, context]);
      return startRun();
    },
  };
  try {
    return {
      verdict: await attemptOf(workflow, io, { workflowName: 'follow-up', ...config }, sinkDelivery(changes)),
      asked,
    };
  } finally {
    await world.close();
  }
}

test('it asks for a run of the Workflow, with the context and what led to it', async () => {
  const { verdict, asked } = await deliver({
    context: { cause: '{{ .report.root_cause }}', pod: '{{ .alert.labels.pod }}' },
  });
  expect(verdict).toEqual({ ok: true, reference: 'run-2' });
  expect(asked).toEqual([
    [
      'follow-up',
      {
        cause: 'Container web was OOMKilled.',
        pod: 'web-1',
        parent: {
          event: 'run-finished',
          sink: 'out',
          run: payload.run,
          workflow: payload.workflow,
          summary: 'Container web was OOMKilled.',
          cause: 'Container web was OOMKilled.',
          confidence: 0.95,
        },
      },
    ],
  ]);
});

test.each([
  ['{{ gt .report.confidence 0.9 }}', 1],
  ['{{ gt .report.confidence 0.99 }}', 0],
  ['{{ .alert.severity }} == critical', 1],
  ['{{ .alert.severity }} == info', 0],
  ['alert.severity != critical', 0],
])('where %s', async (triggerCondition, runs) => {
  const { verdict, asked } = await deliver({ triggerCondition });
  expect(verdict).toEqual({ ok: true, reference: runs === 0 ? null : 'run-2' });
  expect(asked).toHaveLength(runs);
});

test('alert text that looks like a template stays text', async () => {
  const { asked } = await deliver({ context: { text: '{{ .alert.summary }} {{ "{{ .x }}" }}' } });
  expect(asked).toMatchObject([['follow-up', { text: 'web-1 restarts {{ .x }}' }]]);
});

test('whatever an alert says, it is a fact for the Workflow that is named, and decides nothing', async () => {
  const config = { context: { text: '{{ .alert.summary }}' }, triggerCondition: '{{ .alert.summary }} != other' };
  for (const text of injections) {
    const told = { ...payload, alert: { ...payload.alert, summary: text } };
    const { asked } = await deliver(config, undefined, { payload: told });
    expect(asked).toMatchObject([['follow-up', { text }]]);
  }
});

test('a store that is away is tried again', async () => {
  const away = new AppError('StoreUnavailable', 'the database is away');
  await expect(deliver({}, () => Promise.reject(away))).rejects.toMatchObject({ retryable: true });
});

test('what is refused is told as it is', async () => {
  const refused = new AppError('Conflict', 'a loop');
  await expect(deliver({}, () => Promise.reject(refused))).rejects.toBe(refused);
});
