// VitePress' own theme in this project's colours; the disclaimer below every page.
import DefaultTheme from "vitepress/theme";
import { h } from "vue";
import "./style.css";

const DISCLAIMER = "Research use only. Not a medical device; not for diagnosis or treatment.";

export default {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { "doc-footer-before": () => h("p", { class: "disclaimer" }, DISCLAIMER) }),
};
