import type { Question } from '../analyzers/define.ts';

/**
 * What an alert asks, by its name: the rules of kube-prometheus-stack, OpenShift, Loki, etcd, cert-manager, ingress-nginx,
 * Istio and their many copies are told apart by words that their names share. The first that fits holds. `nothing`: the
 * alert is no incident (it shows that alerting works, or holds others back).
 */
const classes: readonly (readonly [Question | 'nothing', RegExp])[] = [
  ['nothing', /^(?:Watchdog|InfoInhibitor|DeadMan'?s?(?:Switch|Snitch)|AlwaysFiring|Heartbeat)$/i],
  [
    'namespace',
    /namespaces?_?(?:\w{0,20}terminat|\w{0,20}stuck|\w{0,20}delet|\w{0,20}finali[sz])|(?:terminat\w{0,10}|stuck)_?namespaces?/i,
  ],
  ['certificate', /cert(?:ificate|s|expir|renew|notready|_)|certmanager|certexpir|tls.*expir|x509/i],
  ['quota', /quota|overcommit/i],
  ['autoscaler', /hpa|autoscal/i],
  ['disruption', /pdb|disruptionbudget/i],
  ['volume-filling', /(?:persistentvolume|volume|pvc|disk).*(?:fill|full|usage|space|inode)/i],
  ['throttling', /throttl/i],
  ['claim', /persistentvolume|pvc|volumeclaim|provision/i],
  [
    'node',
    /node.*(?:notready|unreachable|down|pressure|flapping|evict|unschedulable|cordon|lost|missing|eviction|rebooted|toomanypods|podcapacity)|kubelet.*(?:down|toomanypods)/i,
  ],
  ['job', /job/i],
  ['exits', /crash|restart|oom(?!any)|outofmemory|terminated|exited|killed/i],
  [
    'unready',
    /notready|unready|not_?healthy|waiting|pending|replica|rollout|rolledout|generationmismatch|scheduled|misscheduled|imagepull|stuck|deployment|statefulset|daemonset|unschedulable/i,
  ],
  [
    'service',
    /targetdown|service|http|5xx|4xx|error|latency|burn|budget|slow|probe|endpoint|down$|down[A-Z]|absent|unavailable|availability|slo|unhealthy|requests?|ingress|istio|timeout|unreachable|members?down/i,
  ],
];

/** What an alert of this name asks; `anything` where its name says nothing. */
export function questionOf(alertName: string): Question | 'nothing' {
  return classes.find(([, names]) => names.test(alertName))?.[0] ?? 'anything';
}
