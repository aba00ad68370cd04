/** How the controllers of an engine run in a cluster: as Pods, which its manifests bring, or as processes beside it, where it needs their kinds only. */
export type ControllersAs = 'pods' | 'processes'
