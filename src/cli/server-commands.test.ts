import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { repositoryRoot } from '../../test/support/processes.ts';
import { readJobSettings } from '../app/job-settings.ts';
import type { JobFlags } from '../app/job-settings.ts';
import { addServerCommands } from './server-commands.ts';

test('the chart has the same Jobs as fist operator where nothing is said', () => {
  const program = new Command();
  addServerCommands(program, () => undefined);
  const flags = program.commands.find((command) => command.name() === 'operator')?.opts<JobFlags>();
  const { requests, limits } = readJobSettings({ jobRequests: '', jobLimits: '', ...flags, allowJobs: true }) ?? {};
  const { commands } = parse(readFileSync(`${repositoryRoot}charts/punching-fist/values.yaml`, 'utf8')) as {
    readonly commands: { readonly resources: object };
  };
  expect(commands.resources).toEqual({ requests, limits });
});
