import type { App } from '../app/app.ts';
import { readModelDefaults } from '../app/models.ts';
import { readServeOptions } from '../app/options.ts';
import { describeDatabase } from '../app/store.ts';
import { prepareSample } from '../app/sample.ts';
import type { Sample, StartFlags } from '../app/sample.ts';
import type { Log } from '../core/ports.ts';
import { readVersion } from '../lib/version.ts';
import { inWordsOf } from './called-as.ts';
import type { Terminal } from './output.ts';
import { introduceSources, runServer } from './run-server.ts';

/** `fist serve`: serves a folder. Without `--resources` it serves the sample and prints what to do with it. */
export async function serve(terminal: Terminal, flags: StartFlags): Promise<number> {
  const { resources } = flags;
  const sample = resources === undefined ? await prepareSample(flags, terminal.env) : null;
  const flagsOrSample = sample?.flags ?? { ...flags, resources: resources ?? '' };
  return runServer(terminal, flags.logLevel, {
    options: async (environment) => readServeOptions(flagsOrSample, environment, readModelDefaults(environment)),
    ready(app, log) {
      introduce(app, log);
      if (sample !== null) terminal.err(inWordsOf(terminal.called, firstSteps(app, sample)));
    },
  });
}

/** What a person needs to go on: where alerts are taken, and what is missing. */
function introduce(app: App, log: Log): void {
  const { options } = app;
  const { dump, kubeconfig, context, resources } = options;
  if (dump === null && kubeconfig === null && context === null)
    log.warn(
      { next: '--context NAME for a live cluster, or --dump PATH for a captured one' },
      'no cluster was named: investigations end without a finding',
    );
  const { sources } = app.catalog();
  if (sources.length === 0)
    log.warn(
      { resources, next: `fist lint ${resources} (files *.yaml and *.yml of the folder itself count)` },
      'there is no Source: no alert can come in by a webhook',
    );
  introduceSources(app, log);
}

/** What a newcomer does with a server on the sample, as commands to copy. */
function firstSteps(app: App, { dump, alertFile, tokenFile, busyPort }: Sample): string {
  const { url, options } = app;
  const isUsual = url === 'http://127.0.0.1:8080';
  const fist = `${isUsual ? '' : `FIST_SERVER=${url} `}fist`;
  const cluster = dump === null ? '' : `   SAMPLE cluster: ${dump}`;
  return `
fist ${readVersion()} serves at ${url}${cluster}
${busyPort === null ? '' : `Port ${busyPort} is in use, so it took the next free one.\n`}Ctrl-C stops it; ${describeDatabase(options.database)} keeps what it has.

Send a recorded alert from another terminal; the report is printed here:

  curl -fsS ${url}/webhook/alertmanager --data @${alertFile} \\
    -H 'Content-Type: application/json' -H "Authorization: Bearer $(cat ${tokenFile})"

  ${fist} get alerts

Your own Alertmanager, and your own cluster:

  ${fist} connect alertmanager --url http://127.0.0.1:9093
  npm start -- --context NAME

`;
}
