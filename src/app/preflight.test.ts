import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import type { HttpClient } from '../core/ports.ts';
import { checkAlertmanager, checkCluster, checkMachine } from './preflight.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const noCluster = { dump: null, kubeconfig: null, context: null, clusterName: null };
const destination = { url: 'http://127.0.0.1:8080/webhook/alertmanager', credentialsFile: '/etc/token' };

/** An Alertmanager whose clock is not ours. */
function alertmanagerAt(dateMs: number): HttpClient {
  const hook = `{name: fist, webhook_configs: [{url: '${destination.url}', send_resolved: true}]}`;
  const original = `route: {receiver: fist}\nreceivers: [${hook}]`;
  const body = JSON.stringify({ versionInfo: { version: '0.27.0' }, config: { original } });
  const headers = { date: new Date(dateMs).toUTCString() };
  return { send: async () => ({ status: 200, headers, body, truncated: false }) };
}

describe('what a server will find', () => {
  it('says who else may read a token, and how to change that', () => {
    const folder = cleanup.temporaryFolder('preflight');
    const database = join(folder, 'data', 'fist.db');
    const secrets = join(folder, 'secrets');
    mkdirSync(join(secrets, 'alertmanager-token'), { recursive: true });
    const token = join(secrets, 'alertmanager-token', 'token');
    writeFileSync(token, 'x', { mode: 0o600 });
    const results = () => checkMachine(database, secrets).map(({ result }) => result);
    expect(results()).toEqual(['ok', 'ok', 'ok']);
    chmodSync(token, 0o644);
    expect(checkMachine(database, secrets).at(-1)).toEqual({
      about: 'machine',
      result: 'failed',
      text: `${token}: others may read it (0644)`,
      next: `chmod 0600 ${token}`,
    });
  });

  it.each([
    [0, 'ok', 'its clock and this one agree'],
    [5000, 'ok', 'the clock of Alertmanager is 5s behind this one'],
    [60_000, 'failed', 'the clock of Alertmanager is 1m behind this one'],
    [-90_000, 'failed', 'the clock of Alertmanager is 1m30s ahead of this one'],
  ])('compares the clock of Alertmanager, %d ms behind', async (skewMs, result, text) => {
    const nowMs = Date.parse('2026-12-01T00:00:00Z');
    const findings = await checkAlertmanager(alertmanagerAt(nowMs - skewMs), 'http://am', destination, () => nowMs);
    expect(findings.at(-1)).toMatchObject({ result, text });
    expect(findings.slice(0, -1).map((finding) => finding.result)).toEqual(['ok', 'ok']);
  });

  it('skips what nobody named, and fails what cannot be opened', async () => {
    const now = () => 0;
    expect(await checkCluster(noCluster, null, now)).toMatchObject([{ result: 'skipped' }]);
    expect(await checkCluster({ ...noCluster, dump: '/nowhere' }, null, now)).toMatchObject([{ result: 'failed' }]);
  });
});
