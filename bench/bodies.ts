const namespaces = ['shop', 'billing', 'search', 'platform'];

/** An Alertmanager v4 body of about 2 KB an alert; every alert has labels of its own, the same for the same `seed`. */
export function alertmanagerBody(seed: number, alertCount: number): string {
  const alerts = Array.from({ length: alertCount }, (_, index) => alert(seed * alertCount + index));
  return JSON.stringify({
    version: '4',
    groupKey: `{}:{alertname="KubePodCrashLooping", seed="${seed}"}`,
    truncatedAlerts: 0,
    status: 'firing',
    receiver: 'fist',
    groupLabels: { alertname: 'KubePodCrashLooping' },
    commonLabels: { alertname: 'KubePodCrashLooping' },
    commonAnnotations: {},
    externalURL: 'http://alertmanager.example:9093',
    alerts,
  });
}

function alert(number: number): object {
  const namespace = namespaces[number % namespaces.length] ?? 'shop';
  const pod = `checkout-${(number * 2654435761).toString(36)}-${number}`;
  return {
    status: 'firing',
    labels: {
      alertname: 'KubePodCrashLooping',
      severity: number % 3 === 0 ? 'critical' : 'warning',
      namespace,
      pod,
      container: 'app',
      job: 'kube-state-metrics',
      instance: `10.1.${number % 256}.${(number >> 8) % 256}:8080`,
      prometheus: 'monitoring/k8s',
      uid: `0d9c${number.toString(16).padStart(8, '0')}-5bd5-4b7c-9d5f-1f6d6f0b7a11`,
    },
    annotations: {
      summary: 'Pod is crash looping.',
      description: `Pod ${namespace}/${pod} (app) is in waiting state (reason: "CrashLoopBackOff") on cluster prod-eu-1. ${'It has restarted again and again. '.repeat(30)}`,
      runbook_url: 'https://runbooks.example/kubernetes/kubepodcrashlooping',
    },
    startsAt: '2026-11-23T03:00:00.000Z',
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL:
      'http://prometheus.example:9090/graph?g0.expr=max_over_time%28kube_pod_container_status_waiting_reason%29',
    fingerprint: number.toString(16).padStart(16, '0'),
  };
}
