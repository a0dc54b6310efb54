import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { injections } from '../../test/support/injections.ts';
import { noConnection, sinkDelivery } from '../../test/support/sink-world.ts';
import type { SinkIo } from './define.ts';
import { stdout } from './stdout.ts';

async function print(config: object, payload: object, write?: SinkIo['write']): Promise<string> {
  const written: string[] = [];
  const io: SinkIo = {
    connect: noConnection,
    http: { send: () => Promise.reject(new Error('must not send')) },
    secret: () => '',
    write: write ?? ((text) => Promise.resolve(void written.push(text))),
    events: null,
    folder: '/nowhere',
    othersFireAt: () => Promise.resolve(false),
    startRun: () => Promise.reject(new Error('must start no run')),
    now: () => Date.parse('2026-03-01T10:00:00Z'),
    signal: new AbortController().signal,
    timeoutMs: 1000,
  };
  const delivery = sinkDelivery({ payload: payload as never, idempotencyKey: 'k' });
  expect(await stdout.deliver?.(io, config as never, delivery)).toEqual({ ok: true, reference: null });
  return written.join('');
}

/** A terminal escape, a bidirectional override, a line separator and an invisible tag. */
const hostile = ['\u001b', '\u202e', '\u2028', '\u{e0041}'];

function hostileParts(printed: string): string[] {
  return hostile.filter((part) => printed.includes(part));
}

const payload = { workflow: { name: 'triage' }, timestamp: 't' };

describe('stdout', () => {
  test('prints the text by default, one line of JSON on request', async () => {
    expect(await print({}, { ...payload, text: 'FIRING critical X\nThe cause is (95%): y.\n' })).toBe(
      '[out] FIRING critical X\nThe cause is (95%): y.\n',
    );
    expect(await print({ format: 'json' }, payload)).toBe('[out] {"workflow":{"name":"triage"},"timestamp":"t"}\n');
  });

  test('pretty JSON, YAML and text', async () => {
    expect(await print({ pretty: true }, payload)).toBe(`[out] ${JSON.stringify(payload, null, 2)}\n`);
    const yaml = await print({ format: 'yaml' }, payload);
    expect(parse(yaml.replace('[out] ', ''))).toEqual(payload);
    expect(await print({ template: 'x' }, { ...payload, text: 'Workflow triage\nsucceeded\n' })).toBe(
      '[out] Workflow triage\nsucceeded\n',
    );
  });

  test('JSON stays JSON, and nothing reaches the terminal that could move or hide text', async () => {
    const text = hostile.join('x');
    const line = await print({ format: 'json' }, { text });
    expect(JSON.parse(line.replace('[out] ', ''))).toEqual({ text });
    expect(hostileParts(line)).toEqual([]);
    expect(hostileParts(await print({ format: 'text', template: 'x' }, { text }))).toEqual([]);
    expect(hostileParts(await print({ format: 'yaml' }, { text }))).toEqual([]);
  });

  test('text of an alert cannot pass for another delivery', async () => {
    const text = 'first\n[out] {"forged":true}\r\n[other] x\n- [kept](y)';
    expect(await print({ template: 'x' }, { text })).toBe(
      '[out] first\n [out] {"forged":true}\n [other] x\n- [kept](y)\n',
    );
  });
});

describe('whatever an alert says', () => {
  const first = 'FIRING critical X';

  test.each(['text', 'json', 'yaml'] as const)(
    '%s: only this delivery begins a line, and nothing moves the cursor',
    async (format) => {
      for (const text of injections) {
        const printed = await print({ format }, { ...payload, text: `${first}\n${text}\n${first}\n` });
        expect([text, printed.match(/^\[.*/gm)?.map((line) => line.slice(0, 6))]).toEqual([text, ['[out] ']]);
        // oxlint-disable-next-line no-control-regex -- control characters are the subject
        expect(printed).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }
    },
  );

  test.each(['json', 'yaml'] as const)('%s: it is read as it was said', async (format) => {
    for (const text of injections) {
      const printed = await print({ format }, { text });
      expect(parse(printed.replace('[out] ', ''))).toEqual({ text });
    }
  });
});

test('what could not be written is no delivery', async () => {
  await expect(print({}, payload, () => Promise.reject(new Error('EPIPE')))).rejects.toThrow('EPIPE');
});

test('a format of another type is refused', () => {
  expect(stdout.config.safeParse({ format: 'cloudevents' }).success).toBe(false);
  expect(stdout.config.safeParse({ format: 'yaml' }).success).toBe(true);
});
