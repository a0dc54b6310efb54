import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { repositoryRoot, startProcess } from '../support/processes.ts';
import { createRandom } from '../support/random.ts';
import { waitFor } from '../support/wait.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const lasting = createCleanup();
afterAll(() => lasting.run());

interface Act {
  /** Nanoseconds, by the clock of the machine. */
  readonly at: bigint;
  readonly name: string;
  readonly term: number;
}

describe.skipIf(assets === null)('three processes that want to lead, on a real API server', () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = await startApiServer(lasting, assets ?? '');
    server.kubectl(['create', 'namespace', 'fist']);
  });

  test('one at a time does, over stops, deaths, an outage and clocks that are years apart', async () => {
    const file = join(server.folder, 'acts');
    const { cert, key } = server.certificate ?? { cert: '', key: '' };
    const kubeconfig = server.kubeconfig('contender', { 'client-certificate-data': cert, 'client-key-data': key });
    const program = join(repositoryRoot, 'test/support/lease-contender.ts');
    const start = (name: string, skewMs: number) => {
      const started = startProcess(process.execPath, [program, name, kubeconfig, file, String(skewMs)]);
      lasting.defer(() => started.kill());
      return started;
    };
    const names = ['a', 'b', 'c'];
    const processes = new Map(names.map((name, place) => [name, start(name, (place - 1) * 1e11)]));
    const acts = (): readonly Act[] =>
      (existsSync(file) ? readFileSync(file, 'utf8') : '')
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split(' '))
        .map(([at = '', name = '', term = '']) => ({ at: BigInt(at), name, term: Number(term) }));
    const leader = async (but = ''): Promise<string> => {
      const from = process.hrtime.bigint();
      const act = await waitFor('a leader', () => acts().findLast(({ at, name }) => at > from && name !== but));
      return act.name;
    };
    const holder = (): string =>
      server.kubectl(['get', 'lease', 'leader', '-n', 'fist', '-o', 'jsonpath={.spec.holderIdentity}']);
    const random = createRandom(7);

    for (let round = 0; round < 3; round += 1) {
      const stopped = await leader();
      expect(holder()).toBe(stopped);
      processes.get(stopped)?.signal('SIGSTOP');
      // Shorter than the Lease lasts, about as long, and longer.
      const forMs = [1000, 2500, 6000][round] ?? 0;
      await new Promise((resolve) => setTimeout(resolve, forMs + random.between(0, 500)));
      if (round === 2) expect(await leader(stopped)).not.toBe(stopped);
      processes.get(stopped)?.signal('SIGCONT');
    }
    await server.stop();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const duringOutage = process.hrtime.bigint();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(acts().filter(({ at }) => at > duringOutage)).toEqual([]);
    await server.start();

    const dead = await leader();
    await processes.get(dead)?.kill();
    processes.delete(dead);
    const graceful = await leader(dead);
    expect(await processes.get(graceful)?.stop()).toMatchObject({ code: 0 });
    processes.delete(graceful);
    // Given up: the next one need not wait until it expires.
    expect(holder()).not.toBe(graceful);
    expect([dead, graceful]).not.toContain(await leader(graceful));
    for (const last of processes.values()) expect(await last.stop()).toMatchObject({ code: 0 });
    expect(holder()).toBe('');

    const all = [...acts()].sort((one, other) => (one.at < other.at ? -1 : 1));
    const leaders = new Map<number, string>();
    let newest = 0;
    for (const { name, term } of all) {
      expect(term).toBeGreaterThanOrEqual(newest);
      newest = term;
      expect(leaders.get(term) ?? name).toBe(name);
      leaders.set(term, name);
    }
    expect(leaders.size).toBeGreaterThanOrEqual(5);
    expect(new Set(leaders.values()).size).toBe(3);
  });
});
