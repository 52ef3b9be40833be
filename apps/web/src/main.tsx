// Puts the page together.

import { render } from "preact";
import { warmUp } from "./classify/classifier.js";
import { stayOffline } from "./offline/offline.js";
import { App } from "./page/app.js";
import { keepTextHarmless } from "./page/harmless-text.js";
import { loadAdapters } from "./page/state.js";

keepTextHarmless();
render(<App />, document.getElementById("app") as HTMLElement);
void loadAdapters().then(warmUp);
void stayOffline();
