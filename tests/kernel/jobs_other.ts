/** Another module of jobs for the worker tests. */

export const module = (): string => "other";
