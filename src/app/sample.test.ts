import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { prepareSample } from './sample.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

function flags(more: object = {}) {
  return {
    secretsDir: join(cleanup.temporaryFolder('sample'), 'secrets'),
    allowExec: false,
    allowInsecureSources: false,
    concurrency: '8',
    drainTimeout: '25s',
    logLevel: 'info',
    ...more,
  };
}

/** A port in use, held until the test ends. */
async function busyPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe('what a server without resources runs on', () => {
  it('takes the next port where the usual one is in use, and says so', async () => {
    const busy = await busyPort();
    const sample = await prepareSample(flags(), {}, busy);
    expect(sample.busyPort).toBe(busy);
    const [host, port] = (sample.flags.listen ?? '').split(':');
    expect(host).toBe('127.0.0.1');
    expect(Number(port)).toBeGreaterThan(busy);
  });

  it.each([
    [{ listen: '127.0.0.1:9' }, {}, '127.0.0.1:9'],
    [{}, { SERVER_ADDR: '127.0.0.1:9' }, undefined],
  ])('leaves the address %j %j as it was asked for', async (more, environment, listen) => {
    const sample = await prepareSample(flags(more), environment, await busyPort());
    expect({ listen: sample.flags.listen, busyPort: sample.busyPort }).toEqual({ listen, busyPort: null });
  });

  it('makes the token once, for nobody else to read', async () => {
    const once = flags({ listen: '127.0.0.1:0' });
    const { tokenFile } = await prepareSample(once, {});
    const token = readFileSync(tokenFile, 'utf8');
    expect(token).toMatch(/^[0-9a-f]{32}\n$/);
    expect(statSync(tokenFile).mode & 0o777).toBe(0o600);
    await prepareSample(once, {});
    expect(readFileSync(tokenFile, 'utf8')).toBe(token);
  });

  it('reads the recorded cluster only where no other one is named', async () => {
    const recorded = await prepareSample(flags({ listen: '127.0.0.1:0' }), {});
    expect(recorded.flags.dump).toBe(recorded.dump);
    const named = await prepareSample(flags({ listen: '127.0.0.1:0', context: 'prod' }), {});
    expect(named).toMatchObject({ dump: null, flags: { context: 'prod' } });
    expect(named.flags.dump).toBeUndefined();
  });
});
