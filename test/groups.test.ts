import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlertRecord } from '../src/core/alert.ts';
import type { RunRecord } from '../src/core/run.ts';
import { firing, startTestApp } from './support/app.ts';
import type { TestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { repositoryRoot } from './support/processes.ts';
import { runFist } from './support/program.ts';
import { waitFor } from './support/wait.ts';

// Alerts of one group from the notification to the report, in the whole program.

const resources = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: {name: am}
spec: {type: webhook, config: {path: am}, triggerWorkflow: triage, groupBy: [namespace], groupWait: 1s}
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: {name: triage}
spec: {steps: [{name: look, type: agent, goal: Find out why.}], sinks: [out]}
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: {name: out}
spec: {type: stdout, config: {format: text}}
`;
const pod = 'checkout-5577bf7884-59zsl';
const crash = { alertname: 'KubePodCrashLooping', namespace: 'shop', pod, container: 'checkout', severity: 'warning' };
const mismatch = {
  alertname: 'KubeDeploymentReplicasMismatch',
  namespace: 'shop',
  deployment: 'checkout',
  severity: 'critical',
};
const late = { ...crash, alertname: 'KubePodNotReady' };

const cleanup = createCleanup();
let world: TestApp;
beforeAll(async () => {
  world = await startTestApp(cleanup, {
    files: { 'all.yaml': resources },
    dump: `${repositoryRoot}examples/oom-crash-loop/dump`,
  });
});
afterAll(() => cleanup.run());

const fist = (...args: string[]) => runFist(args, { FIST_SERVER: world.app.url, SQLITE_PATH: world.database });

describe('a group of alerts', () => {
  test('has one run that looks at them together, one report that names them, and one cause', async () => {
    const bank = { ...crash, namespace: 'bank' };
    expect(await world.notify('am', [firing(crash), firing(mismatch), firing(bank)])).toMatchObject({
      received: 3,
      opened: 3,
      runs: 2,
    });
    const [lead] = (await world.list<AlertRecord>('/api/v1/alerts?namespace=shop')).filter(
      ({ mutedReason }) => mutedReason === null,
    );
    const joined = lead?.name === mismatch.alertname ? crash.alertname : mismatch.alertname;
    expect((await fist('why', `alert/${(await memberNamed(joined)).id}`)).out).toMatch(
      /The run of its group answers for it \(groupBy\): run\/\w+ (waits until|is at work)/,
    );
    expect((await fist('get', 'alerts')).out).toMatch(/no run: Grouped/);
    const run = await waitFor('the run of the group', async () => {
      const found = await world.get<RunRecord>(`/api/v1/runs/${lead?.workflowId ?? ''}`);
      return found.status === 'succeeded' && found;
    });
    expect(run.input.group).toMatchObject({ labels: { namespace: 'shop' }, alerts: 1, others: [{ name: joined }] });
    const member = await waitFor('the answer', async () => {
      const found = await memberNamed(joined);
      return found.status === 'escalated' && found;
    });
    expect(member).toMatchObject({
      workflowId: run.id,
      mutedReason: null,
      aiAnalysis: { other_alerts: [expect.stringContaining(joined)] },
    });
    expect(member.cause).toContain('memory limit');
    await waitFor('the report', () => world.stdout().includes('It fired together with'));
    expect(world.stdout().replaceAll(/\s+/g, ' ')).toContain(`It fired together with ${joined} `);
    expect((await fist('why', `alert/${member.id}`)).out).toContain('OOMKilled');
    expect((await fist('describe', `run/${run.id}`)).out).toContain('namespace=shop, with 1 other alert');
  });

  test('an alert that comes after the run began waits for the next one, and says which run it missed', async () => {
    expect(await world.notify('am', [firing(late)])).toMatchObject({ opened: 1, runs: 0 });
    const alert = await memberNamed(late.alertname);
    expect(alert).toMatchObject({ status: 'received', mutedReason: 'Grouped' });
    const { out } = await fist('why', `alert/${alert.id}`);
    expect(out.replaceAll(/\s+/g, ' ')).toMatch(
      /No run was started yet: run\/\w+ answers for its group \(groupBy\), and began before this alert came/,
    );
    expect(await world.list('/api/v1/runs')).toHaveLength(2);
  });
});

async function memberNamed(name: string): Promise<AlertRecord> {
  const [found] = (await world.list<AlertRecord>(`/api/v1/alerts?name=${name}&namespace=shop`)).map(({ id }) => id);
  return world.get<AlertRecord>(`/api/v1/alerts/${found ?? ''}`);
}
