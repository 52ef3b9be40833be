// Nothing special: webpack 5 finds the worker and the files by their `new URL(…, import.meta.url)`.
module.exports = { mode: "production", entry: "./main.js", output: { filename: "main.js" }, performance: { hints: false }, optimization: { minimize: false } };
