import type { UserInfo } from '../request/api-call.ts';

const prefix = 'system:node:';

/** The name of the node that this user is the kubelet of; undefined for everybody else. Source: Kubernetes documentation, "Using Node Authorization". */
export function nodeNameOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(prefix) && name.length > prefix.length && groups.includes('system:nodes') ? name.slice(prefix.length) : undefined;
}
