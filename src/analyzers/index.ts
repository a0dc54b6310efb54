import { addresses } from './network/addresses.ts';
import { autoscaler } from './workloads/autoscaler.ts';
import { claim } from './storage/claim.ts';
import { customResource } from './custom-resource.ts';
import type { Analyzer } from './define.ts';
import { cronJob } from './workloads/cron-job.ts';
import { daemonSet } from './workloads/daemon-set.ts';
import { deployment } from './workloads/deployment.ts';
import { dns } from './network/dns.ts';
import { disruptionBudget } from './workloads/disruption-budget.ts';
import { externalAddress } from './network/external-address.ts';
import { warningEvent } from './event.ts';
import { ingress } from './network/ingress.ts';
import { job } from './workloads/job.ts';
import { namespace } from './workloads/namespace.ts';
import { nodeDrain } from './nodes/node-drain.ts';
import { nodePast } from './nodes/node-past.ts';
import { node } from './nodes/node.ts';
import { podCrash } from './pods/pod-crash.ts';
import { podDeleted } from './pods/pod-deleted.ts';
import { podHeld } from './pods/pod-held.ts';
import { podInit } from './pods/pod-init.ts';
import { podMemory } from './pods/pod-memory.ts';
import { podNode } from './pods/pod-node.ts';
import { podImage } from './pods/pod-image.ts';
import { podProbe } from './pods/pod-probe.ts';
import { readinessGate } from './pods/readiness-gate.ts';
import { podRejected } from './pods/pod-rejected.ts';
import { podRevision } from './pods/pod-revision.ts';
import { podSandbox } from './pods/pod-sandbox.ts';
import { podSchedule } from './pods/pod-schedule.ts';
import { podStart } from './pods/pod-start.ts';
import { quota } from './workloads/quota.ts';
import { refusal } from './workloads/refusal.ts';
import { rolloutWait } from './workloads/rollout-wait.ts';
import { scaling } from './workloads/scaling.ts';
import { servicePort } from './network/service-port.ts';
import { podVolume } from './pods/pod-volume.ts';
import { service } from './network/service.ts';
import { updates } from './workloads/updates.ts';
import { volume } from './storage/volume.ts';
import { workload } from './workloads/workload.ts';

/** All analyzers. Findings of one object come out in this order before they are ranked. */
export const analyzers: readonly Analyzer[] = [
  podNode,
  podDeleted,
  podMemory,
  podInit,
  podHeld,
  podRevision,
  podCrash,
  podImage,
  podStart,
  podVolume,
  podSandbox,
  podSchedule,
  podRejected,
  podProbe,
  readinessGate,
  refusal,
  deployment,
  workload,
  updates,
  daemonSet,
  job,
  cronJob,
  node,
  addresses,
  nodePast,
  nodeDrain,
  service,
  servicePort,
  scaling,
  rolloutWait,
  externalAddress,
  ingress,
  autoscaler,
  disruptionBudget,
  claim,
  volume,
  dns,
  quota,
  namespace,
  customResource,
  warningEvent,
];
