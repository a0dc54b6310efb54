import { describe, expect, test } from 'vitest';
import { AppError } from '../../core/errors.ts';
import { HttpError } from '../../lib/http.ts';
import { toModelFailure } from './failure.ts';
import { ModelFailure } from './model.ts';

const context = { model: 'openai/gpt', apiKey: 'key-0123456789', timedOutAfterMs: null, nowMs: 0 };

function answered(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Error {
  const responseBody = typeof body === 'string' ? body : JSON.stringify(body);
  return Object.assign(new Error('said by the SDK'), {
    statusCode: status,
    responseBody,
    responseHeaders: headers,
    requestBodyValues: { messages: ['hidden'] },
  });
}

const limit = { error: { message: 'Rate limit reached. Please try again in 1m2.5s.', code: 'rate_limit_exceeded' } };

describe('what the provider asks to wait', () => {
  test.each<readonly [string, unknown, Readonly<Record<string, string>>, number | null]>([
    ['in milliseconds', limit, { 'retry-after-ms': '1250', 'retry-after': '2' }, 1250],
    ['in seconds', limit, { 'retry-after': '7' }, 7000],
    ['in parts of seconds', limit, { 'retry-after': '0.5' }, 500],
    [
      'until a date',
      limit,
      { 'retry-after': 'Sun, 01 Mar 2026 10:01:00 GMT', date: 'Sun, 01 Mar 2026 10:00:00 GMT' },
      60_000,
    ],
    ['for an hour, which is not made less', limit, { 'retry-after': '3600' }, 3_600_000],
    ['in its words', limit, {}, 62_500],
    ['in its words, in milliseconds', { error: { message: 'Please try again in 450ms.' } }, {}, 450],
    [
      "in Google's details",
      { error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'x', details: [{ retryDelay: '34.07s' }] } },
      {},
      34_070,
    ],
    ['not at all', { error: { message: 'Slow down' } }, { 'retry-after': 'soon' }, null],
    ['in vain, where the quota is used up', { error: { code: 'insufficient_quota' } }, { 'retry-after': '1' }, null],
  ])('%s', (_, body, headers, expected) => {
    expect(toModelFailure(answered(429, body, headers), context).retryAfterMs).toBe(expected);
  });
});

describe('messages', () => {
  test('say who, why, the status and what was said, on one line', () => {
    const failure = toModelFailure(answered(429, { error: { message: 'Too\nmany \u001b[31mrequests' } }), context);
    expect(failure.message).toBe(
      'openai/gpt: the provider allows no more requests just now (HTTP 429): Too many requests',
    );
  });

  test('hold no key, whoever quotes it', () => {
    const said = 'Bearer key-0123456789 is wrong, and so is api_key=sk-proj-abcdefghijklmnopqrstuvwx0123456789';
    const { message } = toModelFailure(answered(401, { error: { message: said } }), context);
    expect(message).not.toMatch(/0123456789/);
    expect(message).toContain('is wrong');
  });

  test.each([
    { detail: [{ loc: ['body'], msg: 'Field required', input: { messages: 'pod logs' } }] },
    {
      error: {
        message: "1 validation error: Input should be a valid string [type=string, input_value={'a': 'pod logs'}]",
      },
    },
    { error: { message: 'bad request; request: {"messages": "pod logs"}' } },
  ])('hold nothing of the request: %j', (body) => {
    const { message } = toModelFailure(answered(422, body), context);
    expect(message).not.toContain('pod logs');
    expect(message.length).toBeGreaterThan(40);
  });

  test('of an SDK name its error only, because its text may quote the request', () => {
    const error = Object.assign(new Error('Invalid prompt: pod logs'), { name: 'AI_InvalidPromptError' });
    expect(toModelFailure(error, context)).toMatchObject({
      reason: 'BadRequest',
      wasSent: false,
      message: 'openai/gpt: it could not be asked (InvalidPromptError)',
    });
  });

  test('are bounded', () => {
    const failure = toModelFailure(answered(400, { error: { message: 'word '.repeat(10_000) } }), context);
    expect(failure.message.length).toBeLessThanOrEqual(400);
  });
});

describe('no answer', () => {
  const sent = new HttpError('Unreachable', 'api.openai.com could not be reached: reset', true, null);
  const refused = new HttpError('Unreachable', '127.0.0.1:1 could not be reached: ECONNREFUSED', false, null);

  test('is told from one that never left, also behind what the SDK makes of it', () => {
    const wrapped = (cause: Error) => Object.assign(new Error('Cannot connect to API'), { cause });
    expect(toModelFailure(wrapped(sent), context)).toMatchObject({ reason: 'Unreachable', wasSent: true });
    expect(toModelFailure(refused, context)).toMatchObject({ reason: 'Unreachable', wasSent: false, retryable: true });
  });

  test('because its time was over', () => {
    const aborted = new HttpError('Cancelled', 'the request was aborted', true, null);
    expect(toModelFailure(aborted, { ...context, timedOutAfterMs: 120_000 })).toMatchObject({
      reason: 'Timeout',
      wasSent: true,
      message: 'openai/gpt: no answer within 120 s',
    });
  });

  test('because the address is not allowed, with what to do', () => {
    const denied = new AppError('Forbidden', 'requests to 10.0.0.7 are not allowed: it is a private address');
    const failure = toModelFailure(denied, context);
    expect(failure).toMatchObject({ reason: 'NotAllowed', retryable: false, wasSent: false });
    expect(failure.message).toContain('10.0.0.7');
    expect(failure.next).toContain('--allow-destination');
  });
});

describe('answers that are none', () => {
  test('a page instead of an answer asks for the right endpoint', () => {
    const failure = toModelFailure(answered(200, '<!doctype html><title>Sign in</title>'), context);
    expect(failure).toMatchObject({ reason: 'BrokenAnswer', retryable: true });
    expect(failure.message).toContain('is the endpoint right?');
    expect(failure.message).not.toContain('Sign in');
  });

  test('a redirect is told and not followed', () => {
    const failure = toModelFailure(answered(307, '', { location: 'http://10.0.0.9/v1?token=x' }), context);
    expect(failure).toMatchObject({ reason: 'BadRequest', next: 'name the address itself in llmConfig.endpoint' });
    expect(failure.message).toContain('a redirect to 10.0.0.9');
    expect(failure.message).not.toContain('token');
  });

  test('one that is cut, too long, or of another shape', () => {
    expect(toModelFailure(answered(200, '{"id":"x","choi'), context).reason).toBe('BrokenAnswer');
    expect(toModelFailure(answered(200, { greeting: 'hello' }), context).reason).toBe('BrokenAnswer');
    expect(toModelFailure(new RangeError('too long'), context).reason).toBe('BrokenAnswer');
    const named = Object.assign(new Error('x'), { name: 'AI_InvalidResponseDataError' });
    expect(toModelFailure(named, context).reason).toBe('BrokenAnswer');
  });
});

test('a failure stays what it is', () => {
  const failure = new ModelFailure('BrokenAnswer', 'the answer is empty');
  expect(toModelFailure(failure, context)).toBe(failure);
});
