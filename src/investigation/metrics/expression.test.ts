import { expect, test } from 'vitest';
import { alertExpression, comparisonOf } from './expression.ts';

test('the expression of an alert stands in its generatorURL', () => {
  expect(alertExpression('http://prometheus.example.com/graph?g0.expr=up%7Bjob%3D%22a%22%7D+%3D%3D+0&g0.tab=1')).toBe(
    'up{job="a"} == 0',
  );
  for (const url of [
    null,
    '',
    'no url',
    'http://x/graph',
    'http://x/graph?g0.expr=',
    `http://x/graph?g0.expr=${'x'.repeat(9000)}`,
  ])
    expect(alertExpression(url)).toBeNull();
});

test('what is measured, and what it is compared with', () => {
  const cases: readonly (readonly [string, string, string, number])[] = [
    [
      'max_over_time(kube_pod_container_status_waiting_reason{job="k", namespace=~".*"}[5m]) >= 1',
      'max_over_time(kube_pod_container_status_waiting_reason{job="k", namespace=~".*"}[5m])',
      '>=',
      1,
    ],
    ['(sum(rate(x[5m])) / sum(y)) > 0.05', '(sum(rate(x[5m])) / sum(y))', '>', 0.05],
    ['((up == 0))', 'up', '==', 0],
    ['a{b="> 1 and 2"} < 15 * 60', 'a{b="> 1 and 2"}', '<', 900],
    ['90 / 100 < a', 'a', '>', 0.9],
    ['sum by (x) (a > 1) != 0', 'sum by (x) (a > 1)', '!=', 0],
    ['a > -1e3 # less than that', 'a', '>', -1000],
    ['# comment with > 7\nandroid_up == 0', 'android_up', '==', 0],
    ['a{b="\\"> 1"} > .5', 'a{b="\\"> 1"}', '>', 0.5],
    ['a{b=`\\`} > 5', 'a{b=`\\`}', '>', 5],
  ];
  for (const [expression, measured, operator, threshold] of cases)
    expect(comparisonOf(expression), expression).toEqual({ measured, operator, threshold });
});

test('what is more than one comparison with a number stays whole', () => {
  const expressions = [
    'up',
    'a > b',
    'a > 1 and b < 2',
    'a > bool 1',
    'a > 1 > 2',
    '1 > 2',
    'absent(up)',
    'a > 1 or vector(0)',
    'a > on(x) b',
    '',
    'a > 1 / 0',
    'a > 1 unless b',
  ];
  for (const expression of expressions) expect(comparisonOf(expression), expression).toBeNull();
});
