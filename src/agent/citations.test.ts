import { expect, test } from 'vitest';
import type { Evidence } from '../core/run.ts';
import type { ModelReport } from './model-report.ts';
import { countCitations } from './citations.ts';

const evidence: Evidence = {
  id: 'e1',
  kind: 'logs',
  object: 'pod/shop/web-1',
  command: '',
  time: '2026-01-01T00:00:00.000Z',
  excerpt: 'FATAL no space left',
};

test('citations are counted by what holds of them: made, of evidence that is there, in its words', () => {
  const cited: ModelReport['findings'][number]['evidence'] = [
    { id: 'e1', quote: 'no space left' },
    { id: 'e1', quote: 'out of memory' },
    { id: 'e9', quote: 'no space left' },
  ];
  const answer: ModelReport = {
    summary: '',
    cause: { statement: '', object: '', since: null, confidence_percent: 1, evidence: cited.slice(0, 1) },
    findings: [{ statement: '', object: '', severity: 'low', evidence: cited }],
    hypotheses: [],
    next: [],
  };
  const known = { evidence: new Map([['e1', evidence]]), shown: new Map() };
  expect(countCitations(answer, known)).toEqual({ made: 4, existing: 3, quoted: 2 });
});
