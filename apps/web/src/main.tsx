// Puts the page together.

import { render } from "preact";
import { warmUp } from "./classifier.js";
import { stayOffline } from "./offline.js";
import { loadAdapters } from "./state.js";
import { App } from "./views/app.js";

render(<App />, document.getElementById("app") as HTMLElement);
void loadAdapters().then(warmUp);
void stayOffline();
