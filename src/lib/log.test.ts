import { describe, expect, it } from 'vitest';
import { AppError } from '../core/errors.ts';
import { createKnownValues } from './known-values.ts';
import { createLog, describeError } from './log.ts';
import type { LogOptions } from './log.ts';

async function logTo(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = await createLog({ level: 'info', format: 'json', write: (line) => lines.push(line), ...options });
  return { log, lines, entry: () => JSON.parse(lines.at(-1) ?? '') as Record<string, unknown> };
}

describe('the log', () => {
  it('writes one JSON object a line, at once', async () => {
    const { log, lines, entry } = await logTo();
    log.info({ run: 'r1', count: 3 }, 'run-started');
    log.debug({}, 'not shown');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(entry()).toMatchObject({ level: 'info', run: 'r1', count: 3, message: 'run-started' });
    expect(entry()['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('keeps the fields of a child and its own names apart', async () => {
    const { log, entry } = await logTo();
    log.child({ run: 'r1' }).warn({ level: 'high', message: 'x', time: 1 }, 'odd');
    expect(entry()).toMatchObject({
      run: 'r1',
      level: 'warn',
      message: 'odd',
      level_: 'high',
      message_: 'x',
      time_: 1,
    });
  });

  it('masks secrets by name and by form', async () => {
    const { log, lines } = await logTo();
    const canary = 'CanarySecret0123456789';
    log.error(
      {
        token: canary,
        headers: { Authorization: `Bearer ${canary}` },
        url: `https://user:${canary}@example.com/x`,
        error: new Error(`refused Authorization: Bearer ${canary}`, { cause: new Error(`password=${canary}`) }),
      },
      `sent Authorization: Bearer ${canary}`,
    );
    expect(lines.join('')).not.toContain(canary);
    expect(lines.join('')).toContain('[REDACTED]');
  });

  it('masks values that are known, wherever they stand, also where a text is cut', async () => {
    const known = createKnownValues();
    const { log, lines } = await logTo({ mask: (text) => known.mask(text) });
    const value = 'winter is not coming';
    const tell = (): void => {
      const fields = { answer: [`it said ${value}`], error: new Error(`no ${value}`, { cause: `was ${value}` }) };
      log.child({ sink: encodeURIComponent(value) }).warn({ ...fields, long: `${'x'.repeat(8185)}${value}` }, value);
    };
    tell();
    expect(lines[0]).toContain(value);
    known.add(value);
    tell();
    expect(lines[1]).not.toMatch(/winter/);
    // In the error twice: its stack begins with the message. The long text ends within the mask.
    expect(lines[1]?.split('[REDACTED]')).toHaveLength(7);
  });

  it('shows what senders chose cut and escaped', async () => {
    const { log, lines, entry } = await logTo();
    log.warn({ groupKey: 'x'.repeat(3_000_000), list: ['y'.repeat(100_000)] }, 'a\u009b2J\u202e');
    expect(lines.join('').length).toBeLessThan(20_000);
    expect(lines.join('')).toContain('2991808 characters left out');
    expect(lines.join('')).toContain(String.raw`a\u009b2J\u202e`);
    expect(entry()['message']).toBe('a\u009b2J\u202e');
    expect(describeError(new Error('z'.repeat(3_000_000))).message).toMatch(
      /^z{8192}\[\.\.\. 2991808 characters left out\]$/,
    );
  });

  it('shows an expected error without its stack, a defect with it', () => {
    const expected = describeError(new AppError('NotFound', 'no such run', { next: 'fist get runs' }));
    expect(expected).toEqual({ code: 'NotFound', message: 'no such run', next: 'fist get runs' });
    expect(describeError(new TypeError('boom'))).toMatchObject({
      message: 'boom',
      stack: expect.stringContaining('log.test'),
    });
    expect(describeError('text')).toEqual({ message: 'text' });
    const chain = new AppError('Unreachable', 'a', { cause: new AppError('Timeout', 'b') });
    expect(describeError(chain)).toMatchObject({ cause: { code: 'Timeout', message: 'b' } });
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(describeError(new AppError('Unreachable', 'a', { cause: refused }))['cause']).toEqual({
      code: 'ECONNREFUSED',
      message: 'connect ECONNREFUSED',
    });
    expect(describeError(new AppError('Internal', 'a', { cause: refused }))['cause']).toHaveProperty('stack');
    expect(describeError(new AppError('Unreachable', 'a', { cause: new TypeError('b') }))['cause']).toHaveProperty(
      'stack',
    );
  });

  it('ends at some depth of causes', () => {
    const error = new Error('loop');
    error.cause = error;
    expect(JSON.stringify(describeError(error)).length).toBeLessThan(20_000);
  });

  it('writes readable lines for people, which no field can break or colour', async () => {
    const { log, lines } = await logTo({ format: 'text', colour: false });
    log.warn(
      { source: 'shop/am', note: 'two words', nested: { a: 1 }, evil: '\u001b[31m\nERROR fake' },
      'alert\nrefused',
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}alert refused {2}source=shop\/am {2}note="two words"/);
    expect(lines[0]).toContain('nested={"a":1}');
    expect(lines[0]).not.toContain('\u001b');
    expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1);
  });

  it('colours only the level', async () => {
    const { log, lines } = await logTo({ format: 'text', colour: true });
    log.error({}, 'x');
    expect(lines[0]).toContain('\u001b[31mERROR\u001b[39m x');
  });

  it('never fails its caller', async () => {
    const { log, entry } = await logTo();
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    log.info({ cycle }, 'odd');
    expect(entry()).toMatchObject({ unloggable: ['cycle'], message: 'odd' });
  });

  it('writes nothing when silent', async () => {
    const { log, lines } = await logTo({ level: 'silent' });
    log.error({}, 'x');
    expect(lines).toEqual([]);
  });
});

describe('a log that nobody takes', () => {
  /** A stream of which a test says whether it can be written and how much waits. */
  function brokenStream() {
    const state = { error: null as Error | null, writableLength: 0, lines: [] as string[] };
    return {
      state,
      stream: {
        get writableLength() {
          return state.writableLength;
        },
        write(text: string, written: (error?: Error | null) => void) {
          if (state.error === null) state.lines.push((JSON.parse(text) as { message: string }).message);
          written(state.error);
        },
      },
    };
  }

  it('goes on, and tells how many lines were lost', async () => {
    const { state, stream } = brokenStream();
    const log = await createLog({ level: 'info', format: 'json', stream });
    state.error = new Error('ENOSPC');
    for (let n = 0; n < 3; n++) log.info({}, `lost ${n}`);
    state.error = null;
    log.info({}, 'first');
    log.info({}, 'second');
    expect(state.lines).toEqual(['first', 'log lines before this one could not be written', 'second']);
  });

  it('does not fill the memory while its reader stands still', async () => {
    const { state, stream } = brokenStream();
    const log = await createLog({ level: 'info', format: 'json', stream });
    state.writableLength = 4 * 1024 * 1024 + 1;
    log.info({}, 'lost');
    expect(state.lines).toEqual([]);
    state.writableLength = 0;
    log.info({}, 'kept');
    expect(state.lines).toEqual(['log lines before this one could not be written', 'kept']);
  });
});
