import { expect, test } from 'vitest';
import type { AgentResult } from '../../core/finding.ts';
import { changesSince } from './evaluate.ts';
import type { Evaluation, Outcome } from './evaluate.ts';
import { judge } from './judge.ts';
import type { ExpectedCause } from './judge.ts';

const expected: ExpectedCause = {
  object: 'pod/shop/web-1',
  cause: ['web-tls', 'missing|not found'],
  forbidden: ['rolled out'],
  inconclusive: false,
  or_inconclusive: false,
  first_advice: { must: ['describe'], must_not: ['delete'] },
  max_confidence: null,
  min_confidence: null,
  kind: 'start',
  truth: '',
};

const result = (root_cause: string | null, changes: Partial<AgentResult> = {}): AgentResult =>
  ({
    summary: 's',
    root_cause,
    confidence: 0.8,
    findings: [],
    causal_chain: [],
    recommendations: [{ action: 'kubectl describe pod/web-1', rationale: '' }],
    ...changes,
  }) as unknown as AgentResult;

const finding = (object: string, description: string) => ({ object, description }) as AgentResult['findings'][number];

test.each([
  ['the cause in other letters', result('Secret WEB-TLS is missing'), {}, 'right', 100],
  ['silence where the input names it', result(null), {}, 'missed', null],
  ['silence where that is right', result(null), { inconclusive: true, cause: [] }, 'right', 100],
  ['a cause where silence is right', result('Secret web-tls is missing'), { inconclusive: true }, 'wrong', 0],
  ['silence is as honest', result(null), { or_inconclusive: true }, 'right', 100],
  ['half of the cause', result('web-tls has expired'), {}, 'wrong', 0],
  ['a forbidden claim beside it', result('web-tls is missing since it was rolled out'), {}, 'wrong', 0],
  ['a forbidden claim in silence', result(null, { summary: 'was rolled out' }), { inconclusive: true }, 'wrong', null],
  ['too sure', result('web-tls is missing'), { max_confidence: 0.6 }, 'wrong', 0],
  ['not sure enough', result('web-tls is missing'), { min_confidence: 0.95 }, 'wrong', 0],
  [
    'the cause among the findings',
    result('the pod waits', { findings: [finding('pod/shop/web-1', 'web-tls not found')] }),
    {},
    'wrong',
    65,
  ],
  [
    'the right object, another diagnosis',
    result('the image is old', { findings: [finding('pod/shop/web-1', 'image')] }),
    {},
    'wrong',
    35,
  ],
] as const)('%s', (_, report, changes, verdict, grade) => {
  expect(judge(report, { ...expected, ...changes })).toMatchObject({ verdict, grade });
});

test('advice that must be there counts with a right cause, one that must not always', () => {
  const advised = (action: string, root: string | null) =>
    judge(
      result(root, { recommendations: [{ action, rationale: '' }] as unknown as AgentResult['recommendations'] }),
      expected,
    ).adviceFits;
  expect(advised('kubectl describe x', 'web-tls is missing')).toBe(true);
  expect(advised('kubectl logs x', 'web-tls is missing')).toBe(false);
  expect(advised('kubectl logs x', null)).toBe(true);
  expect(advised('kubectl delete x', null)).toBe(false);
});

test('what changed since an earlier run', () => {
  const run = (...verdicts: readonly (readonly [string, Outcome['verdict']])[]): Evaluation =>
    ({ outcomes: verdicts.map(([name, verdict]) => ({ name, verdict })) }) as unknown as Evaluation;
  expect(
    changesSince(run(['a', 'right'], ['b', 'wrong']), run(['a', 'wrong'], ['b', 'wrong'], ['c', 'right'])),
  ).toEqual(['a: right -> wrong', 'c: new, right']);
});
