import type { AppError } from '../../core/errors.ts';
import type { Gap } from '../../core/finding.ts';
import { notRecorded } from '../../core/readers.ts';
import type { MetricRange, MetricsReader } from '../../core/readers.ts';
import type { Timestamp } from '../../core/time.ts';
import { minuteText } from '../../core/time.ts';
import { oneLine } from '../../lib/printable.ts';
import { redact } from '../../lib/redact.ts';

/** What a gap of metrics names in place of a resource of the cluster. */
export const metricsResource = 'metrics';

/** Where Prometheus has series from, and so what to do where it has none. */
const remedies = {
  rule: 'name the Prometheus that evaluates the rule of the alert (--prometheus, or spec.prometheus), and let it keep its series as long as alerts are looked into',
  cadvisor:
    'have Prometheus scrape cAdvisor of the kubelets (/metrics/cadvisor), and keep it as long as alerts are looked into',
  kubelet:
    'have Prometheus scrape the kubelets (/metrics): kubelet_volume_stats_*; a CSI driver has to report the use of its volumes',
  'kube-state-metrics': 'have Prometheus scrape kube-state-metrics: kube_pod_container_resource_limits',
} as const;

export type MetricSource = keyof typeof remedies;

/** Metrics that could not be asked for at all. */
export function failureGap(
  { description }: Pick<MetricsReader, 'description'>,
  { message, next, reason }: AppError,
): Gap {
  const isNotCaptured = reason === notRecorded;
  return gapOf({
    what: `the metrics of ${description}`,
    kind: isNotCaptured ? 'not_captured' : 'unavailable',
    reason: message,
    remedy: next ?? 'let this program reach Prometheus: --prometheus URL, or spec.prometheus of the Workflow',
  });
}

/** What was asked for and is not there. */
export function missingGap(
  { description }: Pick<MetricsReader, 'description'>,
  source: MetricSource,
  title: string,
  { from, to }: MetricRange,
  why: string,
): Gap {
  const reason = `${description} has ${why} of it from ${minuteText(from)} to ${minuteText(to)}`;
  return gapOf({ what: title, kind: 'not_captured', reason, remedy: remedies[source] });
}

/** What ends before the alert began. */
export function staleGap(
  { description }: Pick<MetricsReader, 'description'>,
  source: MetricSource,
  title: string,
  last: Timestamp,
): Gap {
  const reason = `its last value in ${description} is of ${minuteText(last)}, before the alert began`;
  return gapOf({ what: `the end of ${title}`, kind: 'not_captured', reason, remedy: remedies[source] });
}

function gapOf(gap: Pick<Gap, 'what' | 'kind' | 'reason' | 'remedy'>): Gap {
  const shown = (text: string): string => oneLine(redact(text));
  return { ...gap, reason: shown(gap.reason), remedy: shown(gap.remedy), resource: metricsResource, namespace: null };
}
