import { describe, expect, it } from 'vitest';
import { promqlSelectors } from './promql.ts';

const shown = (expression: string): readonly string[] => {
  const found = promqlSelectors(expression);
  return 'problem' in found
    ? [`problem: ${found.problem}`]
    : found.map(
        ({ name, matchers }) =>
          `${name}{${matchers.map(({ name: label, type, value }) => `${label}${type}${value}`).join()}}`,
      );
};

describe('the selectors of a PromQL expression', () => {
  it.each([
    ['up', ['up{}']],
    ['up{}', ['up{}']],
    ['{job="a",}', ['null{job=a}']],
    ['{__name__="up", job!="a"}', ['up{__name__=up,job!=a}']],
    ['{"my.metric", "k8s.namespace.name"="shop"}', ['my.metric{k8s.namespace.name=shop}']],
    ["a{b='c\\'d', e=~`f\"}g`}", ['a{b=c\'d,e=~f"}g}']],
    [':node:sum', [':node:sum{}']],
    ['rate(a[5m])', ['a{}']],
    ['rate(a{x="[5m]"}[1h30m:1m] offset -5m)', ['a{x=[5m]}']],
    ['max_over_time(rate(a[5m])[1h:]) @ end()', ['a{}']],
    ['a @ 1609746000 offset 1w', ['a{}']],
    ['sum by (pod, "x.y") (a) / on(pod) group_left(node) sum(b{c="d"}) without (e)', ['a{}', 'b{c=d}']],
    ['SUM(a) BY (b) > bool 2', ['a{}']],
    ['topk(5, a) or vector(1) and time() - NaN', ['a{}']],
    ['-a ^ +b atan2 c unless ignoring() d', ['a{}', 'b{}', 'c{}', 'd{}']],
    ['label_replace(a, "x", "$1", "y", "(.*)")', ['a{}']],
    ['absent(a{b="c"})', ['a{b=c}']],
    ['histogram_quantile(.9, sum by (le)(rate(a_bucket[5m])))', ['a_bucket{}']],
    ['count{a="b"} + rate', ['count{a=b}', 'rate{}']],
    ['0x1F + 1e3 + inf + 5m', []],
    ['"a text"', []],
    [`${'('.repeat(50)}a${')'.repeat(50)}`, ['a{}']],
  ])('%s', (expression, selectors) => {
    expect(shown(expression)).toEqual(selectors);
  });

  // What is read otherwise by a server than here would be a hole: none of it is let through.
  it.each([
    ['', 'it ends too early'],
    ['up # {', 'unexpected "# {"'],
    ['up{job="a}', 'unexpected'],
    ['up{job="a\n"}', 'unexpected'],
    ['up{job="\\d"}', 'unexpected'],
    ["up{job='a}", 'unexpected'],
    ['up{job=`a}', 'unexpected'],
    ['up{job=a}', 'unexpected "a"'],
    ['up{job="a" or job="b"}', 'unexpected "or"'],
    ['up{job="a"', 'it ends too early'],
    ['up}', 'unexpected "}"'],
    ['up up', 'unexpected "up"'],
    ['up{a="b"}{c="d"}', 'unexpected "{"'],
    ['up.down', 'unexpected ".down"'],
    ['up\\-down', 'unexpected'],
    ['üp', 'unexpected "üp"'],
    ['up{namespace="shop"} or\u00a0up', 'unexpected'],
    ['WITH (a = {namespace="kube-system"}) a', 'there is no function WITH'],
    ['info(up)', 'there is no function info'],
    ['Rate(a[5m])', 'there is no function Rate'],
    ['a[5m', 'it ends too early'],
    ['a[5m + 1m]', 'unexpected "+"'],
    ['a[b]', 'unexpected "b"'],
    ['by (a)', 'there is no function by'],
    ['a + offset', 'unexpected "offset"'],
    ['sum by a (b)', 'unexpected "a"'],
    ['up{__name__="a"}', 'a selector has two names'],
    ['{"a", "b"}', 'a selector has two names'],
    ['{"a", __name__!="b"}', 'a selector has two names'],
    [`${'('.repeat(3000)}a`, 'it has more than 60 levels'],
    ['-'.repeat(3000), 'it ends too early'],
  ])('not %.40s', (expression, problem) => {
    expect(shown(expression)).toEqual([expect.stringContaining(`problem: ${problem}`)]);
  });
});
