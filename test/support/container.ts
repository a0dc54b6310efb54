import type { JobSettings } from '../../src/runners/job-object.ts';

/** Of Jobs that ask for little. */
export const jobSettings: JobSettings = { requests: { cpu: '10m' }, limits: { memory: '64Mi' }, pullSecrets: [] };

/** What a kubelet reads of a pod to start its container. */
export interface PodSpec {
  readonly nodeName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly restartPolicy?: string;
  readonly containers: readonly {
    readonly name: string;
    readonly command?: readonly string[];
    readonly env?: readonly { readonly name: string; readonly value: string }[];
    readonly securityContext?: object;
  }[];
}

/** What a kubelet would start for the first container, but for its image. */
export function commandOf({ containers: [container] }: PodSpec) {
  const variables = new Map<string, string>();
  for (const { name, value } of container?.env ?? []) variables.set(name, expanded(value, variables));
  const [file = '', ...args] = (container?.command ?? []).map((part) => expanded(part, variables));
  return { file, args, environment: Object.fromEntries(variables) };
}

/** As third_party/forked/golang/expansion of Kubernetes: `$$` is a dollar sign, `$(NAME)` the value of a variable that is there. */
function expanded(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) =>
    whole === '$$' ? '$' : (variables.get(name ?? '') ?? whole),
  );
}
