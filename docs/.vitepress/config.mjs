// The documentation site. Everything is served with it; search runs in the page.
import { defineConfig } from "vitepress";

const guide = [
  { text: "In Node", link: "/guide/node" },
  { text: "In the browser", link: "/guide/browser" },
  { text: "How it works", link: "/guide/how-it-works" },
  { text: "Use adapters by name", link: "/use-adapters" },
  { text: "Train an adapter", link: "/train-an-adapter" },
  { text: "Import from Python", link: "/import-from-python" },
  { text: "Publish an adapter", link: "/publish-an-adapter" },
];
const facts = [
  { text: "Accuracy", link: "/reference/accuracy" },
  { text: "Speed and memory", link: "/reference/speed" },
  { text: "Limits", link: "/limits" },
  { text: "Security", link: "/security" },
  { text: "Questions", link: "/faq" },
];
const reference = [
  { text: "Command line", link: "/reference/cli" },
  { text: "API", link: "/reference/api/" },
  { text: "Formats and read options", link: "/reference/reading" },
  { text: "Errors and warnings", link: "/errors" },
  { text: "adapter.json", link: "/reference/manifest" },
  { text: "task.json", link: "/reference/task" },
  { text: "Architecture", link: "/architecture" },
];

/** Links to files that are in the repository, but not on the site, stay as words, which say where the file is. */
function linksToFiles(md) {
  const usual = md.renderer.rules.link_open ?? ((tokens, i, options, _, self) => self.renderToken(tokens, i, options));
  const close = md.renderer.rules.link_close ?? ((tokens, i, options, _, self) => self.renderToken(tokens, i, options));
  const open = [];
  md.renderer.rules.link_open = (tokens, i, options, env, self) => {
    const href = tokens[i].attrGet("href") ?? "";
    const outside = isOutside(href, env.relativePath ?? "");
    open.push(outside);
    return outside
      ? `<span class="file" title="in the repository: ${md.utils.escapeHtml(pathOf(href, env.relativePath ?? ""))}">`
      : usual(tokens, i, options, env, self);
  };
  md.renderer.rules.link_close = (tokens, i, options, env, self) => (open.pop() ? "</span>" : close(tokens, i, options, env, self));
}

/** What the search looks at: of the API the names only, so that guides come before the words of a thousand docstrings. */
function searched(source, env, md) {
  const html = md.render(source, env);
  if (!env.relativePath.startsWith("reference/api/")) return html;
  const [name = ""] = /<h1[\s\S]*?<\/h1>/.exec(html) ?? [];
  return `${name}<p>API</p>`; // a section without text is not found
}

/** The accuracy and speed pages are README.md and benchmarks/README.md; their relative links mean files there. */
const COPIES = { "reference/accuracy.md": "README.md", "reference/speed.md": "benchmarks/README.md" };

/** The file in the repository that a link means. */
const pathOf = (href, page) => new URL(href, `http://site/${COPIES[page] ?? `docs/${page}`}`).pathname.slice(1);

function isOutside(href, page) {
  if (/^(https?:|#|mailto:|\/)/.test(href)) return false;
  const path = pathOf(href, page);
  return page in COPIES || !path.startsWith("docs/") || /^docs\/decisions\/?$/.test(path);
}

export default defineConfig({
  title: "AnyMC3D",
  description: "Classify 3D medical volumes in Node and in the browser: one frozen vision backbone, a small adapter for every task.",
  lang: "en",
  cleanUrls: false,
  srcExclude: ["README.md"],
  head: [["link", { rel: "icon", href: "/icon.svg" }]],
  markdown: { config: linksToFiles, lineNumbers: false },
  themeConfig: {
    logo: "/icon.svg",
    search: { provider: "local", options: { _render: searched, miniSearch: { searchOptions: { fuzzy: 0.1 } } } },
    outline: [2, 3],
    nav: [
      { text: "Start", link: "/guide/node" },
      { text: "Train", link: "/train-an-adapter" },
      { text: "API", link: "/reference/api/" },
      { text: "Questions", link: "/faq" },
    ],
    sidebar: [
      { text: "Guide", items: guide },
      { text: "Facts", items: facts },
      { text: "Reference", items: reference },
    ],
    footer: { message: "Research use only. Not a medical device; not for diagnosis or treatment.", copyright: "Apache-2.0" },
  },
});
