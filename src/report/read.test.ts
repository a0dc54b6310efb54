import { expect, test } from 'vitest';
import { readReport } from './read.ts';
import { renderText } from './text.ts';

test('a report that an earlier version kept is shown: what it lacks says nothing', () => {
  const step = {
    priority: 1,
    action: 'Look at the quota',
    rationale: 'It is full.',
    risk_level: 'low',
    requires_approval: true,
  };
  const text = renderText(readReport({ summary: 's', recommendations: [step], report: '# s' }), {
    now: '2026-03-01T12:00:00.000Z',
  });
  expect(text).toContain('  1. Look at the quota\n     Changes the cluster; risk low. It is full.\n');
});
