import { describe, expect, it, test } from 'vitest';
import { modelWorld } from '../../../test/support/model-world.ts';
import type { ModelFinding } from '../../core/model-check.ts';
import { chooseModels } from './choose.ts';
import { fitnessHash, fitnessOf, modelsChecked } from './fitness.ts';
import type { KnownModel } from './fitness.ts';

const finding = (about: ModelFinding['about'], result: ModelFinding['result'] = 'ok', text = `${about} ${result}`) => ({
  about,
  result,
  text,
});
const all = [finding('answer'), finding('tool call'), finding('form'), finding('both'), finding('cost')];
const failing = (...abouts: readonly ModelFinding['about'][]) =>
  all.map((one) => (abouts.includes(one.about) ? finding(one.about, 'failed') : one));

describe('what the findings of a check say', () => {
  it.each<[string, readonly ModelFinding[], string, string]>([
    ['it can', all, 'fit', 'it calls tools and answers in the form of a report'],
    [
      'no call',
      [finding('answer'), finding('tool call', 'failed'), finding('both', 'skipped')],
      'unfit',
      'tool call failed',
    ],
    ['no report', failing('form', 'both'), 'unfit', 'form failed; both failed'],
    ['no report after a call', failing('both'), 'unfit', 'both failed'],
    ['no answer', [finding('answer', 'failed', 'HTTP 401')], 'unanswered', 'HTTP 401'],
    [
      'no answer to the second question, though the first showed no call',
      [finding('answer'), finding('tool call', 'failed'), finding('answer', 'failed', 'HTTP 503')],
      'unanswered',
      'HTTP 503',
    ],
    [
      'a window that is smaller than what is set',
      [...all, finding('window', 'failed', 'the server takes 4,096 tokens')],
      'fit',
      'it calls tools and answers in the form of a report; the server takes 4,096 tokens',
    ],
  ])('%s', (_name, findings, result, message) => {
    expect(fitnessOf(findings)).toEqual({ result, message });
  });
});

describe('what a check was of', () => {
  const hashOf = (changes: object, key = 'key-of-this-test-0123456789') => {
    const target = { provider: 'local', model: 'm', endpoint: 'http://x', apiKeySecret: 'k', ...changes };
    const [model] = chooseModels(target, modelWorld({ secret: () => key }))?.models ?? [];
    if (model === undefined) throw new Error('no model');
    return fitnessHash(model);
  };

  test('is another one with another provider, name, address or key, and the same with another window', () => {
    const hashes = [
      hashOf({}),
      hashOf({ model: 'n' }),
      hashOf({ endpoint: 'http://y' }),
      hashOf({ provider: 'openai' }),
      hashOf({}, 'another-key-of-this-test'),
    ];
    expect(new Set(hashes).size).toBe(5);
    expect(hashOf({ contextTokens: 4096 })).toBe(hashes[0]);
  });

  test('tells too little of the key to guess one by: of many keys some have the same name', () => {
    const hashes = new Set(Array.from({ length: 2000 }, (_, n) => hashOf({}, `key-${n}`)));
    expect(hashes.size).toBeLessThan(2000);
    expect(hashes.size).toBeGreaterThan(1900);
  });
});

describe('the condition', () => {
  const at = '2026-03-01T12:00:00.000Z';
  const fit: KnownModel = { model: 'a/fit', check: { result: 'fit', message: 'it can', at } };
  const unfit: KnownModel = { model: 'b/unfit', check: { result: 'unfit', message: 'it calls no tool', at } };
  const unknown: KnownModel = { model: 'c/unknown', check: null };

  it.each<[string, readonly KnownModel[], string, string, RegExp]>([
    ['all can', [fit, fit], 'True', 'Checked', /^a\/fit: it can \(checked at 2026-03-01 12:00:00 UTC\); a\/fit: /],
    [
      'nobody tried',
      [fit, unknown],
      'Unknown',
      'NotChecked',
      /^nobody has tried whether c\/unknown can .*; fist model check workflow\/shop\/triage,/,
    ],
    [
      'one cannot, another one is asked',
      [unfit, unknown],
      'False',
      'ModelUnfit',
      /^b\/unfit is not asked: it calls no tool .*UTC\); fist model check workflow\/shop\/triage tries again$/,
    ],
    [
      'none can',
      [unfit],
      'False',
      'ModelUnfit',
      /; agent steps report what the analyzers found, and fail; fist model check/,
    ],
  ])('%s', (_name, models, status, reason, message) => {
    expect(modelsChecked(models, 'shop/triage')).toEqual({
      type: 'ModelsChecked',
      status,
      reason,
      message: expect.stringMatching(message) as string,
    });
  });

  it('is none where no model is asked', () => {
    expect(modelsChecked([], 'shop/triage')).toBeNull();
  });
});
