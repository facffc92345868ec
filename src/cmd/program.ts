import type { Command } from 'commander';

/** One word after `skiff`. The file behind it is loaded only when it is asked for: a start must stay short. */
export interface Program {
  readonly name: string;
  /** One line for `skiff --help`. */
  readonly summary: string;
  readonly group: 'cluster' | 'component' | 'project';
  load(): Promise<{ readonly command: () => Command }>;
}

/** Every program there is, in the order of the help. */
export const programs: readonly Program[] = [
  { name: 'up', group: 'cluster', summary: 'start a cluster on this machine', load: () => import('./up.ts') },
  { name: 'down', group: 'cluster', summary: 'stop it; with --purge remove every trace of it', load: () => import('./down.ts') },
  { name: 'status', group: 'cluster', summary: 'say whether it runs, and how it is', load: () => import('./status.ts') },
  { name: 'image', group: 'cluster', summary: 'load images into it', load: () => import('./image.ts') },
  { name: 'store', group: 'cluster', summary: 'save, restore, check and move what it keeps', load: () => import('./store.ts') },
  { name: 'version', group: 'cluster', summary: 'print the versions', load: () => import('./version.ts') },
  { name: 'apiserver', group: 'component', summary: 'the API server (kube-apiserver)', load: () => import('./components/apiserver.ts') },
  { name: 'scheduler', group: 'component', summary: 'the scheduler (kube-scheduler)', load: () => import('./components/scheduler.ts') },
  { name: 'controller-manager', group: 'component', summary: 'the controllers (kube-controller-manager)', load: () => import('./components/controller-manager.ts') },
  { name: 'cloud-controller-manager', group: 'component', summary: 'not built yet', load: () => import('./components/not-built.ts').then(({ cloudControllerManager }) => ({ command: cloudControllerManager })) },
  { name: 'kubelet', group: 'component', summary: 'the agent of a node (kubelet)', load: () => import('./components/kubelet.ts') },
  { name: 'proxy', group: 'component', summary: 'the Services of a node (kube-proxy)', load: () => import('./components/proxy.ts') },
  { name: 'dns', group: 'component', summary: 'the names of Services and pods (CoreDNS)', load: () => import('./components/dns.ts') },
  { name: 'test', group: 'project', summary: 'set up what tests need and run them', load: () => import('./test.ts') },
  { name: 'bench', group: 'project', summary: 'measure', load: () => import('./bench.ts') },
];
