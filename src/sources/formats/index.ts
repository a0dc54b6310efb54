import { alertmanager } from './alertmanager.ts';
import { alertmanagerEvents } from './alertmanager-events.ts';
import { cloudevents } from './cloudevents.ts';
import type { Format } from './define.ts';
import { generic } from './generic.ts';
import { grafana } from './grafana.ts';
import { pagerduty } from './pagerduty.ts';

/** Every wire format, in the order in which they are tried where a Source names none. */
export const formats: readonly Format[] = [alertmanager, grafana, alertmanagerEvents, pagerduty, cloudevents, generic];
