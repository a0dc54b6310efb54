import type { AlertItem, Labels } from '../../core/alert.ts';
import { isLonger } from '../../lib/cut.ts';
import { bounds } from '../bounds.ts';
import { isObject } from '../envelope.ts';
import type { Wrong } from '../pairs.ts';
import { correlationOf, labelOf, quoted, readAlert } from './alert.ts';
import type { Format, ReadAlert } from './define.ts';

/**
 * A notification of a webhook contact point of Grafana Alerting, version 1 (grafana/alerting: receivers/webhook/v1/webhook.go,
 * templates/template_data.go). Grafana sends it once, with POST or PUT.
 */
export const grafana: Format = {
  name: 'grafana',
  description: 'Notifications of a webhook contact point of Grafana Alerting, version 1.',
  mediaTypes: ['application/json'],
  mapping: 'none',
  isState: true,
  list: () => ['alerts'],
  subpaths: [],
  differs({ isList, value: { version, alerts } }) {
    if (isList) return { field: '', message: 'is a list' };
    if (version !== '1' && version !== 1)
      return { field: 'version', message: version === undefined ? 'is missing' : `is ${quoted(version)}, not "1"` };
    if (alerts === undefined) return { field: 'alerts', message: 'is missing' };
    return Array.isArray(alerts) ? null : { field: 'alerts', message: 'must be a list' };
  },
  async read({ value, items }, reading) {
    const refused = await items(
      (item, index) => reading.add(item, index, `alerts[${index}]`, readGrafanaAlert),
      bounds.pictureItemBytes,
    );
    if (refused !== null) return refused;
    const { receiver } = value;
    return { ...correlationOf(value), receiver: typeof receiver === 'string' ? receiver : null };
  },
};

/** What Grafana adds to an alert and people want to see; annotations of the rule of the same name stay. */
const kept = ['valueString', 'dashboardURL', 'panelURL', 'silenceURL', 'imageURL'] as const;

function readGrafanaAlert(alert: unknown): ReadAlert | Wrong {
  const read = readAlert(alert);
  if ('message' in read || !isObject(alert)) return read;
  return { ...read, item: withSeverity({ ...read.item, annotations: withExtras(alert, read.item.annotations) }) };
}

function withExtras(alert: Readonly<Record<string, unknown>>, annotations: Labels): Labels {
  const extras: [string, string][] = kept.flatMap((name): [string, string][] => {
    const text = alert[name];
    return typeof text === 'string' && text !== '' ? [[name, text]] : [];
  });
  const { values } = alert;
  if (isObject(values) && Object.keys(values).length > 0) extras.push(['values', JSON.stringify(values)]);
  const fitting = extras.filter(
    ([name, text]) => !Object.hasOwn(annotations, name) && !isLonger(text, bounds.valueBytes),
  );
  const room = bounds.pairs - Object.keys(annotations).length;
  return fitting.length === 0 ? annotations : { ...annotations, ...Object.fromEntries(fitting.slice(0, room)) };
}

/** Grafana raises these in place of a rule's own alert, `rulename`, where it could not evaluate the rule (grafana: pkg/services/ngalert/state/compat.go). */
const notEvaluated: ReadonlyMap<string, string> = new Map([
  ['DatasourceNoData', 'has no data'],
  ['DatasourceError', 'could not be evaluated'],
]);

/** The severity of the rule says how bad it is when it fires, not that nobody knows whether it would: at most a warning. */
function withSeverity(item: AlertItem): AlertItem {
  const what = notEvaluated.get(item.name);
  const rule = labelOf(item.labels, 'rulename');
  if (what === undefined || rule === null) return item;
  const severity = item.severity === 'critical' ? 'warning' : item.severity;
  return { ...item, severity, summary: item.summary ?? `rule ${rule} ${what}` };
}
