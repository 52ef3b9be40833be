// Puts the page together.

import { render } from "preact";
import { warmUp } from "./classify/classifier.js";
import { stayOffline } from "./offline/offline.js";
import { App } from "./page/app.js";
import { loadAdapters } from "./page/state.js";

render(<App />, document.getElementById("app") as HTMLElement);
void loadAdapters().then(warmUp);
void stayOffline();
