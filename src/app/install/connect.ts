import { randomBytes } from 'node:crypto';
import { systemClock } from '../../lib/clock.ts';
import type { KubeAccess } from '../../kube/connection/kubeconfig.ts';
import type { KubeTransport } from '../../kube/connection/transport.ts';
import type { InstallWorld } from './install.ts';

/** Which cluster: a context of a kubeconfig, as kubectl chooses it. */
export interface ContextFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** What `work` does with a cluster, whose connections are closed behind it. Throws ClusterUnavailable. */
export async function withTransport<T>(
  { kubeconfig, context }: ContextFlags,
  work: (transport: KubeTransport, access: KubeAccess) => Promise<T>,
): Promise<T> {
  const { accessOf, transportOf } = await import('../../kube/connection/transport.ts');
  const access = await accessOf({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  const transport = transportOf(access);
  try {
    return await work(transport, access);
  } finally {
    await transport.close();
  }
}

/** The namespace of what names none: that of the context, as kubectl has it. Throws ClusterUnavailable. */
export async function namespaceOfContext(flags: ContextFlags): Promise<string> {
  const { contextNamespace } = await import('../../kube/connection/kubeconfig.ts');
  return contextNamespace(flags);
}

/** The same as {@link withTransport} for what is installed. */
export async function withInstallWorld<T>(
  flags: ContextFlags,
  work: (world: InstallWorld, transport: KubeTransport) => Promise<T>,
): Promise<T> {
  const { kubeWriter } = await import('../../kube/connection/writer.ts');
  return withTransport(flags, (transport) =>
    work(
      {
        writer: kubeWriter(transport),
        clock: systemClock(),
        kubectl: transport.kubectl,
        makeToken: () => randomBytes(32).toString('base64url'),
      },
      transport,
    ),
  );
}
