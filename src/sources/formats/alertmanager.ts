import { correlationOf, quoted, readAlert } from './alert.ts';
import type { Format } from './define.ts';

/**
 * A notification of Alertmanager's webhook receiver, format 4 (prometheus/alertmanager: notify/webhook/webhook.go,
 * template/template.go). Unknown fields are accepted and so are missing ones at the top, because versions differ. What
 * makes the whole body unusable is a refusal that names the field; an alert that cannot be used is a bad item.
 */
export const alertmanager: Format = {
  name: 'alertmanager',
  description: "Alertmanager's webhook notifications, version 4.",
  mediaTypes: ['application/json'],
  mapping: 'none',
  isState: true,
  list: () => ['alerts'],
  subpaths: [],
  differs({ isList, value }) {
    const { version, alerts } = value;
    if (isList) return { field: '', message: 'is a list' };
    if (version !== undefined && version !== '4' && version !== 4) {
      const sender = 'orgId' in value || 'title' in value ? ', as Grafana sends it,' : '';
      return { field: 'version', message: `is ${quoted(version)}${sender} and not "4"` };
    }
    if (alerts === undefined) return { field: 'alerts', message: 'is missing' };
    return Array.isArray(alerts) ? null : { field: 'alerts', message: 'must be a list' };
  },
  async read({ value, items }, reading) {
    const refused = await items((item, index) => reading.add(item, index, `alerts[${index}]`, readAlert));
    if (refused !== null) return refused;
    const { receiver } = value;
    return { ...correlationOf(value), receiver: typeof receiver === 'string' ? unquoteReceiver(receiver) : null };
  },
};

/** Alertmanager quotes the receiver's name for regular expressions (Go's regexp.QuoteMeta): `a.b` arrives as `a\.b`. */
function unquoteReceiver(receiver: string): string {
  if (!receiver.includes('\\')) return receiver;
  return receiver.replaceAll(/\\([\\.+*?()|[\]{}^$])/g, '$1');
}
