import { expect, test } from 'vitest';
import { deliveryFixture, runFixture, stepFixture } from '../../test/support/deliveries.ts';
import { planOf, runRecord, step } from '../../test/support/engine.ts';
import { eventContext, templateData } from '../sinks/context.ts';
import { templateRoots } from '../workflows/view.ts';
import { templateRootNames } from './roots.ts';

test('the names that lint knows are those that there are', () => {
  const start = '2026-01-01T00:00:00.000Z';
  const context = eventContext({
    delivery: deliveryFixture(),
    run: runFixture(),
    steps: [stepFixture()],
    stepsView: {},
    alert: undefined,
    transitions: [],
    publicUrl: null,
    width: 80,
    told: { alert: 'a', at: start, run: null },
    explains: [],
    othersFire: false,
  });
  expect(Object.keys(templateData(context)).sort()).toEqual([...templateRootNames.Sink].sort());
  const plan = planOf([step('one')]);
  const roots = templateRoots(runRecord(plan, start), plan, [], start);
  expect(Object.keys(roots).sort()).toEqual([...templateRootNames.Workflow].sort());
});
