import { describe, expect, it } from 'vitest';
import { maskValues } from '../mask-values.ts';
import { redact, redactInTurns, redactObject } from '../redact.ts';
import { countingMasked, maskedSoFar, mostMasked } from './count.ts';

const counted = (work: () => unknown) =>
  countingMasked(async () => {
    await work();
    return Object.fromEntries(maskedSoFar().map(({ kind, count }) => [kind, count]));
  });

// oxlint-disable-next-line no-secrets -- made up
const token = `ghp_${'a1B2'.repeat(9)}`;
const key = `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(64)}\n-----END PRIVATE KEY-----`;

describe('what was masked', () => {
  it('is counted by what it is known by', async () => {
    expect(await counted(() => redact('password=hunter2secret and all is well'))).toEqual({ named: 1 });
    expect(await counted(() => redact(`pushed with ${token} by somebody who did not think of it`))).toEqual({
      token: 1,
    });
    expect(await counted(() => redact(`read\n${key}\nfrom the file`))).toEqual({ key: 1 });
    expect(await counted(() => redact('connecting to postgres://app:s3cr3t-pass@db:5432/app now'))).toEqual({
      address: 1,
    });
    expect(await counted(() => maskValues({ a: 'it is canary-value-1 here' }, ['canary-value-1']))).toEqual({
      secret: 1,
    });
    expect(await counted(() => redactObject({ kind: 'Secret', data: { a: 'eA==', b: 'eQ==' } }))).toEqual({
      secret: 2,
    });
    expect(await counted(() => redactObject({ env: [{ name: 'DB_PASSWORD', value: 'x1y2z3' }] }))).toEqual({
      named: 1,
    });
    expect(await counted(() => redactObject(['--password', 'x1y2z3']))).toEqual({ named: 1 });
  });

  it('is counted once, however often and wherever it stands, and nothing is counted of what is masked already', async () => {
    const short = 'password=hunter2secret';
    const counts = await counted(async () => {
      for (let times = 0; times < 3; times += 1) redact(short);
      redact(`${short} `.repeat(50));
      await redactInTurns(`${short}\n`.repeat(3000));
      redact(redact(short));
      redact('password=another1');
    });
    expect(counts).toEqual({ named: 2 });
  });

  it('is nothing where nothing was masked, and where nobody counts', async () => {
    expect(await counted(() => redact('all is well in pod/shop/web-1'))).toEqual({});
    redact('password=hunter2secret');
    expect(maskedSoFar()).toEqual([]);
  });

  it('is counted by whoever does the work, not by others at the same time', async () => {
    const work = (text: string) =>
      counted(async () => {
        await new Promise((done) => setImmediate(done));
        await redactInTurns(text);
      });
    expect(await Promise.all([work('password=one1one1'), work('fine'), work(`${token} password=two2two2`)])).toEqual([
      { named: 1 },
      {},
      { named: 1, token: 1 },
    ]);
  });

  it('is at least the larger of two counts', () => {
    const one = [{ kind: 'named', count: 3 }] as const;
    const other = [
      { kind: 'named', count: 1 },
      { kind: 'key', count: 2 },
    ] as const;
    expect(mostMasked(one, other)).toEqual([
      { kind: 'key', count: 2 },
      { kind: 'named', count: 3 },
    ]);
  });
});
