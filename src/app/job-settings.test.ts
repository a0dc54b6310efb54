import { expect, test } from 'vitest';
import { readJobSettings } from './job-settings.ts';

const flags = { allowJobs: true, jobRequests: 'cpu=50m,memory=64Mi', jobLimits: 'memory=256Mi' };

test('quantities are read as kubectl reads them, Secrets by name', () => {
  expect(readJobSettings(flags)).toEqual({
    requests: { cpu: '50m', memory: '64Mi' },
    limits: { memory: '256Mi' },
    pullSecrets: [],
  });
  const more = { jobRequests: 'cpu=1.5,example.com/gpu=1', jobLimits: '', jobPullSecret: ['registry', 'mirror'] };
  expect(readJobSettings({ ...flags, ...more })).toEqual({
    requests: { cpu: '1.5', 'example.com/gpu': '1' },
    limits: {},
    pullSecrets: ['registry', 'mirror'],
  });
  expect(readJobSettings({ ...flags, allowJobs: false })).toBeNull();
});

test.each([
  [{ jobRequests: 'cpu' }, '--job-requests: "cpu" is not RESOURCE=QUANTITY'],
  [{ jobRequests: 'cpu=1,' }, '--job-requests: "" is not RESOURCE=QUANTITY'],
  [{ jobLimits: 'memory=much' }, '--job-limits: "memory=much" is not RESOURCE=QUANTITY'],
  [{ jobLimits: 'memory=1Gi cpu=1' }, '--job-limits: "memory=1Gi cpu=1" is not RESOURCE=QUANTITY'],
  [{ jobPullSecret: ['not a name'] }, '--job-pull-secret not a name is no name of a Secret'],
])('what is none is refused before the server starts, also where no commands run: %j', (more, message) => {
  expect(() => readJobSettings({ ...flags, allowJobs: false, ...more })).toThrow(message);
});
