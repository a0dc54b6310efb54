import { readModelDefaults } from '../app/models.ts';
import { readOperatorOptions } from '../app/operator-options.ts';
import type { OperatorFlags } from '../app/operator-options.ts';
import type { Terminal } from './output.ts';
import { introduceSources, runServer } from './run-server.ts';

/** `fist operator`: serves the objects of a cluster until SIGINT or SIGTERM, as `fist serve` serves a folder. */
export async function operator(terminal: Terminal, flags: OperatorFlags): Promise<number> {
  return runServer(terminal, flags.logLevel, {
    options: (environment) => readOperatorOptions(flags, environment, readModelDefaults(environment)),
    ready: introduceSources,
  });
}
