import type { CommandPlace, CommandRequest } from '../core/command.ts';
import type { ObjectPlace } from '../core/place.ts';
import { sha256Hex } from '../lib/hash.ts';
import type { DesiredObject } from '../kube/connection/writer.ts';

/** What all Jobs of commands have, whatever runs in them. */
export interface JobSettings {
  /** What the container asks for, and what it may have: quantities of Kubernetes by resource. */
  readonly requests: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
  /** Secrets to pull the image with, of the namespace of the Workflow. */
  readonly pullSecrets: readonly string[];
}

/** The name that the contract gives it. */
export const container = 'cli';
export const runLabel = 'punchingfist.io/run';
export const stepLabel = 'punchingfist.io/step';
/** All Jobs of commands have it. */
export const jobLabels = { app: 'punching-fist', component: 'workflow-cli' } as const;

/** A Job that nobody comes back for is gone after so long: more than all pauses of a cluster that is away. */
const keptSeconds = 3600;
/** The cluster ends a Job so long after we would have. */
const spareSeconds = 120;

/** The Job of a command (batch/v1), as the `restricted` Pod Security Standard wants it. */
export function jobOf(request: CommandRequest, { requests, limits, pullSecrets }: JobSettings): DesiredObject {
  const { script, environment, image, timeoutMs, place } = request;
  const labels = { ...jobLabels, [runLabel]: place.runId, [stepLabel]: labelValue(place.path) };
  const seconds = Math.ceil(timeoutMs / 1000) + spareSeconds;
  return {
    metadata: { name: nameOf(place), namespace: place.namespace, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: seconds,
      ttlSecondsAfterFinished: keptSeconds,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 5,
          ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65_532,
            runAsGroup: 65_532,
            fsGroup: 65_532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: container,
              image,
              command: ['/bin/sh', '-c', literal(script)],
              workingDir: '/work',
              env: Object.entries(environment).map(([name, value]) => ({ name, value: literal(value) })),
              resources: { requests, limits },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [
                { name: 'work', mountPath: '/work' },
                { name: 'tmp', mountPath: '/tmp' },
              ],
            },
          ],
          volumes: [
            { name: 'work', emptyDir: {} },
            { name: 'tmp', emptyDir: {} },
          ],
        },
      },
    },
  };
}

/** The one that the attempt before made whose end is known; null = there was none. */
export function jobBefore(place: CommandPlace): ObjectPlace | null {
  if (place.endedBefore === 0) return null;
  return { namespace: place.namespace, name: nameOf({ ...place, endedBefore: place.endedBefore - 1 }) };
}

function nameOf({ runId, path, endedBefore }: CommandPlace): string {
  const key = endedBefore === 0 ? `${runId}/${path}` : `${runId}/${path}/${endedBefore}`;
  return `fist-${sha256Hex(key).slice(0, 16)}`;
}

/** Kubernetes expands `$(NAME)` in commands and in values of variables; `$$` is a dollar sign (core/v1 Container, EnvVar). */
function literal(value: string): string {
  return value.replaceAll('$', '$$$$');
}

/** `2.then` fits; anything else that a label cannot have is replaced, and its ends are letters or digits. */
function labelValue(text: string): string {
  const fitting = text.replaceAll(/[^A-Za-z0-9_.-]/g, '-').slice(0, 63);
  return fitting.replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
}
