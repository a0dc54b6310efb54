import { alertmanager } from './alertmanager.ts';
import type { SinkBackend } from './define.ts';
import { discord } from './discord.ts';
import { email } from './email.ts';
import { googlechat } from './googlechat.ts';
import { file } from './file.ts';
import { grafana } from './grafana.ts';
import { github } from './github.ts';
import { jira } from './jira.ts';
import { kubernetesEvent } from './kubernetes-event.ts';
import { mattermost } from './mattermost.ts';
import { ntfy } from './ntfy.ts';
import { opsgenie } from './opsgenie.ts';
import { pagerduty } from './pagerduty.ts';
import { prometheus } from './prometheus.ts';
import { slack } from './slack.ts';
import { stdout } from './stdout.ts';
import { teams } from './teams.ts';
import { telegram } from './telegram.ts';
import { webhook } from './webhook.ts';
import { workflow } from './workflow.ts';

/** Every sink type. */
export const sinks = [
  stdout,
  file,
  webhook,
  slack,
  alertmanager,
  prometheus,
  jira,
  github,
  pagerduty,
  opsgenie,
  grafana,
  workflow,
  ntfy,
  discord,
  telegram,
  mattermost,
  googlechat,
  teams,
  kubernetesEvent,
  email,
] as const satisfies readonly SinkBackend[];

/** The sink type with this name. */
export function findSink(type: string): SinkBackend | undefined {
  return sinks.find((sink) => sink.type === type);
}
