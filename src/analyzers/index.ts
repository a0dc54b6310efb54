import { addresses } from './addresses.ts';
import { autoscaler } from './autoscaler.ts';
import { claim } from './claim.ts';
import { customResource } from './custom-resource.ts';
import type { Analyzer } from './define.ts';
import { cronJob } from './cron-job.ts';
import { daemonSet } from './daemon-set.ts';
import { deployment } from './deployment.ts';
import { dns } from './dns.ts';
import { disruptionBudget } from './disruption-budget.ts';
import { externalAddress } from './external-address.ts';
import { warningEvent } from './event.ts';
import { ingress } from './ingress.ts';
import { job } from './job.ts';
import { namespace } from './namespace.ts';
import { nodeDrain } from './node-drain.ts';
import { nodePast } from './node-past.ts';
import { node } from './node.ts';
import { podCrash } from './pod-crash.ts';
import { podDeleted } from './pod-deleted.ts';
import { podHeld } from './pod-held.ts';
import { podInit } from './pod-init.ts';
import { podMemory } from './pod-memory.ts';
import { podNode } from './pod-node.ts';
import { podImage } from './pod-image.ts';
import { podProbe } from './pod-probe.ts';
import { podRejected } from './pod-rejected.ts';
import { podRevision } from './pod-revision.ts';
import { podSandbox } from './pod-sandbox.ts';
import { podSchedule } from './pod-schedule.ts';
import { podStart } from './pod-start.ts';
import { quota } from './quota.ts';
import { refusal } from './refusal.ts';
import { rolloutWait } from './rollout-wait.ts';
import { scaling } from './scaling.ts';
import { servicePort } from './service-port.ts';
import { podVolume } from './pod-volume.ts';
import { service } from './service.ts';
import { updates } from './updates.ts';
import { volume } from './volume.ts';
import { workload } from './workload.ts';

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
