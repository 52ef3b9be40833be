import { classifySample } from "./page.js";

classifySample();
