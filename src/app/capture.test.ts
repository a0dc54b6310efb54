import { cpSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { startPrometheusApi } from '../../test/support/vendors/prometheus-api.ts';
import { containerUsage } from '../investigation/metrics/usage.ts';
import { openDump } from '../kube/dump/dump.ts';
import { captureMetrics } from './capture.ts';
import { chooseAlerts, investigateIn, investigateOnce } from './investigate.ts';
import { noReaders, recordedMetrics } from './readers.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const { signal } = new AbortController();
const pod = { namespace: 'shop', pod: 'checkout-5577bf7884-59zsl', container: 'checkout' };
const memoryFile = '01-container-memory-working-set-bytes.json';
const killed = Date.parse('2026-11-23T18:32:25Z') / 1000;

/** A copy of a captured cluster, and a Prometheus with the memory of its container. */
async function captured() {
  const folder = join(cleanup.temporaryFolder('capture'), 'dump');
  cpSync('examples/oom-crash-loop/dump', folder, { recursive: true });
  const value = (now: number): number => (now > killed ? 60 : 60 + Math.max(0, 190 - (killed - now) / 10)) * 1024 ** 2;
  const vendor = await startPrometheusApi({
    expressions: { [containerUsage('memory', pod)]: [{ labels: { ...pod, api_key: 'canary' }, value }] },
  });
  cleanup.defer(() => vendor.stop());
  const alerts = await chooseAlerts(readFileSync('examples/oom-crash-loop/alert.json', 'utf8'), null);
  return { folder, readers: { ...noReaders, prometheus: { url: vendor.url, token: null } }, alerts, vendor };
}

const cluster = (dump: string) => ({ dump, kubeconfig: null, context: null, clusterName: null });

describe('metrics beside a captured cluster', () => {
  it('are what an investigation asked, so that it can be made again without the server', async () => {
    const { folder, readers, alerts, vendor } = await captured();
    const { answers, leftOut } = await captureMetrics(folder, readers, alerts, signal);
    const files = readdirSync(join(folder, 'prometheus'));
    expect(files).toHaveLength(answers);
    expect(files).toContain(memoryFile);
    expect(leftOut.filter((line) => line.startsWith('processor time of container checkout'))).toHaveLength(1);
    for (const file of files) {
      expect(readFileSync(join(folder, 'prometheus', file), 'utf8')).not.toContain('canary');
      if (process.platform !== 'win32') expect(statSync(join(folder, 'prometheus', file)).mode & 0o777).toBe(0o600);
    }
    const live = await investigateOnce(alerts, cluster(folder), readers, {});
    await vendor.stop();
    const again = await investigateOnce(alerts, cluster(folder), noReaders, {});
    expect(again.result.measurements[0]?.points).toEqual(live.result.measurements[0]?.points);
    expect(again.result.timeline).toEqual(live.result.timeline);
    expect(again.result.confidence_reasons).toEqual(live.result.confidence_reasons);
    expect(again.result.confidence_reasons.join('\n')).toContain('97% of its limit of 256Mi before the kill');
  });

  it('without an alert are of the pods that are unwell', async () => {
    const { folder, readers } = await captured();
    const { answers } = await captureMetrics(folder, readers, [], signal);
    expect(answers).toBeGreaterThan(0);
    const names = readdirSync(join(folder, 'prometheus')).join(' ');
    expect(names).toContain('container-memory-working-set-bytes');
  });

  it('are left out where the server is away, and what is broken is said', async () => {
    const { folder, readers, alerts, vendor } = await captured();
    await vendor.stop();
    const { answers, leftOut } = await captureMetrics(folder, readers, alerts, signal);
    expect(answers).toBe(0);
    expect(leftOut[0]).toMatch(/^the metrics of Prometheus at .*: unavailable \(/);
    expect(await recordedMetrics(await openDump(folder))).toBeNull();
  });

  it.skipIf(process.platform === 'win32')('are read within the capture alone', async () => {
    const { folder, readers, alerts } = await captured();
    await captureMetrics(folder, readers, alerts, signal);
    const memory = join(folder, 'prometheus', memoryFile);
    const outside = join(cleanup.temporaryFolder('outside'), 'memory.json');
    writeFileSync(outside, readFileSync(memory));
    for (const name of readdirSync(join(folder, 'prometheus'))) cpSync(outside, join(folder, 'prometheus', name));
    const dump = await openDump(folder);
    const { result } = await investigateIn(dump, alerts, await recordedMetrics(dump));
    expect(result.measurements).toHaveLength(1);
    const linked = join(cleanup.temporaryFolder('linked'), 'dump');
    cpSync('examples/oom-crash-loop/dump', linked, { recursive: true });
    symlinkSync(join(folder, 'prometheus'), join(linked, 'prometheus'));
    expect(await recordedMetrics(await openDump(linked))).toBeNull();
  });
});
