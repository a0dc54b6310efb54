import { expect, test } from 'vitest';
import type { Category, EvidenceDraft, FindingDraft, Target } from '../analyzers/define.ts';
import { defineAnalyzer, lasting } from '../analyzers/define.ts';
import { confidenceOf } from './confidence.ts';
import { boundedExcerpt, createRecorder } from './evidence.ts';
import { nothingAsked, rank } from './rank.ts';
import type { Asked, Ranking } from './rank.ts';

const pod = (excerpt: string, name = 'web'): EvidenceDraft => ({
  read: { kind: 'object', of: 'pod', namespace: 'shop', name },
  excerpt,
});

test('one id for one read, numbered from where the run stands', () => {
  const recorder = createRecorder(7, '2026-01-01T12:00:00.000Z', () => true);
  expect(recorder.record(pod('phase: Running'))).toBe('e7');
  expect(recorder.record(pod('phase: Running'))).toBe('e7');
  expect(recorder.record(pod('x', 'api'))).toBe('e8');
  expect(recorder.record(pod('another part'))).toBe('e7');
  expect(recorder.list().map((evidence) => evidence.excerpt)).toEqual(['phase: Running\nanother part', 'x']);
  expect(recorder.has('e8')).toBe(true);
  expect(recorder.has('e9')).toBe(false);
});

test('answers to two questions of one command have an id each, whose words no other one has', () => {
  const recorder = createRecorder(7, '2026-01-01T12:00:00.000Z', () => false);
  const answer = {
    kind: 'logs',
    object: 'pod/shop/web',
    command: 'kubectl logs -n shop web',
    time: '2026-01-01T12:00:00.000Z',
  };
  const before = 'GET /\n'.repeat(60);
  expect(recorder.add({ ...answer, excerpt: before })?.id).toBe('e7');
  expect(recorder.add({ ...answer, excerpt: 'panic: out of range' })?.id).toBe('e8');
  expect(recorder.add({ ...answer, excerpt: before })?.id).toBe('e7');
  expect(recorder.list()[1]?.excerpt).toBe('panic: out of range');
  recorder.adopt({ ...answer, id: 'e12', excerpt: 'of an earlier attempt' });
  expect(recorder.add({ ...answer, excerpt: 'of an earlier attempt' })?.id).toBe('e12');
  expect(recorder.add({ ...answer, excerpt: 'of this one' })?.id).toBe('e13');
});

test('what was not read is no evidence', () => {
  const recorder = createRecorder(
    1,
    '2026-01-01T12:00:00.000Z',
    (read) => read.kind === 'object' && read.name === 'web',
  );
  expect(recorder.record(pod('made up', 'api'))).toBeNull();
  expect(recorder.record(pod(''))).toBeNull();
  expect(recorder.list()).toEqual([]);
});

test('excerpts are redacted first, then made safe to show, then bounded', () => {
  expect(boundedExcerpt('pass\u200bword x\npassword=canary\u001b[2J', false)).toBe(
    'pass\\u{200b}word x\npassword=[REDACTED]',
  );
  const long = Array.from({ length: 200 }, (_, index) => `line ${index}`).join('\n');
  expect(boundedExcerpt(long, true).split('\n').at(-1)).toBe('line 199');
  expect(boundedExcerpt(long, true).split('\n')[0]).toBe('[161 lines left out]');
  expect(boundedExcerpt(long, false).split('\n')[0]).toBe('line 0');
  const longer = Array.from({ length: 20_000 }, (_, index) => `line ${index}`).join('\n');
  expect(boundedExcerpt(longer, true).split('\n')[0]).toBe('[19961 lines left out]');
  expect(boundedExcerpt(longer, false).split('\n').at(-1)).toBe('[19961 lines left out]');
  expect(boundedExcerpt(`${'x '.repeat(5000)}\n`.repeat(30), true).length).toBeLessThanOrEqual(4096);
  expect(boundedExcerpt(`${'z '.repeat(3000)}password=canary`, true)).not.toContain('canary');
});

const category = (nearness: number): Category => ({
  meaning: '',
  happened: '',
  nearness,
  answers: ['exits'],
  changes: null,
  advice: () => [],
});
const analyzer = defineAnalyzer({
  name: 'a',
  kinds: ['pod'],
  explains: ['BackOff'],
  categories: {
    'probe-failure': category(60),
    'crash-loop': category(74),
    'oom-killed': category(90),
    'recent-change': category(40),
    'warning-event': { ...category(20), givesWay: true },
  },
  run: async () => [],
});
const asked: Asked = { ...nothingAsked, questions: ['exits'] };
const target = (relation: Target['relation'] = 'alert'): Target => ({
  kind: 'pod' as const,
  namespace: 'shop',
  name: 'web',
  object: { metadata: { name: 'web' } },
  relation,
  via: null,
});
const draft = (changes: Partial<FindingDraft> = {}): FindingDraft => ({
  category: 'probe-failure',
  severity: 'high',
  object: 'pod/shop/web',
  description: 'd',
  cause: 'c',
  decisive: false,
  when: lasting,
  facts: {},
  evidence: [pod('x')],
  ...changes,
});
const ranked = (...findings: readonly FindingDraft[]): Ranking =>
  rank([{ analyzer, target: target(), findings, problem: null }], asked);

test('confidence: the table, the caps and inconclusive', () => {
  const value = (ranking: Ranking, gaps = 0): number =>
    confidenceOf(
      ranking,
      Array.from({ length: gaps }, (_, index) => ({ what: `w${index}`, kind: 'forbidden' as const, reason: 'r' })),
      3,
    ).value;
  expect(value(ranked(draft()))).toBe(0.45);
  expect(value(ranked(draft({ decisive: true })))).toBe(0.75);
  expect(value(ranked(draft({ decisive: true })), 1)).toBe(0.65);
  expect(value(ranked(draft({ decisive: true })), 9)).toBe(0.55);
  const rich = [
    pod('x'),
    { read: { kind: 'logs', namespace: 'shop', pod: 'web', container: 'app', previous: true }, excerpt: 'l' },
    { read: { kind: 'events', of: 'pod', namespace: 'shop', name: 'web' }, excerpt: 'e' },
  ] as const;
  expect(value(ranked(draft({ evidence: rich })))).toBe(0.55);
  expect(
    value(rank([{ analyzer, target: target('mounts'), findings: [draft({ decisive: true })], problem: null }], asked)),
  ).toBe(0.6);
  const told = { decisive: true, evidence: rich, facts: { log_line: 'FATAL x' } };
  expect(value(ranked(draft({ decisive: true, evidence: rich })))).toBe(0.85);
  expect(value(ranked(draft(told)))).toBe(0.8);
  expect(value(ranked())).toBe(0.1);
  expect(confidenceOf(ranked(), [], 0)).toEqual({ value: 0, reasons: ['0%: nothing could be read'] });
  expect(confidenceOf(ranked(draft({ decisive: true })), [], 3).reasons).toEqual([
    '+35%: a finding explains the alert (probe-failure)',
    '+30%: decisive evidence: the cause is named by the cluster itself or by the last words of the process',
    '+10%: it is about the object of the alert, or one above or below it',
  ]);
});

test('ranking: causes before symptoms, explained events are dropped, low ones are no cause', () => {
  const event = (reason: string) =>
    draft({ category: 'warning-event', severity: 'low', cause: null, facts: { reason } });
  const ranking = ranked(
    draft({ category: 'crash-loop', cause: null }),
    draft({ category: 'oom-killed', cause: 'memory' }),
    event('BackOff'),
    event('Strange'),
  );
  expect(ranking.findings.map((finding) => finding.draft.facts['reason'] ?? finding.draft.category)).toEqual([
    'oom-killed',
    'crash-loop',
    'Strange',
  ]);
  expect(ranking.rootCause).toBe('Pod web: memory');
  expect(ranked(draft({ severity: 'low' })).rootCause).toBeNull();
  expect(ranked(draft({ category: 'recent-change', cause: null })).rootCause).toBeNull();
});

test('a rival on another owner lowers the confidence', () => {
  const one = draft({ decisive: true, category: 'oom-killed', facts: { owner: 'ReplicaSet/a' } });
  const other = draft({
    decisive: true,
    category: 'oom-killed',
    object: 'pod/shop/api',
    facts: { owner: 'ReplicaSet/b' },
  });
  expect(confidenceOf(ranked(one, other), [], 3).value).toBe(0.65);
});
