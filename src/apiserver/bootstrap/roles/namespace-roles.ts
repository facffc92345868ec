/** Roles in the namespaces of the system, and who has them. */
import type { DefaultObject } from '../default-object.ts';
import { account, allow, events, read, role, roleBinding, user } from './rules.ts';

export const namespaceRoles: readonly DefaultObject[] = [
  role('kube-public', 'system:controller:bootstrap-signer', [
    allow(read, 'core', 'configmaps'),
    allow('update', 'core', 'configmaps', 'cluster-info'),
    events,
  ]),
  role('kube-system', 'extension-apiserver-authentication-reader', [
    allow(read, 'core', 'configmaps', 'extension-apiserver-authentication'),
  ]),
  role('kube-system', 'system::leader-locking-kube-controller-manager', [
    allow('get list watch create update', 'coordination.k8s.io', 'leases'),
    allow('get list watch create update', 'coordination.k8s.io', 'leasecandidates'),
  ]),
  role('kube-system', 'system::leader-locking-kube-scheduler', [
    allow('get list watch create update', 'coordination.k8s.io', 'leases'),
    allow('get list watch create update', 'coordination.k8s.io', 'leasecandidates'),
  ]),
  role('kube-system', 'system:controller:bootstrap-signer', [allow(read, 'core', 'secrets')]),
  role('kube-system', 'system:controller:cloud-provider', [allow('get list watch create', 'core', 'configmaps')]),
  role('kube-system', 'system:controller:token-cleaner', [allow('get list watch delete', 'core', 'secrets'), events]),
  roleBinding('kube-public', 'system:controller:bootstrap-signer', 'system:controller:bootstrap-signer', [account('bootstrap-signer')]),
  roleBinding('kube-system', 'system::extension-apiserver-authentication-reader', 'extension-apiserver-authentication-reader', [user('system:kube-controller-manager'), user('system:kube-scheduler')]),
  roleBinding('kube-system', 'system::leader-locking-kube-controller-manager', 'system::leader-locking-kube-controller-manager', [user('system:kube-controller-manager'), account('kube-controller-manager'), account('leader-election-controller')]),
  roleBinding('kube-system', 'system::leader-locking-kube-scheduler', 'system::leader-locking-kube-scheduler', [user('system:kube-scheduler'), account('kube-scheduler')]),
  roleBinding('kube-system', 'system:controller:bootstrap-signer', 'system:controller:bootstrap-signer', [account('bootstrap-signer')]),
  roleBinding('kube-system', 'system:controller:cloud-provider', 'system:controller:cloud-provider', [account('cloud-provider')]),
  roleBinding('kube-system', 'system:controller:token-cleaner', 'system:controller:token-cleaner', [account('token-cleaner')]),
];
