import { expect, test } from 'vitest';
import { attemptOf, payload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { AppError } from '../core/errors.ts';
import { workflow } from './workflow.ts';

async function deliver(config: object, startRun: () => Promise<string> = () => Promise.resolve('run-2')) {
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
    return { verdict: await attemptOf(workflow, io, { workflowName: 'follow-up', ...config }, sinkDelivery()), asked };
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

test('what is refused is told as it is', async () => {
  const refused = new AppError('Conflict', 'a loop');
  await expect(deliver({}, () => Promise.reject(refused))).rejects.toBe(refused);
});
