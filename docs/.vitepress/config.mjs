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
  { text: "Questions", link: "/faq" },
];
const reference = [
  { text: "Command line", link: "/reference/cli" },
  { text: "API", link: "/reference/api/" },
  { text: "Errors and warnings", link: "/errors" },
  { text: "adapter.json", link: "/reference/manifest" },
  { text: "task.json", link: "/reference/task" },
  { text: "Architecture", link: "/architecture" },
];

/** Links to files that are in the repository, but not on the site, stay as words. */
function linksToFiles(md) {
  const usual = md.renderer.rules.link_open ?? ((tokens, i, options, _, self) => self.renderToken(tokens, i, options));
  const close = md.renderer.rules.link_close ?? ((tokens, i, options, _, self) => self.renderToken(tokens, i, options));
  const open = [];
  md.renderer.rules.link_open = (tokens, i, options, env, self) => {
    const href = tokens[i].attrGet("href") ?? "";
    const outside = isOutside(href, env.relativePath ?? "");
    open.push(outside);
    return outside ? "<span>" : usual(tokens, i, options, env, self);
  };
  md.renderer.rules.link_close = (tokens, i, options, env, self) => (open.pop() ? "</span>" : close(tokens, i, options, env, self));
}

function isOutside(href, page) {
  if (/^(https?:|#|mailto:|\/)/.test(href)) return false;
  // The accuracy and speed pages are README.md and benchmarks/README.md; their relative links mean files there.
  if (/^reference\/(accuracy|speed)/.test(page)) return true;
  const { pathname } = new URL(href, `http://site/docs/${page}`);
  return !pathname.startsWith("/docs/") || /^\/docs\/decisions\/?$/.test(pathname);
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
    search: { provider: "local" },
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
