import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { commandRequest } from '../../test/support/command-request.ts';
import { commandOf, jobSettings } from '../../test/support/container.ts';
import type { PodSpec } from '../../test/support/container.ts';
import type { DesiredObject } from '../kube/connection/writer.ts';
import { jobBefore, jobOf, runLabel, stepLabel } from './job-object.ts';

function podSpecOf(job: DesiredObject): PodSpec {
  return (job['spec'] as { template: { spec: PodSpec } }).template.spec;
}

/** Runs what a kubelet would start. */
function asKubelet(spec: PodSpec): string {
  const { file, args, environment } = commandOf(spec);
  return spawnSync(file, args, { env: environment, encoding: 'utf8' }).stdout;
}

describe('the Job', () => {
  test('has the name of run and step, in all attempts, and labels that say whose it is', () => {
    const one = jobOf(commandRequest('true', { environment: { FIST_ATTEMPT: '1' } }), jobSettings);
    const other = jobOf(commandRequest('true', { environment: { FIST_ATTEMPT: '2' } }), jobSettings);
    expect(one.metadata.name).toBe(other.metadata.name);
    expect(one.metadata.name).toMatch(/^fist-[0-9a-f]{16}$/);
    expect(one.metadata['labels']).toMatchObject({
      [runLabel]: '00000000-0000-4000-8000-000000000000',
      [stepLabel]: '2.then',
    });
    const elsewhere = jobOf(
      commandRequest('true', { place: { namespace: 'shop', runId: 'r', path: '2', endedBefore: 0 } }),
      jobSettings,
    );
    expect(elsewhere.metadata.name).not.toBe(one.metadata.name);
  });

  test('has another name once it is known how an attempt ended, and knows the one before', () => {
    const { place } = commandRequest('true');
    const nameAfter = (endedBefore: number) =>
      jobOf(commandRequest('true', { place: { ...place, endedBefore } }), jobSettings).metadata.name;
    expect(new Set([nameAfter(0), nameAfter(1), nameAfter(2)]).size).toBe(3);
    expect(jobBefore({ ...place, endedBefore: 2 })).toEqual({ namespace: 'shop', name: nameAfter(1) });
    expect(jobBefore({ ...place, endedBefore: 1 })).toEqual({ namespace: 'shop', name: nameAfter(0) });
    expect(jobBefore(place)).toBe(null);
  });

  test('has no token of the cluster and no rights on its node', () => {
    const spec = podSpecOf(jobOf(commandRequest('true'), jobSettings));
    expect(spec).toMatchObject({
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(spec.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  test('asks for what the installation says, and pulls with its Secrets', () => {
    const settings = { requests: { cpu: '1' }, limits: { memory: '1Gi' }, pullSecrets: ['registry', 'mirror'] };
    expect(podSpecOf(jobOf(commandRequest('true'), settings))).toMatchObject({
      imagePullSecrets: [{ name: 'registry' }, { name: 'mirror' }],
      containers: [{ resources: { requests: { cpu: '1' }, limits: { memory: '1Gi' } } }],
    });
    expect(podSpecOf(jobOf(commandRequest('true'), jobSettings))).not.toHaveProperty('imagePullSecrets');
  });

  test.each([
    ['text', 'echo "$FIST_1"', 'a b', 'a b\n'],
    ['a variable of the cluster', 'echo "$FIST_1"', '$(SECRET)', '$(SECRET)\n'],
    ['dollar signs', 'echo "$FIST_1"', '$$ $$$ $HOME ${HOME} $(id) `id`', '$$ $$$ $HOME ${HOME} $(id) `id`\n'],
    [
      'a substitution of the script that is called like a variable',
      'SECRET() { echo run; }; echo "$(SECRET)"',
      '',
      'run\n',
    ],
    ['a process id', 'test "$$" -gt 1 && echo yes', '', 'yes\n'],
    ['lines and quotes', 'printf %s "$FIST_1"', 'it\'s\n"two" lines\\', 'it\'s\n"two" lines\\'],
  ])('runs as a local process does: %s', (_name, script, value, output) => {
    const environment = { SECRET: 'hidden', FIST_1: value };
    expect(asKubelet(podSpecOf(jobOf(commandRequest(script, { environment }), jobSettings)))).toBe(output);
  });
});

test.each([
  ['2.then', '2.then'],
  [`${'1.then.'.repeat(9)}2`, '1.then.'.repeat(9).slice(0, 62)],
  ['-odd name-', 'odd-name'],
])('the path %s is a label that an API server takes', (path, label) => {
  const { metadata } = jobOf(
    commandRequest('true', { place: { namespace: 'shop', runId: 'r', path, endedBefore: 0 } }),
    jobSettings,
  );
  expect(metadata['labels']).toMatchObject({ [stepLabel]: label });
  expect(label).toMatch(/^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/);
});
