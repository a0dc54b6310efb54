import type { AlertItem, Labels } from '../../core/alert.ts';
import { sha256Hex } from '../../lib/hash.ts';
import { bounds } from '../bounds.ts';
import { isObject, refuse } from '../envelope.ts';
import { readAnnotations } from '../pairs.ts';
import type { Wrong } from '../pairs.ts';
import { readTime, textOrNull } from './alert.ts';
import { noCorrelation } from './define.ts';
import type { Format, ReadAlert } from './define.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * An event of PagerDuty's webhooks V3 (developer.pagerduty.com/docs/webhooks-overview): one event in each body. An incident is
 * an alert, known by its id. Events of other things (services, notes, responders, `pagey.ping`) are taken and have no alert,
 * because PagerDuty turns off a webhook that keeps refusing.
 */
export const pagerduty: Format = {
  name: 'pagerduty',
  description: "Events of PagerDuty's webhooks, version 3. An incident is an alert, whose severity is its urgency.",
  mediaTypes: ['application/json'],
  mapping: 'none',
  isState: false,
  list: () => [],
  subpaths: [],
  differs({ isList, value: { event } }) {
    if (isList) return { field: '', message: 'is a list' };
    if (!isObject(event)) return { field: 'event', message: event === undefined ? 'is missing' : 'must be an object' };
    if (typeof event['event_type'] !== 'string') return { field: 'event.event_type', message: 'must be text' };
    return isObject(event['data']) ? null : { field: 'event.data', message: 'must be an object' };
  },
  async read({ value }, reading) {
    const event = value['event'] as Fields;
    const incident = event['data'] as Fields;
    const id = textOrNull(event['id']);
    if (id === null || id.length > longestId) return refuse('event.id', 'must be text');
    if (incident['type'] === 'incident')
      reading.took(readIncident(event, incident), 0, 'event.data', () => JSON.stringify(event));
    return { ...noCorrelation, deliveryKey: `pagerduty:${id}` };
  },
};

const longestId = 200;
const longestName = 200;

function readIncident(event: Fields, incident: Fields): ReadAlert | Wrong {
  const id = textOrNull(incident['id']);
  if (id === null || id.length > longestId) return { field: '.id', message: 'must be text' };
  const status = incident['status'];
  if (status !== 'triggered' && status !== 'acknowledged' && status !== 'resolved')
    return { field: '.status', message: 'must be "triggered", "acknowledged" or "resolved"' };
  const unread: Wrong[] = [];
  const isResolved = status === 'resolved';
  const occurredAt = readTime('.occurred_at', event['occurred_at'], unread);
  const createdAt = readTime('.created_at', incident['created_at'], unread);
  // A reopened incident keeps its time of creation, which lies before its end.
  const startsAt = event['event_type'] === 'incident.reopened' ? occurredAt : createdAt;
  const annotations = annotationsOf(incident, unread);
  const title = textOrNull(incident['title']) ?? `PagerDuty incident ${id}`;
  const item: AlertItem = {
    status: isResolved ? 'resolved' : 'firing',
    name: title.slice(0, longestName),
    severity: incident['urgency'] === 'low' ? 'warning' : 'critical',
    // Title, urgency and service of an incident may change.
    fingerprint: sha256Hex(JSON.stringify(['pagerduty', id])),
    externalId: id,
    labels: labelsOf(incident, id),
    annotations,
    summary: annotations['summary'] ?? null,
    description: null,
    generatorUrl: textOrNull(incident['html_url'])?.slice(0, bounds.valueBytes) ?? null,
    startsAt: startsAt ?? null,
    endsAt: isResolved ? (occurredAt ?? null) : null,
    skewed: startsAt === undefined || (isResolved && occurredAt === undefined),
    // One that was refused comes again later, also after the end.
    ...(occurredAt == null ? {} : { saidAt: occurredAt }),
  };
  return { item, unread };
}

/** What filters may look at. A plain `service` would name an object of the cluster. */
function labelsOf(incident: Fields, id: string): Labels {
  const labels: Record<string, string> = { pagerduty_incident: id };
  const named = {
    pagerduty_service: summaryOf(incident['service']),
    pagerduty_escalation_policy: summaryOf(incident['escalation_policy']),
    pagerduty_priority: summaryOf(incident['priority']),
    pagerduty_team: Array.isArray(incident['teams']) ? summaryOf(incident['teams'][0]) : null,
    pagerduty_urgency: textOrNull(incident['urgency']),
  };
  for (const [name, text] of Object.entries(named)) if (text !== null) labels[name] = text.slice(0, bounds.nameBytes);
  return labels;
}

/** References of PagerDuty have the name of what they point at in `summary`. */
function summaryOf(reference: unknown): string | null {
  return isObject(reference) ? textOrNull(reference['summary']) : null;
}

function annotationsOf(incident: Fields, unread: Wrong[]): Labels {
  const given = {
    summary: incident['title'],
    incident_status: incident['status'],
    incident_key: incident['incident_key'],
    incident_number: incident['number'],
  };
  const present = Object.entries(given).filter(([, value]) => value !== undefined && value !== null && value !== '');
  // A number is one of PagerDuty's own, and no mistake.
  return readAnnotations(
    Object.fromEntries(present.map(([name, value]) => [name, typeof value === 'number' ? String(value) : value])),
    unread,
  );
}
