import { expect, test } from 'vitest';
import { questionOf } from './questions.ts';

test.each([
  ['nothing', ['Watchdog', 'InfoInhibitor', 'DeadMansSwitch']],
  ['exits', ['KubePodCrashLooping', 'ContainerOOMKilled', 'PodRestartingTooOften', 'KubernetesContainerOomKiller']],
  [
    'unready',
    [
      'KubePodNotReady',
      'KubeContainerWaiting',
      'KubeDeploymentReplicasMismatch',
      'KubeDeploymentRolloutStuck',
      'KubeStatefulSetUpdateNotRolledOut',
      'KubeDaemonSetNotScheduled',
      'KubeDaemonSetMisScheduled',
      'ImagePullBackOff',
      'PodPending',
    ],
  ],
  ['job', ['KubeJobFailed', 'KubeJobNotCompleted', 'CronJobNotScheduled']],
  [
    'node',
    [
      'KubeNodeNotReady',
      'KubeNodeUnreachable',
      'KubeNodePressure',
      'KubeNodeReadinessFlapping',
      'KubeletDown',
      'KubeletTooManyPods',
      'KubernetesNodeOutOfPodCapacity',
      'NodeRebooted',
    ],
  ],
  [
    'namespace',
    ['KubeNamespaceTerminating', 'NamespaceStuckInTerminating', 'StuckNamespace', 'KubernetesNamespaceDeletionTooLong'],
  ],
  [
    'quota',
    [
      'NamespaceQuotaExceeded',
      'KubeQuotaFullyUsed',
      'KubeQuotaAlmostFull',
      'KubeCPUQuotaOvercommit',
      'KubeMemoryOvercommit',
    ],
  ],
  ['autoscaler', ['KubeHpaMaxedOut', 'KubeHpaReplicasMismatch']],
  ['disruption', ['KubePdbNotEnoughHealthyPods', 'PodDisruptionBudgetAtLimit']],
  ['volume-filling', ['KubePersistentVolumeFillingUp', 'KubePersistentVolumeInodesFillingUp']],
  ['claim', ['KubePersistentVolumeErrors', 'PVCPending']],
  [
    'certificate',
    ['CertManagerCertExpirySoon', 'KubeClientCertificateExpiration', 'CertificateExpiringSoon', 'SSLCertExpiringSoon'],
  ],
  ['throttling', ['CPUThrottlingHigh']],
  [
    'service',
    [
      'TargetDown',
      'KubeAPIErrorBudgetBurn',
      'HighErrorRate',
      'NginxIngress5xx',
      'HTTPLatencyHigh',
      'etcdMembersDown',
      'BlackboxProbeFailed',
      'ServiceUnhealthy',
    ],
  ],
  [
    'anything',
    ['AirflowTaskFailed', 'TooManyLogs', 'KafkaConsumerLag', 'NodeClockSkewDetected', 'PrometheusRuleFailures', 'X'],
  ],
] as const)('%s', (question, names) => {
  for (const name of names) expect(`${name}: ${questionOf(name)}`).toBe(`${name}: ${question}`);
});
