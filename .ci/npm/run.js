// Runs a program of the package that npm has chosen for this platform, and ends as it ends.
"use strict";

const { spawn } = require("node:child_process");
const os = require("node:os");

module.exports = (program) => {
  const platform = `@sign-in-conformance/${process.platform}-${process.arch}`;
  let file;
  try {
    file = require.resolve(`${platform}/bin/${program}`);
  } catch {
    console.error(
      `${program}: ${platform} is not installed. Either there is no package for this platform (then: cargo install),\n` +
        "or optional dependencies were left out: npm install --include=optional"
    );
    process.exit(1);
  }
  const child = spawn(file, process.argv.slice(2), { stdio: "inherit" });
  // Ctrl-C reaches the child by itself; what is sent to this process alone is passed on.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`${program}: ${file} cannot be started: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(signal ? 128 + os.constants.signals[signal] : code));
};
