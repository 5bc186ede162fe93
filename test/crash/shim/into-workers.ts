import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";

// Loaded with --import: worker processes get an environment of their own with nothing in it, so LD_PRELOAD is put in there.
const { fork } = childProcess;
const { FAULTS = "", FAULTS_LIBRARY = "" } = process.env;
const forkFaulty = (module: string, args: readonly string[], options: childProcess.ForkOptions) =>
  fork(module, args, { ...options, env: { ...options.env, FAULTS, LD_PRELOAD: FAULTS_LIBRARY } });
Object.assign(childProcess, { fork: forkFaulty });
syncBuiltinESMExports();
